using System;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Dispose of a loop while other threads call its members, thread-safe ones and others.</summary>
public sealed class DisposeRaceTests : LoopTestBase
{
    [Fact]
    public void The_default_loop_is_disposed_and_remade_while_other_threads_stop_the_old_one()
    {
        Loop current = Loop.GetDefault(LoopFlags.NoEnv);

        WhileThreads(3, n => Volatile.Read(ref current).Stop((BreakHow)(n % 3)), () =>
        {
            for (int i = 0; i < 500; i++)
            {
                Loop loop = Loop.GetDefault(LoopFlags.NoEnv);
                Assert.Equal(i == 0, ReferenceEquals(loop, current));
                Volatile.Write(ref current, loop);
                loop.Timer(0, 0, (_, _) => { }).Start();
                loop.Start(RunFlags.NoWait);
                Assert.True(loop.IsDefault);
                loop.Dispose();
            }
        });
        Assert.NotSame(current, NewDefaultLoop());
    }

    [Fact]
    public void Threads_that_feed_signals_and_stop_the_loop_cannot_keep_it_from_being_disposed()
    {
        Loop loop = NewLoop();
        var watch = new Stopwatch();

        WhileThreads(4, n =>
        {
            if (n > 0)
            {
                Ev.FeedSignal(Signum.SIGUSR1);
            }
            else
            {
                Volatile.Read(ref loop).Stop();
            }
        }, () =>
        {
            for (int i = 0; i < 20; i++)
            {
                Volatile.Write(ref loop, new Loop(LoopFlags.NoEnv));
                loop.Signal(Signum.SIGUSR1, (_, _) => { }).Start();
                loop.Start(RunFlags.NoWait);
                watch.Start();
                loop.Dispose();
                watch.Stop();
            }
        });
        // Dispose waits for each of four threads that never sleep. With few cores each wait may last for a while.
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 30);
    }

    [Fact]
    public void Now_on_a_loop_that_is_being_disposed_throws_and_does_not_crash()
    {
        Loop? loop = null;
        int times = 0, refused = 0;

        WhileThreads(3, n =>
        {
            try
            {
                if (Volatile.Read(ref loop)?.Now(update: n == 0) is double now)
                {
                    Assert.InRange(now, 1, double.MaxValue);
                    Interlocked.Increment(ref times);
                }
            }
            catch (InvalidOperationException) // includes ObjectDisposedException
            {
                Interlocked.Increment(ref refused);
            }
        }, () =>
        {
            double deadline = Ev.Time() + 30;

            // On a busy machine, the other threads may not have run at all during the first rounds.
            for (int i = 0; i < 500 || ((Volatile.Read(ref times) == 0 || Volatile.Read(ref refused) == 0) && Ev.Time() < deadline); i++)
            {
                using var next = new Loop(LoopFlags.NoEnv);
                Volatile.Write(ref loop, next);
                Thread.SpinWait(i % 10 * 200);

                // Another thread may own the loop at this moment.
                while (Record.Exception(next.Dispose) is Exception e)
                {
                    Assert.IsType<InvalidOperationException>(e);
                }
            }
        });
        Assert.InRange(times, 1, int.MaxValue);
        Assert.InRange(refused, 1, int.MaxValue);
    }

    [Fact]
    public void Two_threads_that_dispose_an_idle_loop_are_never_told_that_it_is_disposed()
    {
        Loop? loop = null;
        int told = 0;

        WhileThreads(2, _ => Dispose(Volatile.Read(ref loop)), () =>
        {
            for (int i = 0; i < 2000; i++)
            {
                var next = new Loop(LoopFlags.NoEnv);
                Volatile.Write(ref loop, next);
                Thread.SpinWait(i % 10 * 20);
                Dispose(next);
            }
        });
        Assert.Equal(0, told);

        void Dispose(Loop? next)
        {
            // Another thread may own the loop at this moment.
            while (Record.Exception(() => next?.Dispose()) is Exception e)
            {
                if (e is ObjectDisposedException)
                {
                    Interlocked.Increment(ref told);
                }

                Assert.IsAssignableFrom<InvalidOperationException>(e);
            }
        }
    }

    /// <summary>Runs an action on this thread while other threads repeat another action.</summary>
    private static void WhileThreads(int count, Action<int> others, Action action)
    {
        bool over = false;
        var failures = new Exception?[count];
        Thread[] threads = [.. Enumerable.Range(0, count).Select(n => new Thread(() =>
        {
            failures[n] = Record.Exception(() =>
            {
                while (!Volatile.Read(ref over))
                {
                    others(n);
                }
            });
        }))];
        Array.ForEach(threads, t => t.Start());

        try
        {
            action();
        }
        finally
        {
            Volatile.Write(ref over, true);
            Array.ForEach(threads, t => t.Join());
        }

        Assert.All(failures, Assert.Null);
    }
}
