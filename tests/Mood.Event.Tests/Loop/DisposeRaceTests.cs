using System;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Dispose of a loop while other threads use it, legally or not.</summary>
public sealed class DisposeRaceTests : LoopTestBase
{
    [Fact]
    public void The_default_loop_is_disposed_and_remade_while_others_stop_the_old_one()
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
        // four threads that never sleep, on few cores, are each waited for
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
            catch (InvalidOperationException) // or ObjectDisposedException, which is one
            {
                Interlocked.Increment(ref refused);
            }
        }, () =>
        {
            double deadline = Ev.Time() + 30;

            // on a busy machine the others may not have had their turn yet
            for (int i = 0; i < 500 || ((Volatile.Read(ref times) == 0 || Volatile.Read(ref refused) == 0) && Ev.Time() < deadline); i++)
            {
                using var next = new Loop(LoopFlags.NoEnv);
                Volatile.Write(ref loop, next);
                Thread.SpinWait(i % 10 * 200);

                // others may have the loop just now
                while (Record.Exception(next.Dispose) is Exception e)
                {
                    Assert.IsType<InvalidOperationException>(e);
                }
            }
        });
        Assert.InRange(times, 1, int.MaxValue);
        Assert.InRange(refused, 1, int.MaxValue);
    }

    /// <summary>Does something on this thread while others do something else without end.</summary>
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
