using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>User code that a thread runs for an embedded loop outside its Start. It may stop or dispose the Embed or a loop. Until it returns,
/// no other thread can use the embedded loop.</summary>
public sealed class EmbedClaimTests : AwaitTestBase
{
    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();

            foreach (string call in (string[])["Send", "a task", "StopAsync", "Invoke", "a scheduler"])
            {
                foreach (string act in (string[])["Stop", "Dispose", "Dispose of the outer loop", "Dispose of the inner loop"])
                {
                    cases.Add(call, act);
                }
            }

            return cases;
        }
    }

    /// <summary>When the thread leaves that loop, another one could take it, and with it the inner loop.</summary>
    [Theory]
    [InlineData("a later Start")]
    [InlineData("an Invoke of another thread")]
    [InlineData("a Start inside an Invoke of another thread")]
    [InlineData("an Invoke around the inner loop")]
    [InlineData("a loop between")]
    public void An_Embed_in_a_loop_that_this_thread_leaves_before_the_inner_one_is_refused(string how)
    {
        Loop outer = NewLoop(Backends.Epoll), inner = NewLoop(Backends.Epoll), middle = NewLoop(Backends.Epoll);
        Embed embed = (how == "a loop between" ? middle : outer).Embed(inner);
        Exception? thrown = null, failure = null;

        switch (how)
        {
            case "a later Start":
                InCallback(inner, () => InCallback(outer, Try));
                break;
            case "an Invoke of another thread":
                InInvoke(inner, invoke => InCallback(outer, invoke), Try);
                break;
            case "a Start inside an Invoke of another thread":
                InInvoke(inner, invoke => InCallback(outer, invoke), () => InCallback(inner, Try));
                break;
            case "an Invoke around the inner loop":
                InInvoke(outer, invoke => InCallback(inner, invoke), Try);
                break;
            default:
                outer.Embed(middle).Start();
                InCallback(outer, () => InCallback(inner, Try));
                break;
        }

        Assert.Null(failure);
        Assert.IsType<InvalidOperationException>(thrown);
        Assert.False(embed.IsActive);
        embed.Start(); // outside the inner loop

        void Try() => thrown = Record.Exception(embed.Start);

        static void InCallback(Loop loop, Action action)
        {
            loop.Timer(0, 0, (_, _) => action()).Start();
            loop.Start(RunFlags.NoWait);
        }

        // Inside Callback of a loop, another thread calls Invoke, in `around`. A watcher then calls `action` on that thread.
        void InInvoke(Loop loop, Action<Action> around, Action action)
        {
            loop.Idle((_, _) => action()).Feed(Events.Custom);
            loop.Callback = l =>
            {
                l.Callback = null; // once
                failure = OnAnotherThread(() => around(l.Invoke));
            };
            loop.Start(RunFlags.NoWait);
        }
    }

    /// <summary>Below Callback both loops are lent.</summary>
    [Theory, InlineData("a watcher"), InlineData("Callback"), InlineData("a watcher in an Invoke of another thread")]
    public void The_Embed_may_be_started_again_below_Callback_of_the_inner_loop_by_the_thread_of_the_loops(string where)
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        Exception? thrown = null, other = null;
        int calls = 0;
        inner.Idle((_, _) =>
        {
            calls++;

            if (where != "Callback")
            {
                Restart();
            }
        }).Feed(Events.Custom);
        inner.Callback = l =>
        {
            if (where == "Callback" && calls == 0)
            {
                Restart();
            }

            if (where == "a watcher in an Invoke of another thread")
            {
                other ??= OnAnotherThread(l.Invoke);
            }
            else
            {
                l.Invoke();
            }
        };
        embed.Start();
        outer.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
        Assert.Null(other);
        Assert.Equal(where == "a watcher in an Invoke of another thread", thrown is InvalidOperationException);
        Assert.Equal(thrown is null, embed.IsActive);
        Assert.Null(OnAnotherThread(() => outer.Start(RunFlags.NoWait)));

        void Restart()
        {
            embed.Stop();
            thrown = Record.Exception(embed.Start);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void No_other_thread_gets_the_inner_loop_while_user_code_ends_its_Embed(string call, string act)
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        Exception? refused = null;
        int calls = 0;
        Action code = () =>
        {
            calls++;

            switch (act)
            {
                case "Stop":
                    embed.Stop();
                    break;
                case "Dispose":
                    embed.Dispose();
                    break;
                case "Dispose of the outer loop":
                    outer.Dispose();
                    break;
                default:
                    inner.Dispose();
                    break;
            }

            refused = OnAnotherThread(() => inner.Start(RunFlags.NoWait));
        };
        Action invoke = call switch
        {
            "Send" => () => inner.SynchronizationContext.Send(_ => code(), null),
            "a task" => new Task(code).RunOn(inner.TaskScheduler),
            "Invoke" => () => inner.Timer(100, 0, (_, _) => code()).Invoke(Events.Timer),
            "a scheduler" => SchedulerOf(inner, code),
            _ => StopOf(inner, code),
        };
        embed.Start();
        invoke();
        Assert.Equal(1, calls);

        if (act == "Dispose of the inner loop")
        {
            Assert.IsAssignableFrom<InvalidOperationException>(refused); // an ObjectDisposedException is one too
            return;
        }

        Assert.IsType<InvalidOperationException>(refused);
        Assert.Null(OnAnotherThread(() => inner.Start(RunFlags.NoWait))); // afterwards any thread can use the inner loop
    }

    /// <summary>Between the iterations of Advance, no Start of the loop is on the stack.</summary>
    [Fact]
    public void No_other_thread_gets_the_inner_loop_between_the_steps_of_Advance()
    {
        var clock = new ManualClock();
        Loop outer = NewLoop(clock), inner = NewLoop(clock, Backends.Epoll);
        Embed embed = outer.Embed(inner);
        embed.Start();
        bool isOver = false;
        int starts = 0;
        using var begin = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            begin.Wait();

            while (!Volatile.Read(ref isOver))
            {
                starts += Record.Exception(() => inner.IncRef()) is null ? 1 : 0;
            }
        });
        thread.Start();
        int ticks = 0;
        inner.Timer(1, 1, (timer, _) =>
        {
            if (++ticks == 1)
            {
                embed.Stop();
                begin.Set();
            }

            Thread.Yield();
        }).Start();
        clock.Advance(inner, 2000);
        Volatile.Write(ref isOver, true);
        int during = ticks == 2000 ? starts : -1;
        thread.Join();
        Assert.InRange(during, 0, 1); // one more may come after the end of Advance

        for (int i = 0; i < starts; i++)
        {
            inner.DecRef();
        }
    }

    /// <summary>In a callback of the inner loop, this thread runs the outer one, whose Callback gives Invoke to another thread. That thread owns the
    /// outer loop, but not the inner one.</summary>
    [Fact]
    public void While_this_thread_is_in_a_callback_of_the_inner_loop_another_thread_in_Invoke_of_the_outer_loop_cannot_use_it()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        outer.Embed(inner).Start();
        Exception? refused = null, failure = null, thrown = null;
        int nested = 0, afterwards = 0;
        (int read, int write) = NewPipe();
        Timer timer = inner.Timer(100, 0, (_, _) => { });
        Idle idle = outer.Idle((_, _) => refused = Record.Exception(timer.Start));
        inner.Io(read, Events.Read, (io, _) =>
        {
            if (nested++ > 0)
            {
                afterwards++;
                io.Stop();
                return;
            }

            outer.Callback = l =>
            {
                l.Callback = null;
                failure = OnAnotherThread(l.Invoke);
            };
            idle.Feed(Events.Custom);
            thrown = Record.Exception(() => outer.Start(RunFlags.NoWait));
        }).Start();
        Posix.Write(write, (byte)'x');
        outer.Start(RunFlags.NoWait);
        outer.Start(RunFlags.NoWait);
        Assert.Null(failure);
        Assert.Null(thrown);
        Assert.IsType<InvalidOperationException>(refused);
        Assert.Equal(1, afterwards);
        inner.Verify();
        outer.Verify();
    }

    /// <summary>Another loop that is embedded in the same one is inside Callback too, but the innermost Callback decides.</summary>
    [Fact]
    public void A_loop_is_lent_only_for_the_innermost_Callback()
    {
        Loop outer = NewLoop(), first = NewLoop(Backends.Epoll), second = NewLoop(Backends.Epoll);
        outer.Embed(first).Start();
        Embed embed = outer.Embed(second);
        embed.Start();
        Exception? refused = null, thrown = null;
        first.Idle((_, _) => { }).Feed(Events.Custom);
        second.Idle((_, _) =>
        {
            thrown = Record.Exception(embed.Start);
            refused = OnAnotherThread(first.Invoke);
        }).Feed(Events.Custom);
        first.Callback = l =>
        {
            l.Callback = null;
            second.Start(RunFlags.NoWait);
            l.Invoke();
        };
        second.Callback = l =>
        {
            l.Callback = null;
            embed.Stop();
            l.Invoke();
        };
        outer.Start(RunFlags.NoWait);
        Assert.Null(thrown);
        Assert.IsType<InvalidOperationException>(refused);
        Assert.True(embed.IsActive);
    }

    [Theory, InlineData("Start"), InlineData("Callback")]
    public void The_innermost_Embed_of_three_loops_may_be_started_again(string where)
    {
        Loop outer = NewLoop(), middle = NewLoop(Backends.Epoll), inner = NewLoop(Backends.Epoll);
        outer.Embed(middle).Start();
        Embed embed = middle.Embed(inner);
        embed.Start();
        Exception? thrown = null;
        int calls = 0;
        inner.Idle((_, _) =>
        {
            if (where == "Start")
            {
                Restart();
            }
        }).Feed(Events.Custom);

        if (where == "Start")
        {
            inner.Start(RunFlags.NoWait);
        }
        else
        {
            inner.Callback = l =>
            {
                l.Callback = null;
                Restart();
                l.Invoke();
            };
            outer.Start(RunFlags.NoWait);
        }

        Assert.Equal(1, calls);
        Assert.Null(thrown);
        Assert.True(embed.IsActive);
        Assert.Null(OnAnotherThread(() => outer.Start(RunFlags.NoWait)));

        void Restart()
        {
            calls++;
            embed.Stop();
            thrown = Record.Exception(embed.Start);
        }
    }

    [Fact]
    public void The_outer_loop_goes_on_when_it_runs_in_a_callback_of_the_inner_loop_that_has_disposed_that_loop()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        embed.Start();
        Exception? thrown = null;
        inner.Idle((_, _) => { }).Feed(Events.Custom);
        (int read, int write) = NewPipe();
        inner.Io(read, Events.Read, (_, _) =>
        {
            inner.Dispose();
            thrown = Record.Exception(() => outer.Start(RunFlags.NoWait));
        }).Start();
        Posix.Write(write, (byte)'x');
        outer.Start(RunFlags.NoWait);
        Assert.Null(thrown);
        Assert.False(embed.IsActive);
        Assert.Throws<ObjectDisposedException>(() => inner.Start());
        outer.Verify();
    }

    /// <summary>The first run stops the Embed around the loop that sweeps. Between two runs, no Start of that loop is on the stack.</summary>
    [Fact]
    public void No_other_thread_gets_the_loop_between_the_runs_of_Sweep()
    {
        const int Rounds = 300;
        Loop outer = NewLoop(), middle = NewLoop(Backends.Epoll), inner = NewLoop(Backends.Epoll);
        Embed around = outer.Embed(middle), embed = middle.Embed(inner);
        embed.Start();
        int part = 0, wrong = 0, runs = 0; // part is odd from the first run of a Sweep to the last one
        var thread = new Thread(() =>
        {
            for (int before = 0; before >= 0; before = Volatile.Read(ref part))
            {
                if (Record.Exception(() => middle.Pending) is null && before % 2 != 0 && before == Volatile.Read(ref part))
                {
                    wrong++;
                }
            }
        });
        thread.Start();

        for (int i = 0; i < Rounds; i++)
        {
            around.Start();
            runs = 0;
            inner.Post(Run);
            embed.Sweep();
            inner.Start(RunFlags.NoWait); // the last post
            Assert.Equal(10, runs);
        }

        Volatile.Write(ref part, -1);
        thread.Join();
        Assert.Equal(0, wrong);

        void Run()
        {
            if (runs++ == 0)
            {
                around.Stop();
            }

            if (runs is 1 or 9)
            {
                Interlocked.Increment(ref part);
            }

            if (runs < 10)
            {
                inner.Post(Run);
            }

            Thread.Yield();
        }
    }

    [Fact]
    public void No_other_thread_gets_the_loop_while_Run_reports_a_main_function_that_has_stopped_its_Embed()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        embed.Start();
        Exception? reported = null, refused = null;
        inner.CallbackException += (_, e) =>
        {
            reported = e.Exception;
            refused = OnAnotherThread(() => inner.Start(RunFlags.NoWait));
        };
        var never = new TaskCompletionSource();
        Assert.Throws<TimeZoneNotFoundException>(() => inner.Run(async token =>
        {
            embed.Stop();
            _ = inner.Spawn(() => never.Task);
            inner.Timer(0.01, 0, [Fatal] (_, _) => throw new TimeZoneNotFoundException()).Start();
            await Task.Yield();
            throw new InvalidTimeZoneException();
        }));
        Assert.IsType<InvalidTimeZoneException>(reported is AggregateException all ? all.InnerException : reported);
        Assert.IsType<InvalidOperationException>(refused);
        Assert.Null(OnAnotherThread(() => inner.Start(RunFlags.NoWait)));
        never.SetResult();
    }

    [Fact]
    public void Of_two_threads_that_embed_one_loop_at_the_same_time_one_is_refused()
    {
        const int Rounds = 2000;
        Loop inner = NewLoop(Backends.Epoll);
        Embed[] embeds = [NewLoop().Embed(inner), NewLoop().Embed(inner)];
        using var barrier = new Barrier(2);
        bool[] started = new bool[2];
        var wrong = new List<string>();
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(i => new Thread(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                barrier.SignalAndWait();
                Exception? e = Record.Exception(embeds[i].Start);
                started[i] = e is null;
                barrier.SignalAndWait();

                if (i == 0 && started[0] == started[1])
                {
                    wrong.Add($"{round}: {started[0]}");
                }

                barrier.SignalAndWait();

                if (started[i])
                {
                    embeds[i].Stop();
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Empty(wrong);
    }

    // The reschedule function fails in Start, and a handler of CallbackException is called.
    private static Action SchedulerOf(Loop loop, Action code)
    {
        loop.CallbackException += (_, _) => code();
        return loop.Scheduler((_, _) => throw new InvalidTimeZoneException(), (_, _) => { }).Start;
    }

    private Action StopOf(Loop loop, Action code)
    {
        var begun = new TaskCompletionSource();
        LoopServer server = LoopServer.Listen(loop, AnyPort, async (_, token) =>
        {
            token.Register(code);
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, token);
        });
        loop.Start(RunFlags.NoWait);
        Connect(server);
        Assert.True(Posix.Until(() => !loop.Start(RunFlags.NoWait) || begun.Task.IsCompleted, Patience));
        return () => Assert.True(server.StopAsync(0).IsCompleted);
    }
}

file static class TaskExtensions
{
    internal static Action RunOn(this Task task, TaskScheduler scheduler) => () => task.RunSynchronously(scheduler);
}
