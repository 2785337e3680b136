using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Child.Kill.</summary>
public class ChildKillTests : LoopTestBase
{
    /// <summary>Whether the library uses pidfds in these tests.</summary>
    protected virtual bool HasPidfds => true;

    [Fact]
    public void Kill_ends_the_child()
    {
        Loop loop = NewDefaultLoop();
        Child w = Sleeper(loop);
        w.Start();
        Assert.True(w.Kill(Signum.SIGTERM));
        loop.Start();
        Assert.Equal(Signum.SIGTERM, w.TermSignal);
        Assert.False(w.Kill(Signum.SIGKILL)); // the child is reaped, and another process may have its pid
    }

    [Fact]
    public void Kill_takes_a_PosixSignal()
    {
        Loop loop = NewDefaultLoop();
        Child w = Sleeper(loop);
        w.Start();
        Assert.True(w.Kill(PosixSignal.SIGTERM));
        loop.Start();
        Assert.Equal(Signum.SIGTERM, w.TermSignal);
    }

    [Fact]
    public void Kill_stops_and_continues_a_traced_child()
    {
        Loop loop = NewDefaultLoop();
        string seen = "";
        using Child w = loop.Child(Posix.Spawn("exec sleep 60"), trace: true, (w, _) =>
        {
            seen += w.IsStopped ? "stopped " : w.IsContinued ? "continued " : "ended";
            Assert.Equal(!w.HasExited, w.Kill(w.IsStopped ? Signum.SIGCONT : Signum.SIGKILL));

            if (w.HasExited)
            {
                w.Stop();
            }
        });
        w.Start();
        Assert.True(w.Kill(Signum.SIGSTOP));
        loop.Start();
        Assert.Equal("stopped continued ended", seen);
    }

    [Fact]
    public void A_zombie_gets_no_signal()
    {
        Loop loop = NewDefaultLoop();
        Child w = Sleeper(loop, "exit 3");
        w.Start();
        Assert.True(Posix.Until(() => Posix.IsZombie(w.Pid)));
        Assert.False(w.Kill(Signum.SIGKILL));
        loop.Start();
        Assert.Equal(3, w.ExitCode);
    }

    [Fact]
    public void A_process_that_is_not_a_child_gets_no_signal()
    {
        Loop loop = NewDefaultLoop();
        using Child own = loop.Child(Environment.ProcessId, trace: false, (_, _) => { });
        own.Start();
        Assert.False(own.Kill(Signum.SIGKILL));
        using Child parent = loop.Child(1, trace: false, (_, _) => { });
        parent.Start();
        Assert.False(parent.Kill(Signum.SIGKILL));
    }

    [Fact]
    public void A_child_of_Process_gets_a_signal_only_through_a_pidfd()
    {
        Loop loop = NewDefaultLoop();
        using Process process = Process.Start("sleep", "60");
        using Child w = loop.Child(process, trace: false, (_, _) => loop.Stop());
        w.Start();

        if (HasPidfds)
        {
            Assert.True(w.Kill(Signum.SIGTERM));
            loop.Start();
            Assert.False(w.Kill(Signum.SIGTERM));
        }
        else
        {
            Assert.Throws<EventException>(() => w.Kill(Signum.SIGTERM));
            process.Kill();
        }

        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal(128 + (HasPidfds ? Signum.SIGTERM : Signum.SIGKILL), process.ExitCode);
    }

    [Fact]
    public void After_the_end_of_the_child_a_stopped_watcher_sends_nothing()
    {
        Loop loop = NewDefaultLoop();
        Child w = Sleeper(loop, "exit 3");
        w.Start();
        loop.Start();
        w.Stop();
        Assert.True(w.HasExited);
        Assert.False(w.Kill(Signum.SIGTERM));
        Assert.Throws<ArgumentOutOfRangeException>("signum", () => w.Kill(-1));
        w.Set(w.Pid, trace: false); // forgets the end: another process may have the pid
        Assert.Throws<InvalidOperationException>(() => w.Kill(Signum.SIGTERM));
    }

    [Fact]
    public void A_watcher_that_was_stopped_after_a_stop_of_the_child_refuses()
    {
        Loop loop = NewDefaultLoop();
        using Child w = loop.Child(Posix.Spawn("exec sleep 60"), trace: true, (_, _) => loop.Stop());
        w.Start();
        Assert.True(w.Kill(Signum.SIGSTOP));
        loop.Start();
        w.Stop();
        Assert.True(w.IsStopped);
        Assert.Throws<InvalidOperationException>(() => w.Kill(Signum.SIGKILL));
        w.Start();
        Assert.True(w.Kill(Signum.SIGKILL));
        loop.Start();
        Assert.Equal(Signum.SIGKILL, w.TermSignal);
    }

    [Fact]
    public void Wrong_use_is_refused()
    {
        Loop loop = NewDefaultLoop();
        Child w = Sleeper(loop);
        Assert.Throws<InvalidOperationException>(() => w.Kill(Signum.SIGKILL)); // the watcher is not active
        using Child every = loop.Child(0, trace: false, (_, _) => { });
        every.Start();
        Assert.Throws<InvalidOperationException>(() => every.Kill(Signum.SIGKILL));
        every.Stop();
        w.Start();

        foreach (int signum in new[] { 0, -1, 65, int.MinValue, int.MaxValue })
        {
            Assert.Throws<ArgumentOutOfRangeException>("signum", () => w.Kill(signum));
        }

        Assert.True(w.Kill(Signum.SIGKILL));
        loop.Start();
        w.Dispose();
        ObjectDisposedException e = Assert.Throws<ObjectDisposedException>(() => w.Kill(Signum.SIGKILL));
        Assert.Contains("Start a Child of your own", e.Message, StringComparison.Ordinal);
    }

    private static Child Sleeper(Loop loop, string command = "exec sleep 60") =>
        loop.Child(Posix.Spawn(command), trace: false, (_, _) => loop.Stop());
}

/// <summary>ChildKillTests without pidfds, as on Linux before 5.4 and on macOS.</summary>
public sealed class ChildKillWithoutPidfdTests : ChildKillTests
{
    public ChildKillWithoutPidfdTests() => NativeTesting.Lacking = NativeTesting.Lack.Pidfd;

    protected override bool HasPidfds => false;
}
