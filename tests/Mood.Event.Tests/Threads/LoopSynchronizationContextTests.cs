using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The SynchronizationContext of a loop: Post, Send, and which thread waits for which.</summary>
public sealed class LoopSynchronizationContextTests : LoopTestBase
{
    [Fact]
    public void A_loop_has_one_synchronization_context()
    {
        Loop loop = NewLoop();
        Assert.Same(loop.SynchronizationContext, loop.SynchronizationContext);
        Assert.Same(loop.SynchronizationContext, loop.SynchronizationContext.CreateCopy());
        Assert.NotSame(loop.SynchronizationContext, NewLoop().SynchronizationContext);
    }

    [Fact]
    public void Post_calls_the_delegate_later_with_the_context_set()
    {
        Loop loop = NewLoop();
        var log = new List<object?>();
        loop.SynchronizationContext.Post(s => log.AddRange([s, SynchronizationContext.Current]), "state");
        Assert.Empty(log);
        SynchronizationContext? before = SynchronizationContext.Current;
        loop.Start();
        Assert.Equal(["state", loop.SynchronizationContext], log);
        Assert.Same(before, SynchronizationContext.Current);
    }

    [Fact]
    public void Send_on_the_loop_s_thread_calls_the_delegate_at_once()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.Post(() =>
        {
            loop.SynchronizationContext.Send(s => log.Add((string)s!), "sent");
            log.Add("after");
        });
        loop.Start();
        Assert.Equal(["sent", "after"], log);
    }

    [Fact]
    public void Send_from_another_thread_waits_for_the_loop()
    {
        Loop loop = NewLoop();
        int called = 0, other = 0;
        Exception? thrown = null;
        loop.IncRef();
        var thread = new Thread(() =>
        {
            other = Environment.CurrentManagedThreadId;
            loop.SynchronizationContext.Send(_ => called = Environment.CurrentManagedThreadId, null);
            Assert.NotEqual(0, called);
            thrown = Record.Exception(() => loop.SynchronizationContext.Send(_ => throw new InvalidTimeZoneException(), null));
            loop.Stop();
        });
        thread.Start();
        loop.Start();
        thread.Join();
        Assert.Equal(Environment.CurrentManagedThreadId, called);
        Assert.NotEqual(other, called);
        Assert.IsType<InvalidTimeZoneException>(thrown);
    }

    [Fact]
    public void Send_on_the_home_thread_of_an_idle_loop_calls_the_delegate_at_once()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.SynchronizationContext.Send(_ => calls++, null); // the loop was never started, and this thread made it
        loop.Start();
        loop.SynchronizationContext.Send(
            _ =>
            {
                calls++;
                loop.Timer(0, 0, (_, _) => calls++).Start();
                Assert.Throws<InvalidOperationException>(() => OnThread(() => loop.Now()));
            },
            null);
        Assert.Equal(2, calls);
        Assert.IsType<InvalidTimeZoneException>(Record.Exception(
            () => loop.SynchronizationContext.Send(_ => throw new InvalidTimeZoneException(), null)));
        loop.Start();
        Assert.Equal(3, calls);
        OnThread(() => loop.Now()); // works, because Send has released its claim
    }

    [Fact]
    public void Send_to_an_idle_loop_waits_for_its_Start()
    {
        Loop loop = NewLoop();
        int called = 0;
        var thread = new Thread(() => loop.SynchronizationContext.Send(_ => called = Environment.CurrentManagedThreadId, null));
        thread.Start();

        while (called == 0)
        {
            loop.Start(RunFlags.NoWait);
            Thread.Yield();
        }

        thread.Join();
        Assert.Equal(Environment.CurrentManagedThreadId, called);
    }

    [Fact]
    public void A_Send_that_races_with_Dispose_is_executed_or_throws_and_never_hangs()
    {
        int called = 0, refused = 0, rounds = 0;
        double deadline = Ev.Time() + 2 * Patience;

        for (; rounds < 2000 || ((called == 0 || refused == 0) && Ev.Time() < deadline); rounds++)
        {
            var loop = new Loop(LoopFlags.NoEnv);
            int delay = rounds % 5000 * 10;
            bool sendsLate = rounds % 2 == 0;
            var thread = new Thread(() =>
            {
                Thread.SpinWait(sendsLate ? delay : 0);

                try
                {
                    loop.SynchronizationContext.Send(_ => called++, null);
                }
                catch (ObjectDisposedException)
                {
                    refused++;
                }
            });
            thread.Start();
            Thread.SpinWait(sendsLate ? 0 : delay);
            loop.Dispose();
            Assert.True(thread.Join(TimeSpan.FromSeconds(Patience)), "Send hangs");
        }

        Assert.Equal(rounds, called + refused);
        Assert.InRange(called, 1, int.MaxValue);
        Assert.InRange(refused, 1, int.MaxValue);
    }

    [Fact]
    public void On_a_disposed_loop_Send_throws_and_Post_raises_CallbackException()
    {
        Loop loop = NewLoop();
        int told = 0;
        loop.CallbackException += (_, _) => told++;
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.SynchronizationContext.Send(_ => { }, null));
        loop.SynchronizationContext.Post(_ => { }, null);
        Assert.Equal(1, told);

        // An exception of the handler has no effect.
        loop.CallbackException += (_, _) => throw new InvalidTimeZoneException();
        loop.SynchronizationContext.Post(_ => { }, null);
        Assert.Equal(2, told);
    }

    [Fact]
    public void Null_is_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("d", () => loop.SynchronizationContext.Post(null!, null));
        Assert.Throws<ArgumentNullException>("d", () => loop.SynchronizationContext.Send(null!, null));
    }

    [Fact]
    public async Task An_async_method_that_captured_the_context_continues_on_the_loop_s_thread()
    {
        Loop loop = NewLoop();
        var threads = new List<int>();
        loop.Run(() => loop.InvokeAsync(async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                await Task.Run(() => { });
                threads.Add(Environment.CurrentManagedThreadId);
            }
        }));
        Assert.Equal(100, threads.Count);
        Assert.All(threads, t => Assert.Equal(Environment.CurrentManagedThreadId, t));
        await Task.CompletedTask;
    }

    private static void OnThread(Action action)
    {
        if (OnAnotherThread(action) is Exception thrown)
        {
            throw thrown;
        }
    }

    [Fact]
    public void Post_to_a_disposed_loop_does_not_throw_even_if_the_exception_of_a_handler_has_no_text()
    {
        Loop loop = NewLoop();
        loop.CallbackException += (_, _) => throw new UnprintableException();
        loop.Dispose();
        loop.SynchronizationContext.Post(_ => { }, null);
    }
}
