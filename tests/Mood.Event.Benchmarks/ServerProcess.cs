using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;

namespace Mood.Event.Benchmarks;

/// <summary>
/// What the servers share: each prints its port, collects its garbage when it reads a byte from standard input, and ends at the
/// end of standard input.
/// </summary>
internal static class ServerProcess
{
    /// <summary>Makes a listening socket on the loopback address, and prints its port.</summary>
    internal static Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture));
        return listener;
    }

    /// <summary>Runs a loop until the end of standard input.</summary>
    internal static void Run(Loop loop)
    {
        using Stream input = Console.OpenStandardInput();
        loop.Io(0, Events.Read, (_, _) =>
        {
            if (!Obey(input))
            {
                loop.Stop(BreakHow.All);
            }
        }).Start();
        loop.Start();
    }

    /// <summary>
    /// Blocks this thread, which has no loop, until the end of standard input. An asynchronous read would take a thread of the
    /// pool from the connections.
    /// </summary>
    internal static void Run()
    {
        using Stream input = Console.OpenStandardInput();

        while (Obey(input))
        {
        }
    }

    // Reads a byte and collects the garbage. Returns false at the end of standard input.
    private static bool Obey(Stream input)
    {
        if (input.ReadByte() < 0)
        {
            return false;
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        Console.WriteLine("collected");
        return true;
    }
}
