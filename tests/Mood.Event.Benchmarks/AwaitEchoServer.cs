using System;
using System.IO;
using System.Net.Sockets;
using System.Threading.Tasks;

namespace Mood.Event.Benchmarks;

/// <summary>The echo server with awaits, over SocketExtensions or over a LoopStream for each connection. It prints its port, and
/// ends at the end of standard input.</summary>
internal static class AwaitEchoServer
{
    internal static void Run(bool withStreams)
    {
        using Loop loop = Loop.Default;
        using Socket listener = SocketsEchoServer.Listen();
        using Stream input = Console.OpenStandardInput();

        loop.Io(0, Events.Read, (_, _) =>
        {
            if (input.ReadByte() < 0)
            {
                loop.Stop(BreakHow.All);
            }
        }).Start();
        _ = AcceptAsync(loop, listener, withStreams);
        loop.Start();
    }

    private static async Task AcceptAsync(Loop loop, Socket listener, bool withStreams)
    {
        while (true)
        {
            Socket socket = await listener.AcceptAsync(loop).ConfigureAwait(false);
            socket.NoDelay = true;
#pragma warning disable CA2025 // the task itself disposes the socket
            _ = withStreams ? EchoAsync(new LoopStream(loop, socket, ownsSocket: true)) : EchoAsync(loop, socket);
#pragma warning restore CA2025
        }
    }

    private static async Task EchoAsync(Loop loop, Socket socket)
    {
        byte[] buffer = new byte[16 * 1024];
        int count;

        while ((count = await socket.ReceiveAsync(loop, buffer).ConfigureAwait(false)) > 0)
        {
            await socket.SendAsync(loop, buffer.AsMemory(0, count)).ConfigureAwait(false);
        }

        socket.Dispose();
    }

    private static async Task EchoAsync(LoopStream stream)
    {
        byte[] buffer = new byte[16 * 1024];
        int count;

        while ((count = await stream.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count)).ConfigureAwait(false);
        }

        await stream.DisposeAsync().ConfigureAwait(false);
    }
}
