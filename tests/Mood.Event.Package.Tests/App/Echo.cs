using System;
using System.Net;
using System.Net.Sockets;
using Mood.Event;

/// <summary>An echo server and its clients on one loop, over real sockets: every byte comes back.</summary>
internal static class Echo
{
    private const int Clients = 20, Rounds = 50, Size = 256;

    public static void Run()
    {
        using (var loop = new Loop())
        using (var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen(Clients);
            int accepted = 0, returned = 0;
            loop.CallbackException += (_, e) => Check.That(false, e.Exception.ToString());
            loop.Io(listener, Events.Read, (io, _) =>
            {
                Serve(loop, listener.Accept());

                if (++accepted == Clients)
                {
                    io.Stop();
                }
            }).Start();

            for (int i = 0; i < Clients; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Connect(listener.LocalEndPoint!);
                Talk(loop, socket, (byte)i, () => returned++);
            }

            Check.Ends(loop);
            Check.That(returned == Clients * Rounds, $"every message comes back: {returned}");
        }
    }

    private static void Serve(Loop loop, Socket socket)
    {
        var buffer = new byte[4096];
        loop.Io(socket, Events.Read, (io, _) =>
        {
            int count = socket.Receive(buffer);

            if (count > 0)
            {
                socket.Send(buffer, count, SocketFlags.None);
                return;
            }

            io.Dispose();
            socket.Dispose();
        }).Start();
    }

    private static void Talk(Loop loop, Socket socket, byte seed, Action returned)
    {
        byte[] message = new byte[Size], buffer = new byte[Size];
        int round = 0, got = 0;

        for (int i = 0; i < Size; i++)
        {
            message[i] = (byte)(seed * 7 + i);
        }

        socket.Send(message);
        loop.Io(socket, Events.Read, (io, _) =>
        {
            got += socket.Receive(buffer, got, Size - got, SocketFlags.None);

            if (got < Size)
            {
                return;
            }

            Check.That(buffer.AsSpan().SequenceEqual(message), "what comes back is what was sent");
            returned();
            got = 0;

            if (++round < Rounds)
            {
                socket.Send(message);
                return;
            }

            io.Dispose();
            socket.Dispose();
        }).Start();
    }
}
