using System;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Signals on Windows are four console events. Wine does not deliver them, so the tests feed them or call the handler.</summary>
public sealed class WindowsSignalTests : LoopTestBase
{
    private static readonly string[] s_names = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"];

    public static TheoryData<PosixSignal> Names => [PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGTERM];

    [Fact]
    public void Four_signals_have_their_POSIX_numbers()
    {
        Assert.Equal((1, 2, 3, 15), (Signum.SIGHUP, Signum.SIGINT, Signum.SIGQUIT, Signum.SIGTERM));
        string[] present = [.. typeof(Signum).GetProperties().Where(p => (int)p.GetValue(null)! > 0).Select(p => p.Name).Order()];
        Assert.Equal([.. s_names.Append("SIGKILL").Order()], present); // SIGKILL exists for Child.Kill
    }

    [Theory, MemberData(nameof(Names))]
    public void A_watcher_starts_is_called_and_stops(PosixSignal name)
    {
        Loop loop = NewLoop();
        int calls = 0;
        var signal = new Signal(loop, name, (w, _) =>
        {
            calls++;
            w.Stop();
        });

        for (int i = 1; i <= 3; i++)
        {
            signal.Start();
            Ev.FeedSignal(name);
            Assert.False(loop.Start());
            Assert.Equal(i, calls);
        }
    }

    [Theory, InlineData(4), InlineData(9), InlineData(11), InlineData(17)]
    public void Other_signals_cannot_be_watched(int signum)
    {
        Loop loop = NewLoop();
        string message = Assert.Throws<ArgumentOutOfRangeException>(() => new Signal(loop, signum, (_, _) => { })).Message;
        Assert.Contains("Windows", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_PosixSignal_that_Windows_does_not_have_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Signal(NewLoop(), PosixSignal.SIGCHLD, (_, _) => { }));

    [Fact]
    public void The_stop_signals_of_Run_include_SIGHUP()
    {
        Assert.Equal([Signum.SIGINT, Signum.SIGTERM, Signum.SIGHUP], new RunOptions().StopSignals);
        Loop loop = NewLoop();
        bool cancelled = false;
        loop.Run(async token =>
        {
            Ev.FeedSignal(PosixSignal.SIGHUP);

            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            catch (OperationCanceledException)
            {
                cancelled = true;
            }
        });
        Assert.True(cancelled);
    }

    [Theory, InlineData(PosixSignal.SIGHUP, true), InlineData(PosixSignal.SIGTERM, true), InlineData(PosixSignal.SIGINT, false), InlineData(PosixSignal.SIGQUIT, false)]
    public void The_handler_of_a_closed_console_does_not_return_while_the_program_ends(PosixSignal name, bool waits)
    {
        Loop loop = NewLoop();
        var context = new PosixSignalContext(name);
        bool returned = false;
        int calls = 0;
        var thread = new Thread(() =>
        {
            SignalRegistrations.Guard(context, Signum.From(name));
            Volatile.Write(ref returned, true);
        })
        {
            IsBackground = true,
        };
        var signal = new Signal(loop, name, (_, _) =>
        {
            calls++;
            loop.Timer(0.5, 0, (_, _) => loop.Stop()).Start(); // as a program that still saves its files
        });
        signal.Start();
        thread.Start();
        loop.Start();
        Assert.Equal(1, calls);
        Assert.True(context.Cancel);
        Assert.Equal(!waits, Volatile.Read(ref returned));
    }
}
