using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Benchmarks;

/// <summary>
/// The echo server over TLS, with SslStream over LoopStream and over NetworkStream. The clients are a process on another core.
/// </summary>
internal static class TlsBenchmark
{
    internal const string Command = "tls-load";

    internal static IEnumerable<Comparison> All(bool quick)
    {
        using EchoProcess streams = new(Cores.First, EchoProcess.Serve("tls-stream"));
        using EchoProcess sockets = new(Cores.First, EchoProcess.Serve("tls-sockets"));
        (string Name, EchoProcess Server)[] servers = [("LoopStream", streams), (Contender.Sockets, sockets)];
        double seconds = quick ? 0.3 : 1.5;

        foreach (int connections in (int[])[100])
        {
            foreach ((string _, EchoProcess server) in servers)
            {
                _ = server.LoadWithTls(Cores.Last, connections, quick ? 0.5 : 5);
            }

            yield return new Comparison(
                "tls",
                $"TLS, {connections} connections, in a second of processor time",
                "round trips",
                HigherIsBetter: true,
                Target: null,
                [.. servers.Select(s => new Contender(s.Name, () => 1e6 / s.Server.LoadWithTls(Cores.Last, connections, seconds)))])
            {
                WarmUps = 1,
            };
        }
    }

    /// <summary>
    /// The main function of the client process. It prints microseconds of the server's processor time per round trip.
    /// </summary>
    internal static void Run(int port, int pid, int connections, double seconds)
    {
        using var server = Process.GetProcessById(pid);
        using var stop = new CancellationTokenSource();
        long count = 0;
        using var ready = new CountdownEvent(connections);
        Task[] clients = [.. Enumerable.Range(0, connections).Select(_ => ClientAsync())];
        ready.Wait(); // waits until all handshakes have ended
        Thread.Sleep(300);
        server.Refresh();
        (TimeSpan time, long before) = (server.TotalProcessorTime, Volatile.Read(ref count));
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        server.Refresh();
        double used = (server.TotalProcessorTime - time).TotalMicroseconds / Math.Max(1, Volatile.Read(ref count) - before);
        Console.WriteLine(used.ToString(CultureInfo.InvariantCulture));
        stop.Cancel();
        Task.WaitAll(clients);

        async Task ClientAsync()
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.NoDelay = true;
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
#pragma warning disable CA5359 // the server belongs to this benchmark, and has made its own certificate
            await using var tls = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, _, _, _) => true);
#pragma warning restore CA5359
            await tls.AuthenticateAsClientAsync("localhost");
            byte[] message = new byte[EchoBenchmark.MessageSize];
            ready.Signal();

            while (!stop.IsCancellationRequested)
            {
                await tls.WriteAsync(message);
                await tls.ReadExactlyAsync(message);
                Interlocked.Increment(ref count);
            }
        }
    }
}
