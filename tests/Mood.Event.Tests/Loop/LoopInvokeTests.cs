using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.Callback lets another thread call Invoke. Only one thread at a time may do so.</summary>
public sealed class LoopInvokeTests : LoopTestBase
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(Patience);

    [Fact]
    public void While_one_thread_is_in_Invoke_other_threads_are_refused()
    {
        Loop loop = NewLoop();
        using ManualResetEventSlim entered = new(), asked = new();
        int calls = 0, calling = 0, invoker = 0, other = 0;
        Exception? refused = null, failure = null;
        int home = Environment.CurrentManagedThreadId;

        for (int i = 0; i < 3; i++)
        {
            loop.Idle((_, _) =>
            {
                calls++;
                calling = Environment.CurrentManagedThreadId;
                entered.Set();
                asked.Wait(s_patience);
            }).Feed(Events.Custom);
        }

        loop.Callback = l =>
        {
            if (l.Pending == 0)
            {
                return;
            }

            var first = new Thread(() =>
            {
                invoker = Environment.CurrentManagedThreadId;
                failure = Record.Exception(l.Invoke);
            });
            var second = new Thread(() =>
            {
                other = Environment.CurrentManagedThreadId;
                entered.Wait(s_patience);
                refused = Record.Exception(l.Invoke);
                asked.Set();
            });
            first.Start();
            second.Start();
            first.Join();
            second.Join();
        };
        loop.Start(RunFlags.NoWait);
        Assert.Null(failure);
        Assert.IsType<InvalidOperationException>(refused);
        Assert.Equal(3, calls);
        Assert.Equal(invoker, calling);
        Assert.NotEqual(home, calling);
        Assert.NotEqual(other, calling);
    }

    // Invoke of the inner loop also takes the loops around it, and Callback may be running one of them.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void While_Callback_of_an_embedded_loop_runs_the_outer_loop_no_other_thread_may_Invoke(bool invoke)
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        int home = Environment.CurrentManagedThreadId, rounds = 0;
        var threads = new List<int>();
        Exception? during = null, after = null;
        outer.Embed(inner).Start();
        inner.Idle((_, _) => threads.Add(Environment.CurrentManagedThreadId)).Feed(Events.Custom);
        Idle nested = outer.Idle((w, _) =>
        {
            w.Stop();
            during = OnAnotherThread(inner.Invoke);
        });
        inner.Callback = _ =>
        {
            if (inner.Pending == 0 || ++rounds > 1)
            {
                return;
            }

            nested.Start();

            if (invoke)
            {
                nested.Feed(Events.Custom);
                outer.Invoke();
            }
            else
            {
                outer.Start(RunFlags.NoWait);
            }

            after = OnAnotherThread(inner.Invoke);
        };
        outer.Start(RunFlags.NoWait);
        Assert.IsType<InvalidOperationException>(during);
        Assert.Null(after);
        Assert.NotEqual(home, Assert.Single(threads)); // called by the Invoke that came after the nested run
        outer.Verify();
        inner.Verify();
    }

    // The Invoke of the other thread takes the inner loop alone, because the outer loop is no longer around it.
    [Fact]
    public void After_Callback_of_an_embedded_loop_has_stopped_the_Embed_another_thread_may_Invoke()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        int caller = 0;
        Exception? thrown = null;
        using Embed embed = outer.Embed(inner);
        embed.Start();
        inner.Idle((_, _) => caller = Environment.CurrentManagedThreadId).Feed(Events.Custom);
        inner.Callback = _ =>
        {
            if (embed.IsActive && inner.Pending > 0)
            {
                embed.Stop();
                thrown = OnAnotherThread(inner.Invoke);
            }
        };
        outer.Start(RunFlags.NoWait);
        Assert.Null(thrown);
        Assert.DoesNotContain(caller, new[] { 0, Environment.CurrentManagedThreadId });
        Assert.False(outer.Start(RunFlags.NoWait));
        Assert.False(inner.Start(RunFlags.NoWait));
        outer.Verify();
        inner.Verify();
    }

    [Fact]
    public void Concurrent_Invokes_call_watchers_one_thread_at_a_time_and_a_refused_thread_may_retry()
    {
        const int enough = 2000;
        int rounds = 0;
        Loop loop = NewLoop();
        int inside = 0, overlaps = 0, calls = 0, refused = 0;
        bool over = false;
        var wrong = new Exception?[2];
        using var barrier = new Barrier(3);
        AddIdles(loop, 4, () =>
        {
            overlaps += Interlocked.Increment(ref inside) > 1 ? 1 : 0;
            calls++;
            Thread.SpinWait(20);
            Interlocked.Decrement(ref inside);
        });
        loop.Callback = _ =>
        {
            Pass(barrier); // both threads call Invoke
            Pass(barrier); // the first thread calls Invoke alone
            Pass(barrier);
        };
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(n => new Thread(() =>
        {
            while (Pass(barrier) && !Volatile.Read(ref over))
            {
                Exception? thrown = Record.Exception(loop.Invoke);

                if (thrown is InvalidOperationException)
                {
                    Interlocked.Increment(ref refused);
                }
                else
                {
                    wrong[n] ??= thrown;
                }

                Pass(barrier);

                if (n == 0)
                {
                    wrong[n] ??= Record.Exception(loop.Invoke);
                }

                Pass(barrier);
            }
        }))];
        Array.ForEach(threads, t => t.Start());

        // A round is a few turns of three threads. On a busy machine fewer rounds must be enough.
        for (var watch = Stopwatch.StartNew(); rounds < enough && watch.Elapsed < s_patience / 4; rounds++)
        {
            loop.Start(RunFlags.NoWait);
        }

        Volatile.Write(ref over, true);
        Pass(barrier);
        Array.ForEach(threads, t => t.Join());
        Assert.All(wrong, Assert.Null);
        Assert.Equal((0, 4 * rounds), (overlaps, calls));
        loop.Verify();
    }

    [Fact]
    public void The_loop_s_own_Invoke_works_while_another_thread_asks_for_it()
    {
        Loop loop = NewLoop();
        int calls = 0, elsewhere = 0;
        int home = Environment.CurrentManagedThreadId;
        Exception? during = null, after = null;
        AddIdles(loop, 3, () =>
        {
            calls++;
            elsewhere += Environment.CurrentManagedThreadId == home ? 0 : 1;
            during = OnAnotherThread(loop.Invoke);
        });
        loop.Callback = l =>
        {
            l.Invoke();
            after = OnAnotherThread(l.Invoke);
        };
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal((3, 0), (calls, elsewhere));
        Assert.IsType<InvalidOperationException>(during);
        Assert.Null(after);
    }

    [Fact]
    public void Of_concurrent_Invokes_of_the_loop_s_thread_and_another_thread_exactly_one_is_accepted()
    {
        const int enough = 5000;
        int rounds = 0;
        Loop loop = NewLoop();
        int inside = 0, overlaps = 0, calls = 0, own = 0, others = 0;
        bool over = false;
        Exception? wrong = null;
        AddIdles(loop, 4, () =>
        {
            overlaps += Interlocked.Increment(ref inside) > 1 ? 1 : 0;
            calls++;
            Thread.SpinWait(20);
            Interlocked.Decrement(ref inside);
        });
        using var barrier = new Barrier(2);
        loop.Callback = l =>
        {
            Pass(barrier);
            Ask(ref own);
            Pass(barrier);
        };
        var thread = new Thread(() =>
        {
            while (Pass(barrier) && !Volatile.Read(ref over))
            {
                Ask(ref others);
                Pass(barrier);
            }
        });
        thread.Start();

        // A round is a few turns of two threads. On a busy machine fewer rounds must be enough.
        for (var watch = Stopwatch.StartNew(); rounds < enough && watch.Elapsed < s_patience / 4; rounds++)
        {
            loop.Start(RunFlags.NoWait);
        }

        Volatile.Write(ref over, true);
        Pass(barrier);
        thread.Join();
        Assert.Null(wrong);
        Assert.Equal((0, 4 * rounds), (overlaps, calls));
        Assert.InRange(own, 1, int.MaxValue);
        Assert.InRange(others, 1, int.MaxValue);
        loop.Verify();

        void Ask(ref int got)
        {
            Exception? thrown = Record.Exception(loop.Invoke);

            if (thrown is null)
            {
                got++;
            }
            else if (thrown is not InvalidOperationException)
            {
                wrong = thrown;
            }
        }
    }

    [Fact]
    public void During_a_lent_Invoke_the_watchers_belong_to_the_invoking_thread()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(5, 5, (_, _) => { });
        int home = Environment.CurrentManagedThreadId, caller = 0;
        Exception? inside = null, lent = null, late = null;
        Idle idle = loop.Idle((w, _) =>
        {
            caller = Environment.CurrentManagedThreadId;
            inside = Record.Exception(() =>
            {
                timer.Start();
                timer.Reset();
                timer.Repeat = 7;
                Assert.InRange(timer.Remaining, 4, 7);
                timer.Feed(Events.Custom);
                Assert.Equal(Events.Custom, timer.Clear());
                timer.Stop();
                timer.Priority = 1;
                timer.Set(1, 1);
                timer.Dispose();
                using Prepare made = loop.Prepare((_, _) => { });
                made.Start();
                Assert.True(made.IsActive);
                loop.Invoke();
                Assert.Equal(1u, loop.Depth);
                loop.Start(RunFlags.NoWait);
            });
            loop.Callback = null;
            w.Stop();
            loop.Stop();
        });
        idle.Start();
        loop.Timer(15, 0, (_, _) => { }).Start();
        loop.Callback = l =>
        {
            if (l.Pending == 0)
            {
                return;
            }

            lent = OnAnotherThread(l.Invoke);
            late = OnAnotherThread(() => _ = idle.IsActive);
        };
        Assert.True(loop.Start());
        Assert.Null(lent);
        Assert.Null(inside);
        Assert.IsType<InvalidOperationException>(late);
        Assert.NotEqual(home, caller);
        Assert.False(timer.IsActive);
        Assert.False(idle.IsActive);
    }

    [Fact]
    public void A_lent_Invoke_of_an_embedded_loop_gives_both_loops_to_the_invoking_thread_only()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        using Embed embed = outer.Embed(inner);
        embed.Start();
        using ManualResetEventSlim entered = new(), asked = new();
        Exception? inside = null, meanwhile = null, around = null, after = null, lent = null;
        int nested = 0;
        Timer timer = inner.Timer(50, 50, (_, _) => { });
        timer.Start();
        inner.Timer(0, 0, (_, _) =>
        {
            entered.Set();
            asked.Wait(s_patience);
            inside = Record.Exception(() =>
            {
                timer.Reset();
                inner.Timer(0, 0, (_, _) => nested++).Start();
                inner.Callback = null;
                inner.Start(RunFlags.NoWait);
            });
            inner.Stop();
        }).Start();
        inner.Callback = l =>
        {
            if (l.Pending == 0)
            {
                return;
            }

            var thread = new Thread(() => lent = Record.Exception(l.Invoke));
            thread.Start();
            Assert.True(entered.Wait(s_patience));
            meanwhile = Record.Exception(timer.Reset);
            around = Record.Exception(embed.Stop);
            asked.Set();
            thread.Join();
            after = Record.Exception(timer.Reset);
        };
        Assert.True(inner.Start());
        Assert.IsType<InvalidOperationException>(meanwhile);
        Assert.IsType<InvalidOperationException>(around);
        Assert.Null(inside);
        Assert.Null(lent);
        Assert.Null(after);
        Assert.Equal(1, nested);
        Assert.True(embed.IsActive);
    }

    [Fact]
    public void While_Callback_itself_runs_the_loop_no_other_thread_can_invoke()
    {
        Loop loop = NewLoop();
        Exception? during = null, after = null;
        loop.Callback = Nest;
        loop.Timer(0, 0, (_, _) => during = OnAnotherThread(loop.Invoke)).Start();
        Assert.False(loop.Start());
        Assert.IsType<InvalidOperationException>(during);
        Assert.Null(after);

        void Nest(Loop l)
        {
            l.Callback = null;
            l.Start(RunFlags.NoWait);
            after = OnAnotherThread(l.Invoke);
        }
    }

    private static void AddIdles(Loop loop, int count, Action called)
    {
        for (int i = 0; i < count; i++)
        {
            loop.Idle((_, _) => called()).Start();
        }
    }

    private static bool Pass(Barrier barrier) => barrier.SignalAndWait(s_patience);
}
