using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Another part of the process closes the pidfds of watched children, as a daemon closes all fds, and other files get their numbers.
/// </summary>
public sealed class ChildDescriptorTests : FdTestBase
{
    [Fact]
    public void A_pipe_with_the_number_of_a_pidfd_is_not_closed_and_the_end_of_the_child_is_reported()
    {
        Loop loop = NewDefaultLoop();
        (int read, int write) = NewPipe();
        using var child = new Watched(loop, "exec sleep 100");
        int number = child.Pidfd;
        Posix.Replace(number, read);
        loop.Reset();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, child.Told);
        Posix.Kill(child.Pid, Signum.SIGKILL);
        Run(loop, () => child.Told > 0);
        Assert.Equal((1, Signum.SIGKILL, false), (child.Told, child.Watcher.TermSignal, child.Watcher.IsGone));
        Posix.Write(write);
        Assert.Equal(1, Posix.Read(number));
        Posix.Close(number);
    }

    [Fact]
    public void A_stop_does_not_close_a_pipe_with_the_number_of_a_pidfd()
    {
        Loop loop = NewDefaultLoop();
        (int read, int write) = NewPipe();
        using var child = new Watched(loop, "exec sleep 100");
        int number = child.Pidfd;
        Posix.Replace(number, read);
        child.Watcher.Stop();
        Posix.Write(write);
        Assert.Equal(1, Posix.Read(number));
        Posix.Close(number);
        Posix.Kill(child.Pid, Signum.SIGKILL);
        Assert.Equal(child.Pid, Posix.Wait(child.Pid, out _));
    }

    [Fact]
    public void A_traced_child_is_not_reported_as_gone_if_a_pipe_got_the_number_of_its_pidfd()
    {
        Loop loop = NewDefaultLoop();
        (int read, _) = NewPipe();
        using var child = new Watched(loop, "exec sleep 100", trace: true);
        int number = child.Pidfd;
        Posix.Replace(number, read);
        loop.Reset();
        Posix.Kill(child.Pid, Signum.SIGSTOP);
        Run(loop, () => child.Told > 0);
        Assert.Equal((Signum.SIGSTOP, false), (child.Watcher.StopSignal, child.Watcher.IsGone));
        Posix.Kill(child.Pid, Signum.SIGKILL);
        Run(loop, () => child.Told > 1);
        Assert.Equal((Signum.SIGKILL, false), (child.Watcher.TermSignal, child.Watcher.IsGone));
        Posix.Close(number);
    }

    [Fact]
    public void If_a_pidfd_gets_the_number_of_another_one_both_children_are_reported_correctly()
    {
        Loop loop = NewDefaultLoop();
        using var first = new Watched(loop, "exec sleep 100");
        Posix.Close(first.Pidfd);
        using var second = new Watched(loop, "exec sleep 100");
        Posix.Kill(second.Pid, Signum.SIGKILL);
        Run(loop, () => second.Told > 0);
        loop.Start(RunFlags.NoWait);
        Assert.Equal((0, 1), (first.Told, second.Told));
        Posix.Kill(first.Pid, Signum.SIGTERM);
        Run(loop, () => first.Told > 0);
        Assert.Equal((Signum.SIGTERM, Signum.SIGKILL), (first.Watcher.TermSignal, second.Watcher.TermSignal));
        Assert.False(first.Watcher.IsGone);
    }

    // epoll forgets a closed fd without an error.
    [Theory]
    [InlineData(Backends.Poll)]
    [InlineData(Backends.Select)]
    public void If_a_pidfd_was_closed_its_child_keeps_the_loop_running_and_its_end_is_reported(Backends backend)
    {
        using Loop loop = Loop.GetDefault(LoopFlags.NoEnv, backend);
        using var child = new Watched(loop, "exec sleep 100");
        Posix.Close(child.Pidfd);

        for (int i = 0; i < 3; i++)
        {
            Assert.True(loop.Start(RunFlags.NoWait));
        }

        Posix.Kill(child.Pid, Signum.SIGKILL);
        Run(loop, () => child.Told > 0);
        Assert.Equal((1, Signum.SIGKILL, false), (child.Told, child.Watcher.TermSignal, child.Watcher.IsGone));
        child.Watcher.Stop();
        AssertNoReferences(loop);
    }

    private static void Run(Loop loop, Func<bool> done)
    {
        bool late = false;
        using Timer limit = loop.Timer(10, 0, (_, _) =>
        {
            late = true;
            loop.Stop();
        });
        using Prepare prepare = loop.Prepare((_, _) =>
        {
            if (done())
            {
                loop.Stop();
            }
        });
        loop.Now(update: true);
        limit.Start();
        prepare.Start();

        while (!done() && !late)
        {
            loop.Start(RunFlags.Once);
        }

        Assert.False(late, "The child was not reported in 10 s.");
    }

    /// <summary>A watched child and the number of its pidfd.</summary>
    private sealed class Watched : IDisposable
    {
        internal Watched(Loop loop, string script, bool trace = false)
        {
            Pid = Posix.Spawn(script);
            int[] before = Pidfds();
            Watcher = loop.Child(Pid, trace, (_, _) => Told++);
            Watcher.Start();
            int[] made = [.. Pidfds().Except(before)];
            Pidfd = made.Length == 0 ? before[^1] : made[0]; // empty if the new pidfd has got the number of a closed one
        }

        internal int Pid { get; }

        internal int Pidfd { get; }

        internal Child Watcher { get; }

        internal int Told { get; private set; }

        public void Dispose() => Watcher.Dispose();

        private static int[] Pidfds() =>
        [
            .. Directory.GetFiles("/proc/self/fd")
                .Where(f => new FileInfo(f).LinkTarget?.Contains("pidfd", StringComparison.Ordinal) == true)
                .Select(f => int.Parse(Path.GetFileName(f), CultureInfo.InvariantCulture)),
        ];
    }
}
