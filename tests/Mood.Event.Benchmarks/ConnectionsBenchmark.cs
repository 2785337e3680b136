using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;

namespace Mood.Event.Benchmarks;

/// <summary>The memory of a server per idle connection. Each connection has sent and received one message before it is idle.</summary>
/// <remarks>
/// A server with awaits has a buffer for each connection. Here the buffer has only 64 bytes, so that the numbers show the memory
/// of the connection and not that of the program. The kernel's memory does not count, because it is the same for all contenders.
/// </remarks>
internal static class ConnectionsBenchmark
{
    internal static IEnumerable<Comparison> All(bool quick)
    {
        int connections = quick ? 500 : 10_000;
        (string Name, string[] Command)[] servers =
        [
            (Contender.Libev, [Path.Combine(Native.Directory, "echo-libev")]),
            (Contender.Ours, EchoProcess.Serve("callbacks")),
            ("await", EchoProcess.Serve("await", EchoBenchmark.MessageSize)),
            ("LoopStream", EchoProcess.Serve("stream", EchoBenchmark.MessageSize)),
            (Contender.Sockets, EchoProcess.Serve("sockets", EchoBenchmark.MessageSize)),
        ];
        yield return new Comparison(
            "connections",
            FormattableString.Invariant($"memory per idle connection, {connections:N0} connections"),
            "bytes",
            HigherIsBetter: false,
            Target: null,
            [.. Array.ConvertAll(servers, s => new Contender(s.Name, () => Round(s.Command, connections, isManaged: s.Name != Contender.Libev)))])
        {
            Rounds = 3,
            WarmUps = 1,
        };
    }

    private static double Round(string[] command, int connections, bool isManaged)
    {
        const int First = 100; // the memory of the first connections is not measured, because it includes that of the server itself
        using var server = new EchoProcess(Cores.First, command);
        var clients = new List<Socket>();

        try
        {
            Open(clients, server.Port, First);
            long before = server.Resident(isManaged);
            Open(clients, server.Port, connections);
            return (server.Resident(isManaged) - before) / (double)(connections - First);
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    private static void Open(List<Socket> clients, int port, int count)
    {
        byte[] message = new byte[EchoBenchmark.MessageSize];

        try
        {
            while (clients.Count < count)
            {
                var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                clients.Add(client);
                client.LingerState = new LingerOption(true, 0); // makes Dispose reset the connection, which leaves no port in TIME_WAIT
                client.Connect(IPAddress.Loopback, port);
                client.Send(message);

                for (int received = 0; received < message.Length;)
                {
                    int more = client.Receive(message);
                    Measure.Expect(more > 0, "a connection ended early");
                    received += more;
                }
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.TooManyOpenSockets)
        {
            throw new UnavailableException($"{count} connections need more file descriptors than this process may have");
        }
    }
}
