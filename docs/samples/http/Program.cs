using System;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Http;
using Mood.Event;

// An HTTP/1.1 server, good enough for curl and wrk: keep-alive, pipelining, limits. GET / greets, GET /time tells the time, POST /echo
// sends the body back. It has no TLS, no chunked requests and no files: for a real site use ASP.NET Core.
if (args.Length > 1 || !ushort.TryParse(args.Length > 0 ? args[0] : "8080", NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
{
    Console.Error.WriteLine("usage: http [PORT]   (the default port is 8080; 0 takes a free one)");
    return args is ["-h" or "--help"] ? 0 : 2;
}

using var loop = new Loop();
var options = new LoopServerOptions { IdleTimeout = TimeSpan.FromSeconds(30), ShutdownTimeout = TimeSpan.FromSeconds(1), MaxConnections = 10_000 };

try
{
    loop.Run(async token =>
    {
        await using LoopServer server = LoopServer.Listen(loop, new IPEndPoint(IPAddress.Loopback, port), Connection.ServeAsync, options);
        Console.WriteLine($"http server on {server.EndPoint}, process {Environment.ProcessId}");
        await server.RunAsync(token);
    });
    return 0;
}
catch (Exception e) when (e is SocketException or EventException or PlatformNotSupportedException)
{
    Console.Error.WriteLine($"http: {e.Message}");
    return 1;
}
