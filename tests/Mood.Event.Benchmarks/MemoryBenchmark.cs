using System;
using System.Collections.Generic;
using System.Net.Sockets;

namespace Mood.Event.Benchmarks;

/// <summary>The managed bytes per event and per operation in steady state. They should be 0.</summary>
internal static class MemoryBenchmark
{
    internal static IEnumerable<Comparison> All(bool quick)
    {
        int operations = quick ? 10_000 : 100_000;
        int[] fds = RawSockets.SocketPairs(1);
        using var socket = new Socket(new SafeSocketHandle(fds[0], ownsHandle: true)) { Blocking = false };
        using var other = new Socket(new SafeSocketHandle(fds[1], ownsHandle: true)) { Blocking = false };
        using var loop = new Loop();
        int calls = 0;

        Idle idle = loop.Idle((_, _) => calls++);
        Timer timer = loop.Timer(100, 100, (_, _) => calls++), due = loop.Timer(0, 1e-9, (_, _) => calls++);
        Io io = loop.Io(socket, Events.Read, (_, _) => calls++), ready = loop.Io(socket, Events.Write, (_, _) => calls++);
        Async async = loop.Async((_, _) => calls++);
        async.KeepAlive = false;

        Contender[] contenders =
        [
            Event("an idle event", idle),
            Event("a timer event", due),
            Event("an io event", ready),
            Operation("Timer.Start, Stop", () =>
            {
                timer.Start();
                timer.Stop();
            }),
            Operation("Timer.Reset", timer.Reset),
            Operation("Io.Start, Stop", () =>
            {
                io.Start();
                io.Stop();
            }),
            new($"{Contender.Ours}, Async.Send and its event", () =>
            {
                async.Start();
                calls = 0;
                double bytes = Allocated(
                    () =>
                    {
                        async.Send();
                        loop.Start(RunFlags.NoWait);
                    },
                    operations);
                Measure.Expect(calls, operations, "async events");
                async.Stop();
                return bytes;
            }),
        ];

        // In some rounds the runtime itself allocates, because it still optimizes the code. The median hides these rounds.
        yield return new Comparison(
            "memory", "managed memory in the steady state", "bytes", HigherIsBetter: false, null, contenders)
        {
            Limit = 0,
        };

        Contender Event(string name, Watcher watcher) => new($"{Contender.Ours}, {name}", () =>
        {
            watcher.Start();
            calls = 0;
            double bytes = Allocated(() => loop.Start(RunFlags.NoWait), operations);
            watcher.Stop();

            // An iteration with another event, such as the search for closed handles, calls no idle watcher.
            Measure.Expect(calls > 0.99 * operations, $"{name}: {calls} instead of {operations}");
            return bytes;
        });

        Contender Operation(string name, Action operation) => new($"{Contender.Ours}, {name}", () =>
        {
            double bytes = Allocated(operation, operations);
            timer.Stop();
            return bytes;
        });
    }

    private static double Allocated(Action action, int operations)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();

        for (int i = 0; i < operations; i++)
        {
            action();
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)operations;
    }
}
