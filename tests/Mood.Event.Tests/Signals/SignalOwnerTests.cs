using System;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Loops on several threads that watch the same signal. One loop at a time owns the signal, and the process always has a handler
/// for it.
/// </summary>
public sealed class SignalOwnerTests : LoopTestBase
{
    [Fact]
    public void After_several_loops_have_owned_a_signal_in_turn_its_handler_is_the_original_one()
    {
        Loop first = NewLoop(), second = NewLoop();
        int calls = 0;
        Signal one = first.Signal(Signum.SIGUSR1, (_, _) => { });
        Signal other = second.Signal(Signum.SIGUSR1, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        int taken = 0;
        var thread = new Thread(() => taken = Alternate(other));
        thread.Start();
        Assert.InRange(Alternate(one), 1, int.MaxValue);
        thread.Join();
        Assert.InRange(taken, 1, int.MaxValue);

        other.Start();
        first.Dispose();
        Posix.Raise(Signum.SIGUSR1);
        Assert.False(second.Start());
        Assert.Equal(1, calls);

        static int Alternate(Signal signal)
        {
            int taken = 0;
            double end = Ev.Time() + Patience;

            // On a busy machine, the other thread may be preempted while its loop owns the signal.
            for (int i = 0; i < 600 || (taken == 0 && Ev.Time() < end); i++)
            {
                try
                {
                    signal.Start();
                    taken++;
                }
                catch (EventException)
                {
                    // the other loop owns the signal
                }

                signal.Stop();
            }

            return taken;
        }
    }

    [Fact]
    public void The_Dispose_of_a_loop_does_not_remove_the_handler_of_the_next_loop()
    {
        Loop next = NewLoop();
        int calls = 0;
        using Signal follower = next.Signal(Signum.SIGUSR1, (w, _) =>
        {
            calls++;
            w.Stop();
        });

        // A third thread takes the lock of the registrations again and again, so that the other two threads meet at the lock.
        bool over = false;
        using Signal third = NewLoop().Signal(Signum.SIGUSR2, (_, _) => { });
        var noise = new Thread(() =>
        {
            while (!Volatile.Read(ref over))
            {
                third.Start();
                third.Stop();
            }
        });
        noise.Start();

        try
        {
            for (int i = 1; i <= 30; i++)
            {
                Follow();
                Assert.Equal(i, calls);
            }
        }
        finally
        {
            Volatile.Write(ref over, true);
            noise.Join();
        }

        void Follow()
        {
            var loop = new Loop(LoopFlags.NoEnv);
            loop.Signal(Signum.SIGUSR1, (_, _) => { }).Start();
            loop.Signal(Signum.SIGUSR1, (_, _) => { }).Start();
            using var ready = new ManualResetEventSlim();
            var thread = new Thread(() =>
            {
                ready.Set();

                while (Record.Exception(follower.Start) is EventException)
                {
                    // Repeats until the other loop has stopped watching the signal.
                }
            });
            thread.Start();
            ready.Wait();
            loop.Dispose();
            thread.Join();

            Assert.True(follower.IsActive);
            Posix.Raise(Signum.SIGUSR1);
            Assert.False(next.Start());
        }
    }
}
