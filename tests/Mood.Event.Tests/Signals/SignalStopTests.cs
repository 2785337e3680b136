using System;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// A signal that came while it was watched has no default action, even if the runtime calls the registration much later.
/// Otherwise these tests would end the test host.
/// </summary>
public sealed class SignalStopTests : LoopTestBase
{
    private const int Rounds = 300;

    [Fact]
    public void A_signal_right_before_the_last_stop_is_harmless()
    {
        using Signal signal = NewLoop().Signal(Signum.SIGUSR1, (_, _) => { });

        for (int i = 0; i < Rounds; i++)
        {
            signal.Start();
            Posix.Raise(Signum.SIGUSR1);
            signal.Stop();
        }

        Assert.False(signal.IsActive);
    }

    [Fact]
    public void After_a_stop_in_the_callback_the_rest_of_the_burst_is_harmless()
    {
        Loop loop = NewLoop();
        int calls = 0;

        for (int i = 0; i < Rounds; i++)
        {
            loop.Signal(Signum.SIGUSR1, (w, _) =>
            {
                calls++;
                w.Dispose();
            }).Start();
            Posix.Raise(Signum.SIGUSR1);
            Posix.Raise(Signum.SIGUSR1);
            Posix.Raise(Signum.SIGUSR1);
            Assert.False(loop.Start());
        }

        Assert.Equal(Rounds, calls);
    }

    [Fact]
    public void A_signal_right_before_the_loop_is_disposed_is_harmless()
    {
        for (int i = 0; i < Rounds; i++)
        {
            using var loop = new Loop(LoopFlags.NoEnv);
            loop.Signal(Signum.SIGTERM, (_, _) => { }).Start();
            Posix.Raise(Signum.SIGTERM);
        }
    }

    [Fact]
    public void An_interrupted_thread_stops_the_watcher_and_stays_interrupted()
    {
        nint before = Posix.Disposition(Signum.SIGUSR1);
        using Signal signal = NewLoop().Signal(Signum.SIGUSR1, (_, _) => { });
        signal.Start();
        Assert.NotEqual(before, Posix.Disposition(Signum.SIGUSR1));
        Thread.CurrentThread.Interrupt();
        signal.Stop();
        Assert.Throws<ThreadInterruptedException>(() => Thread.Sleep(1000));
        Assert.Equal(before, Posix.Disposition(Signum.SIGUSR1));
    }

    [Fact]
    public void A_signal_moves_from_loop_to_loop_without_a_gap()
    {
        using Signal first = NewLoop().Signal(Signum.SIGUSR2, (_, _) => { });
        using Signal second = NewLoop().Signal(Signum.SIGUSR2, (_, _) => { });

        for (int i = 0; i < Rounds; i++)
        {
            first.Start();
            Posix.Raise(Signum.SIGUSR2);
            first.Stop();
            second.Start();
            Posix.Raise(Signum.SIGUSR2);
            second.Stop();
        }
    }

    [Fact]
    public void The_last_Stop_consumes_a_signal_that_is_still_pending_and_changes_no_mask()
    {
        Exception? failure = null;

        // A thread of its own, whose mask does not affect other tests.
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            using var loop = new Loop(LoopFlags.NoEnv);
            using Signal signal = loop.Signal(Signum.SIGUSR2, (_, _) => { });
            signal.Start();
            Posix.Mask(block: true, Signum.SIGUSR2);
            ulong blocked = Posix.Blocked();
            Posix.RaiseHere(Signum.SIGUSR2);
            double start = Ev.Time();
            signal.Stop();
            Assert.InRange(Ev.Time() - start, 0, 0.5);
            Assert.Equal(blocked, Posix.Blocked());
            Posix.Mask(block: false, Signum.SIGUSR2); // a signal that is still pending would end the process here
            Assert.NotEqual(blocked, Posix.Blocked());
        }));
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    [Fact]
    public void A_thread_that_is_interrupted_while_it_waits_in_Start_starts_the_watcher_and_stays_interrupted()
    {
        object gate = typeof(SignalRegistrations).GetField("s_gate", BindingFlags.Static | BindingFlags.NonPublic)!.GetValue(null)!;
        Exception? failure = null;
        nint handler = 0;
        bool wasActive = false, wasInterrupted = false;
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            using var loop = new Loop(LoopFlags.NoEnv);
            using Signal signal = loop.Signal(Signum.SIGUSR1, (_, _) => { });
            signal.Start();
            wasActive = signal.IsActive;
            handler = Posix.Disposition(Signum.SIGUSR1);
            wasInterrupted = Record.Exception(() => Thread.Sleep(1000)) is ThreadInterruptedException;
            Posix.Raise(Signum.SIGUSR1); // without a registration this ends the process
        }));

        lock (gate)
        {
            thread.Start();
            Assert.True(Posix.Until(() => (thread.ThreadState & ThreadState.WaitSleepJoin) != 0));
            thread.Interrupt();
            Thread.Sleep(50);
        }

        thread.Join();
        Assert.Null(failure);
        Assert.True(wasActive && wasInterrupted && handler is not Posix.SIG_DFL);
    }

    [Fact]
    public void A_handler_that_the_runtime_calls_after_the_end_of_the_registration_does_nothing()
    {
        Assert.Equal("survived", HostProcess.Succeed($"late-signals {Signum.SIGUSR2} 40000"));
    }

    [Fact]
    public void Stop_returns_although_other_threads_use_all_processors()
    {
        string output = HostProcess.Succeed("stop-beside 40");
        Match match = Regex.Match(output, @"^median ([\d.]+) ms, longest ([\d.]+) ms$");
        Assert.True(match.Success, output);
        Assert.InRange(double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), 0, 20);
    }
}
