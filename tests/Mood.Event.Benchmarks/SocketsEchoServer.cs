using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;

namespace Mood.Event.Benchmarks;

/// <summary>
/// The echo server on async System.Net.Sockets, with a task for each connection. It prints its port, and ends at the end of
/// standard input.
/// </summary>
internal static class SocketsEchoServer
{
    internal static void Run()
    {
        using Stream input = Console.OpenStandardInput();
        _ = AcceptAll();

        // It is read on this thread, because an asynchronous read would occupy a thread of the pool.
        while (input.ReadByte() >= 0)
        {
        }
    }

    /// <summary>Makes a listening socket on the loopback address, and prints its port for the process that started this
    /// server.</summary>
    internal static Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture));
        return listener;
    }

    private static async Task AcceptAll()
    {
        using Socket listener = Listen();

        while (true)
        {
            Socket socket = await listener.AcceptAsync();
            socket.NoDelay = true;
#pragma warning disable CA2025 // the task itself disposes the socket
            _ = Echo(socket);
#pragma warning restore CA2025
        }
    }

    private static async Task Echo(Socket socket)
    {
        byte[] buffer = new byte[16 * 1024];
        int count;

        while ((count = await socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None)) > 0)
        {
            // completes when all bytes are sent
            await socket.SendAsync(buffer.AsMemory(0, count), SocketFlags.None);
        }

        socket.Dispose();
    }
}
