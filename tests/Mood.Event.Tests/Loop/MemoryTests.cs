using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Garbage collections during callbacks, and the memory and the file descriptors that many loops and watchers leave behind.</summary>
public sealed class MemoryTests : FdTestBase
{
    [Fact]
    public void A_hundred_thousand_watchers_of_all_kinds_are_called_and_dropped_between_collections()
    {
        const int rounds = 105, each = 80, embeds = 8, total = rounds * ((12 * each) + embeds);
        using Loop loop = Loop.GetDefault(LoopFlags.NoEnv); // without a watchdog, because this test takes longer than others
        (int loops, int watchers) = Live();
        int writable = NewPipe().Write, fired = 0;
        string path = Path.GetTempFileName();

        try
        {
            for (int round = 0; round < rounds; round++)
            {
                Round(loop, each, embeds, writable, path, OnEvent);
                GC.Collect(round % 3);
                loop.Verify();
            }
        }
        finally
        {
            File.Delete(path);
        }

        Assert.InRange(total, 100_000, 105_000);
        Assert.Equal(total, fired);
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return Live() == (loops, watchers);
        }));

        void OnEvent(Watcher w, Events events)
        {
            fired++;
            w.Stop();

            if (fired % 40 == 0)
            {
                GC.Collect(fired / 40 % 3);
            }
        }
    }

    [Fact]
    public void A_hundred_thousand_loops_leave_no_memory_no_file_descriptor_and_no_handle()
    {
        const int warmUp = 40_000, window = 25_000, windows = 4; // during the warm-up the collector's heap reaches its steady size
        const double megabytes = 1024 * 1024;
        MakeLoops(warmUp);
        int handles = HandleCounter.Count();
        Collect();
        string[] files = Posix.OpenFiles();
        long resident = Resident();
        List<double> growth = [];

        for (int i = 0; i < windows; i++)
        {
            MakeLoops(window);
            growth.Add((Resident() - resident) / megabytes);
        }

        string[] opened = [.. Posix.OpenFiles().Except(files)];
        Assert.True(opened.Length == 0, string.Join('\n', opened));
        Assert.InRange(HandleCounter.Count() - handles, int.MinValue, 100);

        // A leak grows in every window. The second check finds it even if the runtime has released memory of its own before.
        Assert.True(growth[^1] < 5, string.Join(' ', growth));
        Assert.True(growth[^1] - growth.Min() < 5, string.Join(' ', growth));
    }

    [Fact]
    public void Thousands_of_abandoned_loops_with_active_watchers_are_collected_and_their_fds_closed()
    {
        (int read, int write) = NewReadablePipe();
        Abandon(10, read, write);
        CollectAll();
        int fds = Posix.OpenFds();

        for (int i = 0; i < 3; i++)
        {
            Abandon(1000, read, write);
            CollectAll();
            Assert.InRange(Posix.OpenFds(), 0, fds);
        }

        static void CollectAll() => Assert.True(Posix.Until(() =>
        {
            Collect();
            return Live() == (0, 0);
        }));
    }

    /// <summary>Makes watchers of every kind, which are called and then dropped. The frame of the caller has no reference to them.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Round(Loop loop, int each, int embeds, int writable, string path, Action<Watcher, Events> callback)
    {
        const int nobody = int.MaxValue; // no process has this pid, so the Child reports that the child is gone
        List<Async> asyncs = [];

        for (int i = 0; i < each; i++)
        {
            double now = loop.Now();
            loop.Io(writable, Events.Write, (w, e) => callback(w, e)).Start();
            loop.Timer(0.0001 * i, 1000, (w, e) => callback(w, e)).Start();
            loop.Periodic(now - 1, 0, (w, e) => callback(w, e)).Start();
            loop.Scheduler((_, at) => at + 0.001, (w, e) => callback(w, e)).Start();
            loop.Signal(Signum.SIGUSR1, (w, e) => callback(w, e)).Start();
            loop.Child(nobody, trace: false, (w, e) => callback(w, e)).Start();
            loop.Stat(path, 0.11, (w, e) => callback(w, e)).Start();
            loop.Idle((w, e) => callback(w, e)).Start();
            loop.Prepare((w, e) => callback(w, e)).Start();
            loop.Check((w, e) => callback(w, e)).Start();
            loop.Fork((w, e) => callback(w, e)).Start();
            asyncs.Add(loop.Async((w, e) => callback(w, e)));
            asyncs[^1].Start();
        }

        for (int i = 0; i < embeds; i++)
        {
            var other = new Loop(LoopFlags.NoEnv, Backends.Epoll);
            other.Io(writable, Events.Write, (_, _) => { }).Start();
            other.Start(RunFlags.NoWait); // registers the fd with the kernel
            loop.Embed(other, (w, e) => callback(w, e)).Start();
        }

        Ev.FeedSignal(Signum.SIGUSR1);
        asyncs.ForEach(a => a.Send());
        asyncs.Clear();
        loop.Reset();
        loop.Start(RunFlags.NoWait); // creates the inotify fd again, which does not report earlier changes
        File.AppendAllText(path, "more");
        Assert.False(loop.Start());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeLoops(int count)
    {
        for (int i = 0; i < count; i++)
        {
            using var loop = new Loop(LoopFlags.NoEnv);
            loop.Timer(0, 0, (_, _) => { }).Start();
            loop.Periodic(0, 1, (_, _) => { }).Start();
            loop.Async((_, _) => { }).Start();
            loop.Start(RunFlags.NoWait);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Abandon(int count, int read, int write)
    {
        for (int i = 0; i < count; i++)
        {
            var loop = new Loop(LoopFlags.NoEnv);
            loop.Io(read, Events.Read, (_, _) => { }).Start();
            loop.Io(write, Events.Write, (_, _) => { }).Start();
            loop.Timer(0, 1, (_, _) => { }).Start();
            loop.Periodic(0, 1, (_, _) => { }).Start();
            loop.Scheduler((_, now) => now + 1, (_, _) => { }).Start();
            loop.Idle((_, _) => { }).Start();
            loop.Prepare((_, _) => { }).Start();
            loop.Check((_, _) => { }).Start();
            loop.Fork((_, _) => { }).Start();
            loop.Async((_, _) => { }).Start();
            loop.Start(RunFlags.NoWait);
        }
    }

    /// <summary>The resident memory of this process in bytes, after the collector and the allocator have released what they can.</summary>
    private static long Resident()
    {
        Collect();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
    }

    /// <summary>The number of GC handles of the process, which the runtime reports after each collection.</summary>
    private sealed class HandleCounter : EventListener
    {
        private const EventKeywords GarbageCollection = (EventKeywords)1;

        private readonly BlockingCollection<int> _counts = [];

        internal static int Count()
        {
            Collect();
            using var counter = new HandleCounter();
            GC.Collect();
            Assert.True(counter._counts.TryTake(out int count, TimeSpan.FromSeconds(Patience)));
            return count;
        }

        public override void Dispose()
        {
            base.Dispose();
            _counts.Dispose();
        }

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
            {
                EnableEvents(eventSource, EventLevel.Informational, GarbageCollection);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.PayloadNames?.IndexOf("GCHandleCount") is >= 0 and int index)
            {
                _counts.Add((int)(uint)eventData.Payload![index]!);
            }
        }
    }
}
