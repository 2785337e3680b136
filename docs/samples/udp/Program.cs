using System;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mood.Event;

// A UDP server: each datagram goes back to its sender. Try it with `nc -u 127.0.0.1 7779`.
if (args.Length > 1 || !ushort.TryParse(args.Length > 0 ? args[0] : "7779", NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
{
    Console.Error.WriteLine("usage: udp [PORT]   (the default port is 7779; 0 takes a free one)");
    return args is ["-h" or "--help"] ? 0 : 2;
}

using var loop = new Loop();
using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
long datagrams = 0, bytes = 0;

try
{
    socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
    Console.WriteLine($"udp server on {socket.LocalEndPoint}, process {Environment.ProcessId}");

    loop.Run(async token =>
    {
        byte[] buffer = new byte[65536]; // no datagram is larger
        var anyone = new IPEndPoint(IPAddress.Any, 0);

        while (true)
        {
            SocketReceiveFromResult received = await socket.ReceiveFromAsync(loop, buffer, anyone, token);
            await socket.SendToAsync(loop, buffer.AsMemory(0, received.ReceivedBytes), received.RemoteEndPoint, token);
            datagrams++;
            bytes += received.ReceivedBytes;
        }
    });
    Console.WriteLine($"{datagrams} datagrams, {bytes} bytes"); // after SIGINT or SIGTERM
    return 0;
}
catch (Exception e) when (e is SocketException or EventException or PlatformNotSupportedException)
{
    Console.Error.WriteLine($"udp: {e.Message}");
    return 1;
}
