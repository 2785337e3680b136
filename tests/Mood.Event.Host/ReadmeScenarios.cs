#pragma warning disable CA2007, CA2016, CA2025 // the programs of README.md, word for word
using System;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Host;

/// <summary>
/// The programs of README.md, word for word. Arguments: five, watchers or await, and PORT. The build replaces the port 9999 with Port. The
/// program five uses no port.
/// </summary>
internal static class ReadmeScenarios
{
    private static int Port { get; set; }

    internal static int Readme(string[] args)
    {
        Port = int.Parse(args[1], CultureInfo.InvariantCulture);

        Action program = args[0] switch
        {
            "five" => Five,
            "watchers" => Watchers,
            _ => Await,
        };
        program();

        return 0;
    }

    private static void Five()
    {
        using var loop = new Loop();
        loop.Timer(1, 1, (timer, events) => Console.WriteLine("tick")).Start();
        loop.Signal(Signum.SIGINT, (signal, events) => loop.Stop()).Start();
        loop.Start();
    }

    private static void Watchers()
    {
        using var loop = new Loop();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 9999));
        byte[] buffer = new byte[65536];

        using Io io = loop.Io(socket, Events.Read, (_, _) => Console.WriteLine($"{socket.Receive(buffer)} bytes"));
        io.Start();
        loop.Timer(1, 1, (_, _) => Console.WriteLine("tick")).Start();
        loop.Signal(Signum.SIGINT, (signal, _) => signal.Loop.Stop()).Start();
        loop.Start();
    }

    private static void Await()
    {
        using var loop = new Loop();

        loop.Run(async token =>
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 9999));
            listener.Listen();

            while (true)
            {
                Socket socket = await listener.AcceptAsync(loop, token);
                _ = loop.Spawn(() => EchoAsync(socket, token));
            }
        });

        async Task EchoAsync(Socket socket, CancellationToken token)
        {
            using Socket closed = socket;
            byte[] buffer = new byte[4096];

            while (await socket.ReceiveAsync(loop, buffer, token) is int count and > 0)
            {
                await socket.SendAsync(loop, buffer.AsMemory(0, count));
            }
        }
    }
}
