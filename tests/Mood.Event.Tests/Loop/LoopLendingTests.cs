using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Inside Loop.Callback two threads may ask for the loop: the thread inside it, and one that calls Invoke. Only one of them gets
/// it.</summary>
public sealed class LoopLendingTests : LoopTestBase
{
    /// <summary>The members that call user code.</summary>
    public static TheoryData<string> CallsOfUserCode =>
        ["Watcher.Invoke", "Scheduler.Start", "Loop.Resume", "Embed.Sweep", "CallbackException", "Send", "a task"];

    // Both threads change the heap of timers. The thread inside Callback breaks the rule that it must not use the loop then.
    [Fact]
    public void Short_members_inside_Callback_and_an_Invoke_of_another_thread_take_turns()
    {
        const int Count = 1000;
        Loop loop = NewLoop();
        Timer[] timers = [.. Enumerable.Range(0, 2 * Count).Select(i => loop.Timer(1000 + i * 7919 % Count, 0, (_, _) => { }))];
        Array.ForEach(timers, timer => timer.Start());
        using var barrier = new Barrier(2);
        int round = 0, calls = 0, asked = 0;
        bool isOver = false;
        Exception? wrong = null, failure = null;
        loop.Idle((_, _) =>
        {
            calls++;
            Move(0, 200);
        }).Start();
        loop.Callback = l =>
        {
            Volatile.Write(ref asked, asked + 1);

            try
            {
                // Verify takes longest, and ends the process if the heap changes meanwhile.
                for (int i = 0; i < 100; i++)
                {
                    loop.Verify();
                    Move(Count, 1);
                }
            }
            catch (InvalidOperationException)
            {
                // the other thread has the loop
            }
            catch (Exception e)
            {
                wrong = e;
            }

            barrier.SignalAndWait();
        };
        var thread = new Thread(() =>
        {
            for (int seen = 0; ; seen++)
            {
                while (Volatile.Read(ref asked) == seen)
                {
                    Thread.SpinWait(1); // a barrier would take longer than the members that this thread must meet
                }

                if (Volatile.Read(ref isOver))
                {
                    return;
                }

                failure ??= Record.Exception(loop.Invoke);
                barrier.SignalAndWait();
            }
        });
        thread.Start();

        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < 1; round++)
        {
            loop.Start(RunFlags.NoWait);
            loop.Verify();
        }

        Volatile.Write(ref isOver, true);
        Volatile.Write(ref asked, asked + 1);
        thread.Join();
        Assert.Null(wrong);
        Assert.Null(failure);
        Assert.Equal(round, calls);

        void Move(int first, int times)
        {
            for (int i = 0; i < times; i++)
            {
                Timer timer = timers[first + (i * 7919 + round) % Count];
                timer.Stop();
                timer.Start();
            }
        }
    }

    [Theory, MemberData(nameof(CallsOfUserCode))]
    public void While_Callback_is_in_a_member_that_calls_user_code_no_other_thread_may_Invoke(string call)
    {
        Loop loop = NewLoop();
        int calls = 0;
        Exception? during = null, after = null, inside = null;
        Action use = Prepare(loop, call, () =>
        {
            calls++;
            during = OnAnotherThread(loop.Invoke);
        });
        loop.Callback = l =>
        {
            l.Callback = null; // once
            inside = Record.Exception(use);
            after = OnAnotherThread(l.Invoke);
        };
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
        Assert.Null(inside);
        Assert.IsType<InvalidOperationException>(during);
        Assert.Null(after);
        loop.Verify();
    }

    [Fact]
    public void Callback_is_called_on_the_loop_s_thread_and_an_Invoke_of_another_thread_is_on_it_too()
    {
        Loop loop = NewLoop();
        bool before = false, after = false, inside = false, during = true;
        using ManualResetEventSlim entered = new(), asked = new();
        loop.Idle((_, _) =>
        {
            inside = loop.IsLoopThread;
            entered.Set();
            asked.Wait();
        }).Feed(Events.Custom);
        loop.Callback = l =>
        {
            if (l.Pending == 0)
            {
                return;
            }

            before = l.IsLoopThread;
            var thread = new Thread(l.Invoke);
            thread.Start();
            entered.Wait();
            during = l.IsLoopThread;
            asked.Set();
            thread.Join();
            after = l.IsLoopThread;
        };
        loop.Start(RunFlags.NoWait);
        Assert.Equal((true, true, false, true), (before, inside, during, after));
        Assert.False(loop.IsLoopThread);
    }

    /// <summary>The thread that has called Invoke was the last full owner, and would be the home of the loop.</summary>
    [Fact]
    public void After_Callback_its_thread_is_the_home_of_the_loop_again()
    {
        Loop loop = NewLoop();
        loop.Idle((_, _) => { }).Feed(Events.Custom);
        loop.Callback = l => Assert.Null(OnAnotherThread(l.Invoke));
        loop.Start(RunFlags.NoWait);
        bool isCalled = false;
        loop.SynchronizationContext.Send(_ => isCalled = true, null);
        Assert.True(isCalled);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Stop_in_Callback_ends_the_Start_also_while_another_thread_has_the_loop(bool meanwhile)
    {
        Loop loop = NewLoop();
        using ManualResetEventSlim entered = new(), asked = new();
        loop.Idle((_, _) =>
        {
            entered.Set();
            asked.Wait();
        }).Start();
        loop.Callback = l =>
        {
            if (l.Pending == 0)
            {
                l.Invoke(); // a Stop of another thread, or of one that does not have the loop, is a Send
                return;
            }

            if (meanwhile)
            {
                var thread = new Thread(l.Invoke);
                thread.Start();
                entered.Wait();
                l.Stop();
                asked.Set();
                thread.Join();
            }
            else
            {
                l.Stop();
            }
        };
        Assert.True(loop.Start());
    }

    [Fact]
    public void Dispose_in_Callback_refuses_a_later_Invoke_of_another_thread_and_ends_the_loop()
    {
        Loop loop = NewLoop();
        Exception? thrown = null;
        int calls = 0;
        loop.Idle((_, _) => calls++).Start();
        loop.Callback = l =>
        {
            l.Dispose();
            thrown = OnAnotherThread(l.Invoke);
        };
        Assert.False(loop.Start());
        Assert.IsType<ObjectDisposedException>(thrown);
        Assert.Equal(0, calls);
    }

    /// <summary>Each Callback lends the loop of the thread that calls it.</summary>
    [Fact]
    public void The_thread_that_has_called_Invoke_may_itself_run_the_loop_and_lend_it()
    {
        Loop loop = NewLoop();
        int callbacks = 0, second = 0;
        Exception? nested = null, other = null, own = null;
        var callers = new List<int>();
        Idle last = loop.Idle((_, _) => callers.Add(Environment.CurrentManagedThreadId));
        Timer timer = loop.Timer(1000, 0, (_, _) => { });
        loop.Idle((_, _) =>
        {
            second = Environment.CurrentManagedThreadId;
            last.Feed(Events.Custom);
            nested = Record.Exception(() => loop.Start(RunFlags.NoWait));
            own = Record.Exception(timer.Start);
        }).Feed(Events.Custom);
        loop.Callback = l =>
        {
            if (l.Pending > 0)
            {
                callbacks++;
                other ??= OnAnotherThread(l.Invoke);
            }
        };
        loop.Start(RunFlags.NoWait);
        Assert.Equal(2, callbacks);
        Assert.Equal((null, null, null), (nested, other, own));
        Assert.DoesNotContain(Assert.Single(callers), new[] { second, Environment.CurrentManagedThreadId });
        Assert.True(timer.IsActive);
        loop.Verify();
    }

    /// <summary>The loop around it is lent too, but only for the Invoke of the inner loop.</summary>
    [Fact]
    public void While_an_embedded_loop_is_inside_Callback_no_other_thread_may_Invoke_the_loop_around_it()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Exception? around = null, lent = null;
        outer.Embed(inner).Start();
        inner.Idle((_, _) => { }).Feed(Events.Custom);
        inner.Callback = l =>
        {
            around ??= OnAnotherThread(outer.Invoke);
            lent ??= OnAnotherThread(l.Invoke);
        };
        outer.Start(RunFlags.NoWait);
        Assert.IsType<InvalidOperationException>(around);
        Assert.Null(lent);
    }

    /// <summary>The loop in the middle is claimed too, although its Start is not on the stack.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public void A_loop_that_runs_alone_below_two_others_stays_claimed_when_the_upper_Embed_is_stopped(bool lends)
    {
        Loop outer = NewLoop(), middle = NewLoop(Backends.Epoll), inner = NewLoop(Backends.Epoll);
        Embed upper = outer.Embed(middle);
        upper.Start();
        middle.Embed(inner).Start();
        Exception? refused = null, thrown = null, innerRefused = null;
        inner.Idle((_, _) =>
        {
            upper.Stop();
            refused = OnAnotherThread(middle.IncRef);
            innerRefused = OnAnotherThread(inner.IncRef);
        }).Feed(Events.Custom);

        if (lends)
        {
            inner.Callback = l => thrown = l.Pending == 0 ? thrown : OnAnotherThread(l.Invoke);
        }

        inner.Start(RunFlags.NoWait);
        Assert.IsType<InvalidOperationException>(refused);
        Assert.IsType<InvalidOperationException>(innerRefused);
        Assert.Null(thrown);
        Assert.All((Loop[])[outer, middle, inner], loop => Assert.Null(OnAnotherThread(() => loop.Start(RunFlags.NoWait))));
    }

    private Action Prepare(Loop loop, string call, Action code)
    {
        double Call(double now)
        {
            code();
            return now + 100;
        }

        switch (call)
        {
            case "Watcher.Invoke":
                Idle invoked = loop.Idle((_, _) => code());
                return () => invoked.Invoke(Events.Custom);
            case "Scheduler.Start":
                return loop.Scheduler((_, now) => Call(now), (_, _) => { }).Start;
            case "Loop.Resume":
                bool isFirst = true;
                loop.Scheduler((_, now) => isFirst ? now + 100 : Call(now), (_, _) => { }).Start();
                isFirst = false;
                return () =>
                {
                    loop.Suspend();
                    loop.Resume();
                };
            case "Embed.Sweep":
                Loop inner = NewLoop(Backends.Epoll);
                inner.Timer(0, 0, (_, _) => code()).Start();
                return loop.Embed(inner).Sweep;
            case "CallbackException":
                loop.CallbackException += (_, _) => code();
                Idle throws = loop.Idle((_, _) => throw new FormatException());
                return () => throws.Invoke(Events.Custom);
            case "Send":
                return () => loop.SynchronizationContext.Send(_ => code(), null);
            case "a task":
                return () => new Task(code).RunSynchronously(loop.TaskScheduler);
            default:
                throw new ArgumentOutOfRangeException(nameof(call));
        }
    }
}
