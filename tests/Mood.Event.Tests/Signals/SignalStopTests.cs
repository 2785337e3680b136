using System;
using System.Threading;
using Mood.Event.Interop;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// A signal that came while somebody watched it has been dealt with, however late the runtime hands it out: these tests
/// end the test host if it takes its default action after the last Stop.
/// </summary>
public sealed class SignalStopTests : LoopTest
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
    public void The_rest_of_a_burst_is_harmless_after_a_stop_in_the_callback()
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
    public void An_interrupted_thread_stops_it_all_the_same_and_stays_interrupted()
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
    public void A_signal_that_no_thread_has_taken_yet_is_waited_for_and_no_mask_is_changed()
    {
        Exception? failure = null;
        using Signal signal = NewLoop().Signal(Signum.SIGUSR2, (_, _) => { });
        signal.Start();

        // a thread of its own: the mask goes with it
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            Posix.Mask(Signum.SIGUSR2, block: true);
            ulong blocked = Posix.Blocked();
            Posix.RaiseHere(Signum.SIGUSR2);
            double other = Waits(Signum.SIGUSR1), one = Waits(Signum.SIGUSR2); // a second, and then no longer
            Assert.True(one > 0.9 && other < one, $"{one} s for the one that waits, {other} s for another");
            Assert.Equal(blocked, Posix.Blocked());
            Posix.Mask(Signum.SIGUSR2, block: false);
            Assert.NotEqual(blocked, Posix.Blocked());
        }));
        thread.Start();
        thread.Join();
        Assert.Null(failure);

        static double Waits(int signum)
        {
            double start = Ev.Time();
            Native.mood_barrier_await(1UL << (signum - 1));
            return Ev.Time() - start;
        }
    }
}
