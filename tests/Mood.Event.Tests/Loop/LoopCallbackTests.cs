using System;
using System.Collections.Generic;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.Callback, which the loop calls instead of the pending watchers.</summary>
public sealed class LoopCallbackTests : LoopTestBase
{
    // io_uring limits the wait with a timerfd, which stays ready until its event is handled.
    [Theory, MemberData(nameof(AllBackends))]
    public void A_loop_whose_Callback_leaves_a_timer_waits_for_the_next_one(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int callbacks = 0, calls = 0;
        double end = loop.Now(update: true) + 0.1;
        loop.Timer(0.01, 0, (_, _) => calls++).Start();
        loop.Timer(0.1, 0, (_, _) => loop.Stop()).Start();
        loop.Callback = l =>
        {
            callbacks++;

            if (l.Now() >= end)
            {
                l.Invoke();
            }
        };
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.InRange(callbacks, 3, 12);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_loop_calls_Callback_instead_of_the_watchers(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var seen = new List<Loop>();
        int calls = 0;
        Timer timer = loop.Timer(0, 0, (_, _) => calls++);
        timer.Start();
        loop.Callback = seen.Add;
        loop.Start();
        Assert.NotEmpty(seen);
        Assert.All(seen, l => Assert.Same(loop, l));
        Assert.Equal(0, calls);
        Assert.Equal((true, false), (timer.IsPending, timer.IsActive));
        Assert.Equal(1, loop.Pending);

        loop.Callback = null;
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void The_watchers_are_called_when_Callback_calls_Invoke()
    {
        var log = new List<string>();
        using var loop = new Loop(LoopFlags.NoEnv, callback: l =>
        {
            log.Add($"before, {l.Pending} pending, depth {l.Depth}");
            l.Invoke();
            log.Add("after");
        });
        loop.Idle((_, _) => log.Add("idle")).Feed(Events.Custom);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(["before, 1 pending, depth 1", "idle", "after"], log[..3]);
    }

    /// <summary>Setters that a reschedule function may not use.</summary>
    public static TheoryData<string> Setters =>
        ["Callback", "IoInterval", "TimeoutInterval", "Timer.Callback", "Scheduler.Callback", "Reschedule", "Callback of another loop"];

    [Theory]
    [MemberData(nameof(Setters))]
    public void A_reschedule_function_may_not_set_a_callback_or_an_interval(string setter)
    {
        Loop loop = NewLoop(), other = NewLoop();
        Timer timer = loop.Timer(1, 0, (_, _) => { });
        Exception? thrown = null;
        Scheduler scheduler = loop.Scheduler(
            (w, now) =>
            {
                Action set = setter switch
                {
                    "Callback" => () => loop.Callback = NeverCalled,
                    "IoInterval" => () => loop.IoInterval = 1,
                    "TimeoutInterval" => () => loop.TimeoutInterval = 1,
                    "Timer.Callback" => () => timer.Callback = NoEvent,
                    "Scheduler.Callback" => () => w.Callback = NoEvent,
                    "Reschedule" => () => w.Reschedule = (_, time) => time,
                    _ => () => other.Callback = NeverCalled,
                };
                thrown = Record.Exception(set);
                return now + 100;
            },
            (_, _) => { });
        scheduler.Start();
        Assert.IsType<InvalidOperationException>(thrown);
        Assert.Null(loop.Callback);
        Assert.Equal((0, 0), (loop.IoInterval, loop.TimeoutInterval));
    }

    [Fact]
    public void Callback_may_replace_itself()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.Callback = l =>
        {
            log.Add("own");
            l.Callback = null;
        };
        loop.Idle((w, _) =>
        {
            log.Add("idle");
            w.Stop();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(["own", "idle"], log);
    }

    [Fact]
    public void An_exception_in_Callback_leaves_Start_and_no_pending_event_is_lost()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException("in Callback");
        var told = new List<Exception>();
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        int calls = 0;
        loop.Callback = _ => throw thrown;
        loop.Timer(0, 0, (_, _) => calls++).Start();
        Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => loop.Start()));
        Assert.Contains(nameof(An_exception_in_Callback_leaves_Start_and_no_pending_event_is_lost), thrown.StackTrace, StringComparison.Ordinal);
        Assert.Empty(told);

        loop.Callback = null;
        Assert.Equal(0, calls);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void After_an_exception_in_Callback_watchers_that_Invoke_has_called_are_not_pending()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Callback = l =>
        {
            l.Invoke();

            if (calls > 0)
            {
                throw new InvalidTimeZoneException();
            }
        };
        loop.Timer(0, 0, (_, _) => calls++).Start();
        Assert.Throws<InvalidTimeZoneException>(() => loop.Start());
        Assert.Equal((1, 0), (calls, loop.Pending));
    }

    [Fact]
    public void Inside_Callback_another_thread_may_Invoke_and_the_watchers_may_be_used_there()
    {
        Loop loop = NewLoop();
        int invoker = 0, caller = 0, rounds = 0;
        Timer? second = null;
        loop.Callback = l =>
        {
            // If no watcher is pending, there is nothing to invoke.
            if (l.Pending == 0)
            {
                return;
            }

            var thread = new Thread(() =>
            {
                invoker = Environment.CurrentManagedThreadId;
                l.Invoke();
            });
            thread.Start();
            thread.Join();
        };
        loop.Timer(0, 0, (w, _) =>
        {
            caller = Environment.CurrentManagedThreadId;
            Assert.False(w.IsActive);
            second = loop.Timer(0.01, 0.01, (t, _) =>
            {
                if (++rounds == 3)
                {
                    t.Stop();
                }
            });
            second.Start();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(3, rounds);
        Assert.NotEqual(0, invoker);
        Assert.NotEqual(Environment.CurrentManagedThreadId, caller);
        Assert.False(second!.IsActive); // this thread owns the loop again, so it may read the property
    }

    [Fact]
    public void Inside_Callback_another_thread_may_call_Invoke_only()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(0, 0, (_, _) => { });
        timer.Start();
        Exception? start = null, stop = null;
        loop.Callback = l =>
        {
            var thread = new Thread(() =>
            {
                start = Record.Exception(timer.Start);
                stop = Record.Exception(() => loop.Start());
            });
            thread.Start();
            thread.Join();
            l.Invoke();
        };
        Assert.False(loop.Start());
        Assert.IsType<InvalidOperationException>(start);
        Assert.IsType<InvalidOperationException>(stop);
    }

    [Fact]
    public void Outside_Callback_another_thread_may_not_Invoke()
    {
        Loop loop = NewLoop();
        Exception? thrown = null;
        loop.Timer(0, 0, (_, _) =>
        {
            var thread = new Thread(() => thrown = Record.Exception(loop.Invoke));
            thread.Start();
            thread.Join();
        }).Start();
        Assert.False(loop.Start());
        Assert.IsType<InvalidOperationException>(thrown);
    }

    [Fact]
    public void A_fatal_exception_in_an_Invoke_on_another_thread_leaves_Start_on_the_loop_s_thread()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException();
        Exception? there = null;
        loop.Callback = l =>
        {
            var thread = new Thread(() => there = Record.Exception(l.Invoke));
            thread.Start();
            thread.Join();
        };
        loop.Timer(0, 0, [Fatal] (_, _) => throw thrown).Start();
        Assert.Same(thrown, Record.Exception(() => loop.Start()));
        Assert.Null(there);
    }

    private static void NeverCalled(Loop loop) => Assert.Fail("A refused Callback was called.");

    private static void NoEvent<TWatcher>(TWatcher watcher, Events revents)
        where TWatcher : Watcher => Assert.Fail("A refused Callback was called.");

    /// <summary>The nested run leaves the second event, and the Invoke around it calls that event.</summary>
    [Fact]
    public void What_a_nested_run_has_left_is_forgotten_when_the_Invoke_around_it_has_called_it()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        outer.Embed(inner).Start();
        bool invokes = false;
        int calls = 0;
        Idle second = inner.Idle((_, _) => calls++), third = inner.Idle((_, _) => outer.Stop());
        Idle first = inner.Idle((_, _) =>
        {
            second.Feed(Events.Custom);
            inner.Start(RunFlags.NoWait);
        });
        inner.Callback = l =>
        {
            if (invokes)
            {
                l.Invoke();
            }
        };
        outer.Timer(0, 0, (_, _) =>
        {
            first.Feed(Events.Custom);
            inner.Invoke();
            invokes = true;
            third.Feed(Events.Custom);
        }).Start();
        Assert.True(outer.Start());
        Assert.Equal(1, calls);
    }
}
