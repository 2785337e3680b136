using System;
using System.IO;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The Embed, the outer loop or the inner loop is disposed, reset or fails, in any order and in any callback.</summary>
public sealed class EmbedLifetimeTests : FdTestBase
{
    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void The_inner_loop_may_be_disposed_first(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        inner.Io(NewReadablePipe().Read, Events.Read, (_, _) => { }).Start();
        Embed embed = outer.Embed(inner);
        embed.Start();
        outer.Start(RunFlags.NoWait);
        inner.Dispose();
        Assert.False(embed.IsActive);
        Assert.False(outer.Start());
        Assert.Throws<ObjectDisposedException>(embed.Start);
        embed.Dispose();
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void The_outer_loop_may_be_disposed_first(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend), next = NewLoop();
        int calls = 0;
        inner.Io(NewReadablePipe().Read, Events.Read, (_, _) =>
        {
            calls++;
            inner.Stop();
            next.Stop();
        }).Start();
        Embed embed = outer.Embed(inner);
        embed.Start();
        outer.Dispose();
        Assert.False(embed.IsActive);

        // The inner loop is no longer embedded. It can run by itself, and in another outer loop.
        inner.Start();
        Assert.Equal(1, calls);
        next.Embed(inner).Start();
        next.Start();
        Assert.Equal(2, calls);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void The_embed_may_be_disposed_in_an_inner_callback(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        int calls = 0;
        Embed embed = outer.Embed(inner);
        Io io = inner.Io(NewReadablePipe().Read, Events.Read, (_, _) =>
        {
            calls++;
            embed.Dispose();
        });
        io.Start();
        embed.Start();
        Assert.False(outer.Start());
        Assert.Equal(1, calls);
        Assert.True(io.IsActive);
        inner.Start(RunFlags.NoWait);
        Assert.Equal(2, calls);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void The_embed_may_be_stopped_and_started_in_an_inner_callback(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        int calls = 0;
        Embed embed = outer.Embed(inner);
        inner.Io(NewReadablePipe().Read, Events.Read, (_, _) =>
        {
            embed.Stop();
            embed.Start();

            if (++calls == 3)
            {
                outer.Stop();
            }
        }).Start();
        embed.Start();
        Assert.True(outer.Start());
        Assert.Equal(3, calls);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void The_inner_loop_may_be_disposed_in_its_own_callback(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        string log = "";
        Embed embed = outer.Embed(inner);
        int fd = NewReadablePipe().Read;
        inner.Io(fd, Events.Read, (_, _) =>
        {
            log += "a";
            inner.Dispose();
        }).Start();
        inner.Io(fd, Events.Read, (_, _) => log += "b").Start();
        embed.Start();
        Assert.False(outer.Start());
        Assert.Equal("a", log);
        Assert.False(embed.IsActive);
        embed.Dispose();
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Both_loops_may_be_disposed_in_an_inner_callback(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        int calls = 0;
        inner.Io(NewReadablePipe().Read, Events.Read, (_, _) =>
        {
            calls++;
            outer.Dispose();
            inner.Dispose();
        }).Start();
        Embed embed = outer.Embed(inner);
        embed.Start();
        Assert.False(outer.Start());
        Assert.Equal(1, calls);
        Assert.False(embed.IsActive);
        Assert.Throws<ObjectDisposedException>(() => outer.Start());
        Assert.Throws<ObjectDisposedException>(() => inner.Start());
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void The_inner_loop_may_be_disposed_in_the_embed_s_callback(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        int calls = 0;
        inner.Io(NewReadablePipe().Read, Events.Read, (_, _) => calls += 10).Start();
        outer.Embed(inner, (w, _) =>
        {
            calls++;
            inner.Dispose();
            w.Dispose();
        }).Start();
        Assert.False(outer.Start());

        // The iteration that registers the Io may already call it, if it is ready.
        Assert.True(calls is 1 or 11, $"{calls}");
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Resetting_either_loop_keeps_the_inner_io_working(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        (int read, int write) = NewPipe();
        int calls = 0;
        outer.Embed(inner).Start();
        inner.Io(read, Events.Read, (w, _) =>
        {
            calls++;
            Posix.Read(w.Fd);
            outer.Stop();
        }).Start();
        int expected = 0;
        Check();

        for (int i = 0; i < 3; i++)
        {
            outer.Reset();
            Check();
            inner.Reset();
            Check();
            outer.Reset();
            inner.Reset();
            Check();
        }

        void Check()
        {
            outer.Start(RunFlags.NoWait);
            outer.Timer(0.005, 0, (_, _) => Posix.Write(write)).Start();
            outer.Start(); // the write happens while the loop waits
            Assert.Equal(++expected, calls);
        }
    }

    [Theory]
    [InlineData("Start")]
    [InlineData("Invoke")]
    [InlineData("Watcher.Invoke")]
    public void An_inner_loop_may_be_embedded_and_disposed_in_its_own_callback(string how)
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        Exception? failure = null;
        bool disposed = false;
        Idle idle = inner.Idle((_, _) =>
        {
            embed.Start();
            inner.Dispose();
        });
        outer.Timer(0, 0, (_, _) => failure = Record.Exception(() =>
        {
            switch (how)
            {
                case "Start":
                    idle.Start();
                    Assert.False(inner.Start());
                    break;
                case "Invoke":
                    idle.Feed(Events.Custom);
                    inner.Invoke();
                    break;
                default:
                    idle.Invoke(Events.Custom);
                    break;
            }

            disposed = Record.Exception(inner.Verify) is ObjectDisposedException;
        })).Start();
        Assert.False(outer.Start());
        Assert.Null(failure);
        Assert.True(disposed);
        Assert.False(embed.IsActive);
        embed.Dispose();
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Resetting_the_outer_loop_resets_the_inner_one(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        int forks = 0;
        outer.Embed(inner).Start();
        inner.Fork((_, _) => forks++).Start();
        outer.Start(RunFlags.NoWait);
        Assert.Equal(0, forks);
        outer.Reset();
        outer.Start(RunFlags.NoWait);
        Assert.Equal(1, forks);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_fatal_exception_in_an_inner_callback_leaves_the_outer_Start(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        var exception = new InvalidDataException("inner");
        int calls = 0;
        inner.Io(NewReadablePipe().Read, Events.Read, [Fatal] (w, _) =>
        {
            calls++;
            w.Stop();
            throw exception;
        }).Start();
        Embed embed = outer.Embed(inner);
        embed.Start();
        Assert.Same(exception, Assert.Throws<InvalidDataException>(() => outer.Start()));
        Assert.Contains(nameof(A_fatal_exception_in_an_inner_callback_leaves_the_outer_Start), exception.StackTrace, StringComparison.Ordinal);

        // The exception is thrown once, and afterwards both loops can run.
        Assert.True(outer.Start(RunFlags.NoWait));
        inner.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
        Assert.True(embed.IsActive);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_fatal_exception_of_the_inner_loop_leaves_Sweep_and_is_then_an_exception_of_the_embed_s_callback(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        string log = "";
        Io io = inner.Io(NewPipe().Read, Events.Read, [Fatal] (_, _) => throw new InvalidDataException("inner"));
        outer.CallbackException += (_, e) => log += $"{e.Watcher!.GetType().Name} {e.Exception.Message}";
        using Embed embed = outer.Embed(inner, (w, _) => w.Sweep());

        io.Feed(Events.Read);
        Assert.Throws<InvalidDataException>(embed.Sweep);
        Assert.Equal("", log);

        io.Feed(Events.Read);
        embed.Invoke(Events.Embed);
        Assert.Equal("Embed inner", log);

        io.Feed(Events.Read);
        embed.Fatal = true;
        Assert.Throws<InvalidDataException>(() => embed.Invoke(Events.Embed));
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Other_exceptions_go_to_the_inner_loop_s_event(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        string log = "";
        outer.CallbackException += (_, e) => log += "outer";
        inner.CallbackException += (sender, e) =>
        {
            log += $"{ReferenceEquals(sender, inner)} {e.Watcher!.GetType().Name} {e.Exception.Message}";
            outer.Stop();
        };
        inner.Io(NewReadablePipe().Read, Events.Read, (_, _) => throw new InvalidDataException("inner")).Start();
        outer.Embed(inner).Start();
        Assert.True(outer.Start());
        Assert.Equal("True Io inner", log);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void An_abandoned_outer_loop_and_its_inner_loop_are_collected(Backends backend)
    {
        Abandon(backend);
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return Live() == (0, 0);
        }));

        static void Abandon(Backends backend)
        {
            var inner = new Loop(LoopFlags.NoEnv, backend);
            var outer = new Loop(LoopFlags.NoEnv);
            outer.Embed(inner).Start();
            outer.Start(RunFlags.NoWait);
            Assert.Equal((2, 1), Live());
        }
    }
}
