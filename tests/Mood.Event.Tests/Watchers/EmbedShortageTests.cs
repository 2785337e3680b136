using System;
using System.IO;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// If the system refuses a resource to an Embed, the call that needs it throws, or the outer loop's Start throws.
/// </summary>
public sealed class EmbedShortageTests : FdTestBase
{
    private const int EMFILE = 24, ELOOP = 40;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Loops_that_are_nested_too_deep_are_refused_and_the_others_work(bool keepAlive)
    {
        Loop[] loops = [.. Enumerable.Range(0, 8).Select(_ => NewLoop(Backends.Epoll))];
        int depth = 0;

        for (; depth < loops.Length - 1; depth++)
        {
            Embed embed = loops[depth].Embed(loops[depth + 1]);
            embed.KeepAlive = keepAlive;
            Exception? thrown = Record.Exception(embed.Start);
            Assert.Equal(thrown is null, embed.IsActive);

            if (thrown is not null)
            {
                Assert.Equal(ELOOP, Assert.IsType<EventException>(thrown).NativeErrorCode);
                break;
            }
        }

        Assert.InRange(depth, 3, 6); // the kernel's limit is 5 epoll instances

        int calls = 0;
        loops[depth].Io(NewReadablePipe().Read, Events.Read, (w, _) =>
        {
            calls++;
            w.Stop();
            loops[0].Stop();
        }).Start();
        using Timer alive = loops[0].Timer(Patience / 2, 0, (_, _) => { });
        alive.Start();
        loops[0].Start();
        Assert.Equal(1, calls);
        alive.Stop();

        if (!keepAlive)
        {
            Assert.False(loops[0].Start()); // no watcher keeps Start running
        }
    }

    [Fact]
    public void The_inner_loop_may_become_the_outer_one()
    {
        Loop a = NewLoop(Backends.Epoll), b = NewLoop(Backends.Epoll);
        Embed ab = a.Embed(b), ba = b.Embed(a);

        for (int i = 0; i < 3; i++)
        {
            Check(ab, a, b);
            Check(ba, b, a);
        }

        void Check(Embed embed, Loop outer, Loop inner)
        {
            int calls = 0;
            embed.Start();
            Io io = inner.Io(NewReadablePipe().Read, Events.Read, (_, _) =>
            {
                calls++;
                outer.Stop();
            });
            io.Start();
            Assert.True(outer.Start());
            Assert.Equal(1, calls);
            io.Dispose();
            embed.Stop();
        }
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Without_a_free_fd_the_Reset_of_an_inner_loop_ends_Start_and_the_next_Start_tries_again(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        (int read, int write) = NewPipe();
        int calls = 0, outerForks = 0, innerForks = 0;
        outer.Embed(inner).Start();
        inner.Io(read, Events.Read, (w, _) =>
        {
            Posix.Read(w.Fd);
            calls++;
            outer.Stop();
        }).Start();
        outer.Fork((_, _) => outerForks++).Start();
        inner.Fork((_, _) => innerForks++).Start();
        Check(1);
        outer.Reset();
        Check(2); // loads the code of the checks below
        Assert.Equal((1, 1), (outerForks, innerForks));

        Exception? thrown = null;
        outer.Reset();
        Posix.WithFdsLeft(0, () => thrown = Record.Exception(() => outer.Start(RunFlags.NoWait)));
        Assert.Equal(EMFILE, Assert.IsType<EventException>(thrown).NativeErrorCode);
        Check(3);
        Check(4);
        Assert.True(innerForks >= 2); // can be more, because a Stop in the callback defers the rest of the Reset
        Assert.True(outerForks >= 2);

        void Check(int times)
        {
            Posix.Write(write);
            Assert.True(outer.Start());
            Assert.Equal(times, calls);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void If_the_epoll_fd_of_the_inner_loop_was_closed_Start_ends_if_the_backend_notices(Backends backend)
    {
        foreach (bool keepAlive in new[] { true, false })
        {
            Loop outer = NewLoop(backend);
            int[] before = Epolls();
            Loop inner = NewLoop(Backends.Epoll);
            int epoll = Assert.Single(Epolls().Except(before));
            Embed embed = outer.Embed(inner, (_, _) => { });
            embed.KeepAlive = keepAlive;
            embed.Start();
            outer.Start(RunFlags.NoWait);
            Posix.Close(epoll);
            Exception? thrown = Record.Exception(() => outer.Start(RunFlags.NoWait));

            if (backend is Backends.Poll or Backends.Select)
            {
                Assert.IsType<EventException>(thrown);
                Assert.False(embed.IsActive);
                Assert.False(outer.Start());
            }
            else
            {
                Assert.Null(thrown);
            }

            embed.Dispose();
            Assert.False(outer.Start());
            inner.Reset();
            CheckUsable(inner);
            CheckUsable(outer);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_Embed_that_ends_does_not_unwatch_a_pipe_that_got_the_number_of_the_inner_loop(Backends backend)
    {
        Loop outer = NewLoop(backend);
        int[] before = Epolls();
        Loop inner = NewLoop(Backends.Epoll);
        int epoll = Assert.Single(Epolls().Except(before));
        Embed embed = outer.Embed(inner, (_, _) => { });
        embed.Start();
        outer.Start(RunFlags.NoWait);
        Posix.Replace(epoll, with: NewReadablePipe().Read);
        int calls = 0;
        Io io = outer.Io(epoll, Events.Read, (_, _) => calls++);
        io.Start();
        outer.Start(RunFlags.NoWait);
        embed.Dispose();
        calls = 0;
        RunFor(outer, 0.05);
        Assert.NotEqual(0, calls);
        io.Dispose();
        inner.Dispose();
        Assert.Equal(1, Posix.Read(epoll));
        Posix.Close(epoll);
    }

    private static int[] Epolls() =>
    [
        .. Directory.GetFiles("/proc/self/fd")
            .Where(f => (new FileInfo(f).LinkTarget ?? "").EndsWith("[eventpoll]", StringComparison.Ordinal))
            .Select(f => int.Parse(Path.GetFileName(f), System.Globalization.CultureInfo.InvariantCulture)),
    ];
}
