using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event.Host;

/// <summary>
/// Errors of the process: a shortage of fds, faults, a broken pipe, and exceptions. The runtime still handles its own signals for them.
/// </summary>
internal static class FaultScenarios
{
    private const int Signals = 64;

    /// <summary>Before any other error, the process runs out of file descriptors. Later some of them are free again.</summary>
    internal static int Shortage(string[] args)
    {
        var loops = new List<Loop>();
        int error = 0, refused = 0, calls = 0, events = 0;

        try
        {
            while (true)
            {
                loops.Add(new Loop(LoopFlags.NoEnv));
            }
        }
        catch (EventException e)
        {
            error = e.NativeErrorCode;
        }

        try
        {
            loops[0].Signal(Signum.SIGUSR1, (_, _) => { }).Start();
        }
        catch (EventException)
        {
            refused++;
        }

        Stat stat = loops[0].Stat("/", 1, (_, _) => { });
        stat.Start(); // without inotify, Stat polls
        loops[0].Timer(0, 0, (_, _) => calls++).Start();
        loops[0].Io(1, Events.Write, (w, _) =>
        {
            events++;
            w.Stop();
        }).Start();
        using var output = new SafeFileHandle(1, ownsHandle: false);
        loops[0].Io(output, Events.Write, (w, _) =>
        {
            events++;
            w.Stop();
        }).Start();
        Async async = loops[0].Async((_, _) => events++);
        async.Start();
        async.Send();
        loops[0].Post(() => events++);
        loops[0].Start(RunFlags.NoWait);
        bool active = stat.IsActive;
        loops.ForEach(l => l.Dispose());
        using var again = new Loop(LoopFlags.NoEnv);
        again.Timer(0, 0, (_, _) => calls++).Start();
        again.Start();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"errno {error}, refused {refused}, stat {active}, calls {calls}, events {events}"));
        return 0;
    }

    /// <summary>
    /// While every possible signal is watched, faults become exceptions: outside callbacks, in callbacks, and on other threads.
    /// </summary>
    internal static int Faults(string[] args)
    {
        int watched = 0, caught = 0;
        using var loop = new Loop(LoopFlags.NoEnv);

        for (int signum = 1; signum <= Signals; signum++)
        {
            try
            {
                loop.Signal(signum, (_, _) => { }).Start();
                watched++;
            }
            catch (ArgumentOutOfRangeException)
            {
                // The library refuses this signal.
            }
        }

        Check();
        loop.Timer(0, 0.001, (w, _) =>
        {
            Check();

            if (caught >= 100)
            {
                loop.Stop();
            }
        }).Start();
        loop.Start();
        var thread = new Thread(Check);
        thread.Start();
        thread.Join();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"watched {watched}, caught {caught}"));
        return 0;

        void Check()
        {
            try
            {
                Console.WriteLine(Length(null!));
            }
            catch (NullReferenceException)
            {
                caught++;
            }

            try
            {
                Console.WriteLine(Divide(1, 0));
            }
            catch (DivideByZeroException)
            {
                caught++;
            }
        }
    }

    /// <summary>
    /// A write to a pipe without a reader fails and does not end the process, before, while and after SIGPIPE is watched.
    /// </summary>
    internal static int Pipe(string[] args)
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        using Signal signal = loop.Signal(Signum.SIGPIPE, (_, _) => { });
        int before = Posix.WriteToClosedPipe();
        signal.Start();
        int during = Posix.WriteToClosedPipe();
        loop.Start(RunFlags.NoWait);
        signal.Stop();
        int after = Posix.WriteToClosedPipe();
        loop.Dispose();
        int end = Posix.WriteToClosedPipe();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{before} {during} {after} {end}"));
        return 0;
    }

    /// <summary>An exception leaves Start, and the program does not catch it.</summary>
    internal static int Unhandled(string[] args)
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        loop.Signal(Signum.SIGTERM, (_, _) => { }).Start();
        loop.Timer(0, 0, [Fatal] (_, _) => throw new InvalidTimeZoneException("this one is for everybody to see")).Start();
        loop.Start();
        return 0;
    }

    /// <summary>Callbacks throw exceptions, which the loop writes to standard error.</summary>
    internal static int Reported(string[] args)
    {
        using var loop = new Loop();
        int calls = 0;
        loop.Timer(0.001, 0.001, (timer, _) =>
        {
            if (++calls == 3)
            {
                timer.Stop();
            }

            throw new InvalidTimeZoneException("one of three");
        }).Start();
        loop.Start();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"calls {calls}"));
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Length(string text) => text.Length;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Divide(int a, int b) => a / b;
}
