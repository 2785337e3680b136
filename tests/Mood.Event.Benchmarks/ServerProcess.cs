using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;

namespace Mood.Event.Benchmarks;

/// <summary>What the servers have in common: each prints its port, ends when standard input does, and collects its garbage when a byte
/// comes from there.</summary>
internal static class ServerProcess
{
    /// <summary>A listening socket on loopback, whose port is printed.</summary>
    internal static Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture));
        return listener;
    }

    /// <summary>Runs a loop until the end.</summary>
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

    /// <summary>Keeps this thread, which has no loop, until the end. Reading asynchronously would keep a thread of the pool from the
    /// connections.</summary>
    internal static void Run()
    {
        using Stream input = Console.OpenStandardInput();

        while (Obey(input))
        {
        }
    }

    // False: standard input has ended.
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
