using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Mood.Event.Benchmarks;

/// <summary>
/// Echo servers under the load of a C program. Each server is a process. All servers run on the same core, and the load runs on
/// another. All server processes run all the time. Servers without load wait, and use no processor time. Mood.Event takes part
/// with callbacks, with awaits over SocketExtensions, and with awaits over LoopStream, each as a C# program would use it.
/// <para>
/// The targets apply to the round trips per second of the server's processor time, which are the round trips per second of a
/// server that has a core of its own. Elapsed time would mostly show how much of the core each server got on a busy machine, and
/// a server with many threads gets more.
/// </para>
/// </summary>
internal static class EchoBenchmark
{
    /// <summary>The size of every message, in bytes.</summary>
    internal const int MessageSize = 64;

    internal static IEnumerable<Comparison> All(bool quick)
    {
        using EchoProcess libev = new(Cores.First, Path.Combine(Native.Directory, "echo-libev"));
        using EchoProcess ours = new(Cores.First, EchoProcess.Serve("callbacks"));
        using EchoProcess awaits = new(Cores.First, EchoProcess.Serve("await"));
        using EchoProcess streams = new(Cores.First, EchoProcess.Serve("stream"));
        using EchoProcess sockets = new(Cores.First, EchoProcess.Serve("sockets"));
        using EchoProcess? libuv = Native.HasLibuv ? new(Cores.First, Path.Combine(Native.Directory, "echo-libuv")) : null;

        (string, EchoProcess)[] servers =
        [
            (Contender.Libev, libev),
            (Contender.Ours, ours),
            ("await", awaits), // not named Contender.Ours, because the targets apply to callbacks only
            ("LoopStream", streams),
            (Contender.Sockets, sockets),
            .. Optional(libuv),
        ];

        // The runtime optimizes hot methods in the background within a few seconds, and more slowly on a core that a busy server
        // uses fully. So each server works for five seconds before its first measurement.
        double warmUp = quick ? 0.5 : 5;
        Console.WriteLine(FormattableString.Invariant($"echo: each server works for {warmUp} s before its first measurement"));

        foreach ((string _, EchoProcess server) in servers)
        {
            server.Load(Cores.Last, connections: 100, warmUp);
        }

        foreach (int connections in (int[])[1, 100, 1000, 5000])
        {
            yield return Make(servers, Cores.Last, connections, seconds: quick ? 0.3 : 1.5);
        }

        yield return MakeSystemCalls(servers, Cores.Last);
    }

    // A message needs one recv, one send, and a part of an epoll_wait.
    private static Comparison MakeSystemCalls((string Name, EchoProcess Server)[] servers, int core) =>
        new(
            "echo",
            "system calls per message, 100 connections",
            "calls",
            HigherIsBetter: false,
            Target: null,
            [.. servers.Select(s => new Contender(s.Name, () => s.Server.CountSystemCalls(core, connections: 100)))])
        {
            Limit = 2.2,
            Rounds = 1,
            WarmUps = 1,
        };

    private static Comparison Make((string Name, EchoProcess Server)[] servers, int core, int connections, double seconds)
    {
        bool aimed = connections is 100 or 1000;
        var last = new Dictionary<string, EchoResult>();

        return new Comparison(
            "echo",
            $"{connections} connection{(connections == 1 ? "" : "s")}",
            "round trips/s",
            HigherIsBetter: true,
            Target: null,
            [.. servers.Select(s => new Contender(s.Name, () =>
            {
                last[s.Name] = s.Server.Load(core, connections, seconds);
                return last[s.Name].Rate;
            }))])
        {
            Readings =
            [
                new(
                    "in a second of processor time",
                    "round trips",
                    HigherIsBetter: true,
                    aimed ? 0.97 : null,
                    name => 1e6 / last[name].ProcessorTime) { SocketsTarget = aimed ? 2 : null },
                new("median", "µs", HigherIsBetter: false, null, name => last[name].Median),
                new("99th percentile", "µs", HigherIsBetter: false, null, name => last[name].Percentile99),
            ],
        };
    }

    private static IEnumerable<(string Name, EchoProcess Server)> Optional(EchoProcess? libuv) =>
        libuv is null ? [] : [(Contender.Libuv, libuv)];
}
