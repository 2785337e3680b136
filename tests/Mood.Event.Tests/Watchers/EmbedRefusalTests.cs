using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The arguments and the states that Embed refuses, and Set.</summary>
public sealed class EmbedRefusalTests : FdTestBase
{
    /// <summary>The backends that work here and cannot be embedded.</summary>
    public static TheoryData<Backends> OtherBackends =>
        new(AllBackends.Select((object[] row) => (Backends)row[0]).Where(b => (b & Ev.EmbeddableBackends) == 0));

    [Theory]
    [MemberData(nameof(OtherBackends))]
    public void A_backend_that_cannot_be_embedded_is_refused(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend), good = NewLoop(Backends.Epoll);
        (int Loops, int Watchers) before = Live();
        Assert.Throws<EventException>(() => new Embed(outer, inner));
        Assert.Throws<EventException>(() => outer.Embed(inner, (_, _) => { }));
        Assert.Equal(before, Live());
        using Embed embed = outer.Embed(good);
        Assert.Throws<EventException>(() => embed.Set(inner));
        Assert.Same(good, embed.Other);
        CheckWorks(embed);
    }

    [Fact]
    public void Poll_cannot_be_embedded() => Assert.Contains(Backends.Poll, OtherBackends.Select((object[] row) => (Backends)row[0]));

    [Fact]
    public void A_loop_cannot_be_embedded_in_itself()
    {
        Loop loop = NewLoop(Backends.Epoll), other = NewLoop(Backends.Epoll);
        Assert.Throws<EventException>(() => loop.Embed(loop));
        using Embed embed = loop.Embed(other);
        Assert.Throws<EventException>(() => embed.Set(loop));
        Assert.Same(other, embed.Other);
        CheckWorks(embed);
    }

    [Fact]
    public void A_circle_is_refused_at_Start()
    {
        Loop a = NewLoop(Backends.Epoll), b = NewLoop(Backends.Epoll), c = NewLoop(Backends.Epoll);
        Embed ab = a.Embed(b), bc = b.Embed(c), ba = b.Embed(a), ca = c.Embed(a);
        ab.Start();
        Assert.Throws<EventException>(ba.Start);
        bc.Start();
        Assert.Throws<EventException>(ca.Start);
        Assert.False(ba.IsActive);
        Assert.False(ca.IsActive);
        Assert.False(c.Start(RunFlags.NoWait));

        ab.Stop();
        CheckWorks(ca); // the refused Start has left no circle
        ba.Dispose();
        ca.Dispose();
        ab.Dispose();
    }

    [Fact]
    public void A_loop_is_embedded_once_at_a_time()
    {
        Loop first = NewLoop(), second = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed a = first.Embed(inner), b = second.Embed(inner), again = first.Embed(inner);
        a.Start();
        Assert.Throws<EventException>(b.Start);
        Assert.Throws<EventException>(again.Start);
        Assert.False(b.IsActive);
        Assert.False(second.Start());
        a.Stop();
        CheckWorks(b);
        b.Stop();
        CheckWorks(again);
        again.Dispose();
        a.Dispose();
        b.Dispose();
    }

    [Fact]
    public void Null_and_disposed_loops_are_refused()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll), disposed = NewLoop(Backends.Epoll);
        Embed later = outer.Embed(disposed);
        disposed.Dispose();
        Assert.Throws<ArgumentNullException>(() => new Embed(null!, inner));
        Assert.Throws<ArgumentNullException>(() => new Embed(outer, null!));
        Assert.Throws<ObjectDisposedException>(() => outer.Embed(disposed));
        Assert.Throws<ObjectDisposedException>(later.Start);
        Assert.Throws<ObjectDisposedException>(later.Sweep);
        Assert.False(later.IsActive);

        using Embed embed = outer.Embed(inner);
        Assert.Throws<ArgumentNullException>(() => embed.Set(null!));
        Assert.Throws<ObjectDisposedException>(() => embed.Set(disposed));
        Assert.Same(inner, embed.Other);
        later.Set(inner);
        CheckWorks(later);
        later.Dispose();
    }

    [Fact]
    public void After_Set_another_loop_is_embedded()
    {
        Loop outer = NewLoop(), first = NewLoop(Backends.Epoll), second = NewLoop(Backends.Epoll);
        using Embed embed = outer.Embed(first);
        embed.Set(second);
        Assert.Same(second, embed.Other);
        CheckWorks(embed);
        embed.Stop();
        embed.Set(first);
        CheckWorks(embed);
    }

    [Fact]
    public void Set_is_refused_while_active_and_while_pending()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll), other = NewLoop(Backends.Epoll);
        using Embed embed = outer.Embed(inner);
        embed.Start();
        Assert.Throws<InvalidOperationException>(() => embed.Set(other));
        Assert.Same(inner, embed.Other);
        CheckWorks(embed);
        embed.Stop();
        embed.Feed(Events.Embed);
        Assert.Throws<InvalidOperationException>(() => embed.Set(other));
        embed.Clear();
        embed.Set(other);
        Assert.Same(other, embed.Other);
    }

    [Fact]
    public void A_disposed_embed_refuses_everything_but_its_getters()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        embed.Start();
        embed.Dispose();
        embed.Dispose();
        embed.Stop();
        Assert.Throws<ObjectDisposedException>(embed.Start);
        Assert.Throws<ObjectDisposedException>(embed.Sweep);
        Assert.Throws<ObjectDisposedException>(() => embed.Set(inner));
        Assert.Same(inner, embed.Other);
        Assert.False(embed.IsActive);
        Assert.False(outer.Start());
    }

    [Fact]
    public void A_loop_cannot_be_embedded_in_its_own_callback_while_the_outer_loop_does_not_run()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        Exception? inStart = null, inInvoke = null;
        inner.Timer(0, 0, (_, _) => inStart = Record.Exception(embed.Start)).Start();
        inner.Start();
        Assert.IsType<InvalidOperationException>(inStart);
        Assert.False(embed.IsActive);

        Idle idle = inner.Idle((_, _) => inInvoke = Record.Exception(embed.Start));
        idle.Feed(Events.Custom);
        inner.Invoke();
        Assert.IsType<InvalidOperationException>(inInvoke);
        Assert.False(embed.IsActive);
        inInvoke = null;
        idle.Invoke(Events.Custom);
        Assert.IsType<InvalidOperationException>(inInvoke);
        Assert.False(embed.IsActive);
        Assert.False(outer.Start());
        CheckWorks(embed);
        embed.Dispose();
    }

    [Fact]
    public void A_loop_that_runs_on_another_thread_cannot_be_embedded()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        using ManualResetEventSlim entered = new(), asked = new();
        Timer timer = inner.Timer(0, 0, (_, _) =>
        {
            entered.Set();
            asked.Wait(TimeSpan.FromSeconds(Patience));
        });
        timer.Start();
        var thread = new Thread(() => inner.Start());
        thread.Start();
        Assert.True(entered.Wait(TimeSpan.FromSeconds(Patience)));
        Assert.Throws<InvalidOperationException>(embed.Start);
        outer.Timer(0, 0, [Fatal] (_, _) => Assert.Throws<InvalidOperationException>(embed.Start)).Start();
        outer.Start();
        Assert.False(embed.IsActive);
        asked.Set();
        thread.Join();
        CheckWorks(embed);
        embed.Dispose();
    }

    [Fact]
    public void A_loop_that_runs_in_a_callback_of_the_outer_one_may_be_embedded_there()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        Exception? thrown = null;
        inner.Timer(0, 0, (_, _) => thrown = Record.Exception(embed.Start)).Start();
        outer.Timer(0, 0, (_, _) => inner.Start(RunFlags.NoWait)).Start();
        outer.Start(RunFlags.NoWait);
        Assert.Null(thrown);
        Assert.True(embed.IsActive);
        CheckWorks(embed);
        embed.Dispose();
    }

    /// <summary>Starts the embed if it is inactive, and checks that an io of the inner loop is called in the outer one.</summary>
    private void CheckWorks(Embed embed)
    {
        int calls = 0;
        Io io = embed.Other.Io(NewReadablePipe().Read, Events.Read, (w, _) =>
        {
            calls++;
            w.Stop();
            embed.Loop.Stop();
        });
        io.Start();
        embed.Start();
        embed.Loop.Start();
        Assert.Equal(1, calls);
    }
}
