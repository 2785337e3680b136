using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The base class of the tests of loops: it makes loops, lists the backends, and checks that no native memory is left.</summary>
public abstract class LoopTestBase : IDisposable
{
    /// <summary>The time in seconds after which a watchdog fails the test. No test needs that long, unless its loop hangs.</summary>
    protected static readonly double Patience = OperatingSystem.IsWindows() ? 80 : 20; // under Wine

    private readonly List<Loop> _loops = [];

    /// <summary>Every backend that works on this machine.</summary>
    public static TheoryData<Backends> AllBackends => new(WorkingBackends.Value);

    /// <summary>The backends that can be embedded.</summary>
    public static TheoryData<Backends> EmbeddableBackends =>
        new(WorkingBackends.Value.Where(b => (b & Ev.EmbeddableBackends) != 0));

    private static Lazy<List<Backends>> WorkingBackends { get; } = new(FindBackends);

    /// <summary>Whether a backend works on this machine.</summary>
    protected static bool IsWorking(Backends backend) => WorkingBackends.Value.Contains(backend);

    /// <summary>Makes a loop that is disposed after the test. A watchdog fails the test if the loop hangs.</summary>
    protected Loop NewLoop(Backends backends = Backends.Auto, LoopFlags flags = LoopFlags.NoEnv) =>
        Guard(new Loop(flags | LoopFlags.NoEnv, backends));

    /// <summary>
    /// Makes a loop on a manual clock. It has no watchdog, because the clock would make the watchdog expire. It needs none,
    /// because such a loop does not wait for timers.
    /// </summary>
    protected Loop NewLoop(ManualClock clock, Backends backends = Backends.Auto, LoopFlags flags = LoopFlags.NoEnv)
    {
        var loop = new Loop(flags | LoopFlags.NoEnv, backends, clock: clock);
        _loops.Add(loop);
        return loop;
    }

    /// <summary>Makes a loop whose time the test sets. Its timers do not use a timerfd, because the kernel's timers follow real time.</summary>
    private protected (Loop Loop, TestClock Clock) NewTestClockLoop(
        Backends backends = Backends.Auto, LoopFlags flags = LoopFlags.NoEnv)
    {
        Loop loop = NewLoop(backends, flags | LoopFlags.NoTimerFd);
        return (loop, new TestClock(loop));
    }

    /// <summary>The default loop, which is disposed after the test.</summary>
    protected Loop NewDefaultLoop() => Guard(Loop.GetDefault(LoopFlags.NoEnv));

    /// <summary>Runs an action on a new thread, and returns its exception or null.</summary>
    protected static Exception? OnAnotherThread(Action action)
    {
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(action));
        thread.Start();
        thread.Join();
        return thrown;
    }

    /// <summary>Whether a watcher or a reference keeps Start running. Runs one iteration to find out.</summary>
    protected static bool IsKeptAlive(Loop loop) => loop.Start(RunFlags.NoWait);

    /// <summary>Checks that the loop's reference count is exactly zero.</summary>
    protected static void AssertNoReferences(Loop loop)
    {
        Assert.False(IsKeptAlive(loop));
        loop.IncRef();
        Assert.True(IsKeptAlive(loop));
        loop.DecRef();
        Assert.False(IsKeptAlive(loop));
    }

    /// <summary>Collects all garbage and runs the finalizers.</summary>
    protected static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        DisposeLoops();

        if (NativeTesting.Lacking != NativeTesting.Lack.Nothing)
        {
            NativeTesting.Lacking = NativeTesting.Lack.Nothing; // a test or a class such as ChildWithoutPidfdTests has set it
        }

        for (int i = 0; i < 50 && Live() != (0, 0); i++)
        {
            Collect();
            Thread.Sleep(i < 5 ? 0 : 20); // on a busy machine a thread of the pool may still hold a watcher
        }

        Assert.Equal((0, 0), Live());
    }

    /// <summary>The numbers of native loops and watchers that are alive.</summary>
    protected static (int Loops, int Watchers) Live() => (NativeTesting.mood_live((int)NativeTesting.Kind.Loops), NativeTesting.mood_live((int)NativeTesting.Kind.Watchers));

    // A method of its own, so that no local of Dispose keeps the last loop and its callbacks from being collected.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void DisposeLoops()
    {
        foreach (Loop loop in _loops)
        {
            loop.Dispose();
        }

        _loops.Clear();
    }

    private Loop Guard(Loop loop)
    {
        _loops.Add(loop);
        Timer watchdog = loop.Timer(Patience, 0, [Fatal] (_, _) => throw new TimeoutException("The test hangs."));
        watchdog.KeepAlive = false;
        watchdog.Start();
        return loop;
    }

    private static List<Backends> FindBackends()
    {
        Ev.Time(); // loads the library
        var found = new List<Backends>();

        foreach (Backends backend in new[] { Backends.Epoll, Backends.Poll, Backends.Select, Backends.IoUring, Backends.LinuxAio, Backends.Kqueue })
        {
            // This check avoids the constructor's exception: xunit calls this method by reflection, and Wine does not always survive an
            // exception there.
            if ((backend & Ev.SupportedBackends) == 0)
            {
                Console.WriteLine($"Not tested on {backend}: this system does not have it.");
                continue;
            }

            try
            {
                using var loop = new Loop(LoopFlags.NoEnv, backend);
                found.Add(backend);
            }
            catch (EventException e)
            {
                Console.WriteLine($"Not tested on {backend}: {e.Message}");
            }
        }

        return found;
    }
}
