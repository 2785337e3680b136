using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Other parts of .NET that use signals, children and fds work in the same process as the library.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class CoexistenceTests : FdTestBase
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    public static TheoryData<int> Signals =>
    [
        Signum.SIGHUP, Signum.SIGINT, Signum.SIGQUIT, Signum.SIGTERM, Signum.SIGCHLD, Signum.SIGCONT, Signum.SIGWINCH, Signum.SIGTSTP,
        Signum.SIGUSR1, 40,
    ];

    [Theory]
    [MemberData(nameof(Signals))]
    public void Registrations_made_before_and_after_see_the_signal_too(int signum)
    {
        Loop loop = NewLoop();
        int before = 0, after = 0, calls = 0;
        using PosixSignalRegistration first = Register(signum, () => Interlocked.Increment(ref before));
        Signal w = loop.Signal(signum, (w, _) =>
        {
            calls++;
            loop.Stop();
        });
        w.Start();
        using PosixSignalRegistration second = Register(signum, () => Interlocked.Increment(ref after));

        Posix.Raise(signum);
        Assert.True(loop.Start());
        Assert.Equal(1, calls);
        Assert.True(Posix.Until(() => Volatile.Read(ref before) == 1 && Volatile.Read(ref after) == 1));

        // The registrations outlive the watcher.
        w.Stop();
        Posix.Raise(signum);
        Assert.True(Posix.Until(() => Volatile.Read(ref before) == 2 && Volatile.Read(ref after) == 2));
        Assert.False(loop.Start(RunFlags.NoWait));
        Assert.Equal(1, calls);
    }

    [Theory]
    [MemberData(nameof(Signals))]
    public void A_watcher_outlives_the_registrations_around_it(int signum)
    {
        Loop loop = NewLoop();
        int calls = 0;
        PosixSignalRegistration first = Register(signum, () => { });
        Signal w = loop.Signal(signum, (w, _) =>
        {
            calls++;
            loop.Stop();
        });
        w.Start();
        PosixSignalRegistration second = Register(signum, () => { });
        first.Dispose();
        second.Dispose();
        Posix.Raise(signum);
        Assert.True(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_registration_made_after_a_watcher_was_stopped_works()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Signal w = loop.Signal(Signum.SIGTERM, (_, _) => { });
        w.Start();
        w.Stop();
        using PosixSignalRegistration registration = Register(Signum.SIGTERM, () => Interlocked.Increment(ref calls));
        Posix.Raise(Signum.SIGTERM);
        Assert.True(Posix.Until(() => Volatile.Read(ref calls) == 1));
    }

    [Fact]
    public void Console_CancelKeyPress_sees_the_interrupt_too()
    {
        Loop loop = NewLoop();
        int presses = 0, calls = 0;
        ConsoleCancelEventHandler handler = (_, e) =>
        {
            e.Cancel = true;
            Interlocked.Increment(ref presses);
        };
        Console.CancelKeyPress += handler;

        try
        {
            Signal w = loop.Signal(Signum.SIGINT, (w, _) =>
            {
                calls++;
                w.Stop();
            });
            w.Start();
            Posix.Raise(Signum.SIGINT);
            Assert.False(loop.Start());
            Assert.Equal(1, calls);
            Assert.True(Posix.Until(() => Volatile.Read(ref presses) == 1));

            // The watcher is stopped, so only the handler of Console.CancelKeyPress is called.
            Posix.Raise(Signum.SIGINT);
            Assert.True(Posix.Until(() => Volatile.Read(ref presses) == 2));
            Assert.Equal(1, calls);
        }
        finally
        {
            Console.CancelKeyPress -= handler;
        }
    }

    [Fact]
    public void The_end_of_a_Process_is_noticed_before_while_and_after_SIGCHLD_is_watched()
    {
        Loop loop = NewLoop();
        int calls = 0;
        CheckProcess();
        using Process early = ChildProcessTests.Run("sleep 0.05; exit 2");
        Signal w = loop.Signal(Signum.SIGCHLD, (_, _) =>
        {
            calls++;
            loop.Stop();
        });
        w.Start();
        CheckProcess();
        loop.Start();
        Assert.NotEqual(0, calls);

        // A SIGCHLD is pending in the loop, which does not run, and the Process still notices the end of its child.
        Assert.True(early.WaitForExit(s_patience));
        Assert.Equal(2, early.ExitCode);
        w.Stop();
        CheckProcess();
    }

    [Fact]
    public void A_SIGCHLD_watcher_shares_the_default_loop_with_children()
    {
        Loop loop = NewDefaultLoop();
        int signals = 0;
        Signal signal = loop.Signal(Signum.SIGCHLD, (_, _) => signals++);
        signal.Start();
        using Process process = ChildProcessTests.Run("exit 3");
        Child owned = loop.Child(process, trace: false, (w, _) => w.Stop());
        Child own = loop.Child(Posix.Spawn("exit 4"), trace: false, (w, _) => w.Stop());
        owned.Start();
        own.Start();
        signal.KeepAlive = false;
        Assert.False(loop.Start());
        Assert.NotEqual(0, signals);
        Assert.Equal((3, 4), (owned.ExitCode, own.ExitCode));

        // Without a SIGCHLD watcher the end of a child is still reported.
        signal.Stop();
        Child next = loop.Child(Posix.Spawn("sleep 0.02; exit 5"), trace: false, (w, _) => w.Stop());
        next.Start();
        Assert.False(loop.Start());
        Assert.Equal(5, next.ExitCode);
        Assert.True(process.WaitForExit(s_patience));
    }

    [Fact]
    public void A_default_loop_that_watches_no_child_reaps_nothing()
    {
        Loop loop = NewDefaultLoop();
        int stranger = Posix.Spawn("exit 6");
        CheckProcess();
        Assert.True(Posix.Until(() => Posix.IsZombie(stranger)));
        Ev.FeedSignal(Signum.SIGCHLD);
        loop.Start(RunFlags.NoWait);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(stranger, Posix.Wait(stranger, out int status, Posix.WNOHANG));
        Assert.Equal(6 << 8, status);
        CheckProcess();
    }

    [Fact]
    public void After_the_last_child_watcher_SIGCHLD_has_the_handler_of_the_runtime_again()
    {
        CheckProcess(); // the runtime installs its handler here
        nint handler = Posix.Disposition(Signum.SIGCHLD);
        Loop loop = NewDefaultLoop();
        Assert.Equal(handler, Posix.Disposition(Signum.SIGCHLD));
        Child w = loop.Child(Posix.Spawn("exit 0"), trace: false, (w, _) => w.Stop());
        w.Start(); // installs our handler, which calls the runtime's
        Assert.False(loop.Start());
        Assert.Equal(handler, Posix.Disposition(Signum.SIGCHLD));
        loop.Dispose();
        Assert.Equal(handler, Posix.Disposition(Signum.SIGCHLD));
        CheckProcess();
    }

    [Fact]
    public void The_output_of_a_process_is_read_while_the_loop_runs()
    {
        Loop loop = NewDefaultLoop();
        var info = new ProcessStartInfo("/bin/sh", ["-c", "for i in 1 2 3; do echo $i; sleep 0.01; done; exit 7"]) { RedirectStandardOutput = true };
        using Process process = Process.Start(info)!;
        List<string?> lines = [];
        process.OutputDataReceived += (_, e) => lines.Add(e.Data);
        process.BeginOutputReadLine();
        Child w = loop.Child(process, trace: false, (w, _) => w.Stop());
        w.Start();
        Assert.False(loop.Start());
        process.WaitForExit();
        Assert.Equal(["1", "2", "3", null], lines);
        Assert.Equal(7, w.ExitCode);
    }

    [Fact]
    public void Processes_of_other_threads_end_while_the_loop_reaps_its_own_children()
    {
        Loop loop = NewDefaultLoop();
        int ended = 0;
        Task[] others = new Task[4];

        for (int i = 0; i < others.Length; i++)
        {
            others[i] = Task.Run(async () =>
            {
                for (int n = 0; n < 10; n++)
                {
                    using Process process = ChildProcessTests.Run($"exit {n}");
                    await process.WaitForExitAsync(new CancellationTokenSource(s_patience).Token);
                    Assert.Equal(n, process.ExitCode);
                    Interlocked.Increment(ref ended);
                }
            });
        }

        for (int i = 0; i < 20; i++)
        {
            Child w = loop.Child(Posix.Spawn($"exit {i}"), trace: false, (w, _) => w.Stop());
            w.Start();
            Assert.False(loop.Start());
            Assert.Equal(i, w.ExitCode);
        }

        Assert.True(Posix.Until(() => Array.TrueForAll(others, t => t.IsCompleted), Patience));
        Assert.All(others, t => Assert.Null(t.Exception));
        Assert.Equal(40, ended);
    }

    [Fact]
    public void Async_calls_of_a_Socket_work_while_an_Io_watches_it()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        int calls = 0;

        // An echo server on the thread pool, which uses .NET's own epoll.
        Task echo = Task.Run(async () =>
        {
            byte[] buffer = new byte[1];

            while (await server.ReceiveAsync(buffer) == 1)
            {
                await server.SendAsync(buffer);
            }
        });
        Io io = loop.Io(client, Events.Read, (_, _) =>
        {
            Assert.Equal(1, client.Receive(new byte[1]));

            if (++calls == 20)
            {
                loop.Stop();
            }
            else
            {
                client.Send([1]);
            }
        });
        io.Fatal = true;
        io.Start();
        client.Send([1]);
        Assert.True(loop.Start());
        Assert.Equal(20, calls);
        io.Stop();
        client.Shutdown(SocketShutdown.Both);
        Assert.True(Posix.Until(() => echo.IsCompletedSuccessfully));
    }

    private static PosixSignalRegistration Register(int signum, Action action) =>
        PosixSignalRegistration.Create((PosixSignal)signum, context =>
        {
            context.Cancel = true;
            action();
        });

    private static void CheckProcess()
    {
        using Process process = ChildProcessTests.Run("exit 1");
        Assert.True(process.WaitForExit(s_patience));
        Assert.Equal(1, process.ExitCode);
    }
}
