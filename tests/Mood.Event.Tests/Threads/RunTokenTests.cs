using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Run with a token, inside this process. Ev.FeedSignal replaces a real signal.</summary>
public sealed class RunTokenTests : LoopTestBase
{
    private static readonly RunOptions s_user = new() { StopSignals = [Signum.SIGUSR2], ShutdownTimeout = TimeSpan.FromSeconds(0.05) };

    [Fact]
    public void The_first_signal_cancels_the_token_and_a_cancelled_main_function_ends_Run_normally()
    {
        Loop loop = NewLoop();
        bool spawned = false;
        loop.Run(
            async token =>
            {
                _ = loop.Spawn(async () =>
                {
                    while (!token.IsCancellationRequested)
                    {
                        await loop.Delay(0.001);
                    }

                    spawned = true;
                });
                Ev.FeedSignal(Signum.SIGUSR2);
                await loop.Delay(60, token);
            },
            s_user);
        Assert.True(spawned);
    }

    public static TheoryData<string> Ends => ["Stop at once", "Stop later", "Dispose", "a fatal exception"];

    /// <summary>Run waits for a spawned function when the main function has failed already.</summary>
    [Theory]
    [MemberData(nameof(Ends))]
    public void The_exception_of_the_main_function_is_not_lost_when_the_loop_ends_before_the_spawned_functions(string end)
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException("main");
        var fatal = new InvalidTimeZoneException("fatal");
        var reports = new List<Exception>();
        loop.CallbackException += (_, e) => reports.Add(e.Exception);
        Exception? left = Record.Exception(() => loop.Run(
            async (CancellationToken _) =>
            {
                loop.Spawn(() => new TaskCompletionSource().Task).GetAwaiter();

                if (end != "Stop at once")
                {
                    await loop.Delay(0.001);
                }

                switch (end)
                {
                    case "Dispose":
                        loop.Dispose();
                        break;
                    case "a fatal exception":
                        loop.Timer(0, 0, [Fatal] (_, _) => throw fatal).Start();
                        break;
                    default:
                        loop.Stop();
                        break;
                }

                throw thrown;
            },
            new RunOptions { StopSignals = [], ShutdownTimeout = Timeout.InfiniteTimeSpan }));

        if (end == "a fatal exception")
        {
            Assert.Same(fatal, left);
            Assert.Equal([thrown], reports);
        }
        else
        {
            Assert.Same(thrown, left);
            Assert.Empty(reports);
        }
    }

    // A second arrival of a stop signal within 50 ms counts as the same stop, and a third one does not. All arrivals are within
    // 50 ms, unless the machine is slow.
    [Theory]
    [InlineData(2, 1)] // the first two arrive while the loop is busy, so its watcher is called once for them
    [InlineData(1, 2)]
    [InlineData(1, 1, 1)]
    public void The_third_arrival_of_a_stop_signal_counts_as_a_second_stop_however_soon_it_comes(params int[] arrivals)
    {
        Loop loop = NewLoop();
        var endless = new RunOptions { StopSignals = [Signum.SIGUSR2], ShutdownTimeout = Timeout.InfiniteTimeSpan };
        Assert.ThrowsAny<OperationCanceledException>(() => loop.Run<int>(
            async _ =>
            {
                foreach (int count in arrivals)
                {
                    for (int i = 0; i < count; i++)
                    {
                        Ev.FeedSignal(Signum.SIGUSR2);
                    }

                    await loop.Delay(0.001);
                }

                await loop.Delay(Timeout.InfiniteTimeSpan);
                return 1;
            },
            endless));
    }

    [Fact]
    public void A_post_to_the_context_of_a_disposed_loop_is_reported_if_another_Start_followed_the_Run_that_named_its_functions()
    {
        Loop loop = NewLoop();
        var reports = new List<Exception>();
        var left = new TaskCompletionSource();
        loop.Run(
            async _ =>
            {
                Ev.FeedSignal(Signum.SIGUSR2);
                await left.Task;
            },
            s_user);
        loop.Start(RunFlags.NoWait);
        loop.CallbackException += (_, e) => reports.Add(e.Exception);
        loop.Dispose();
        loop.SynchronizationContext.Post(_ => { }, null);
        Assert.Single(reports);
    }

    [Fact]
    public void The_result_and_the_exception_of_the_main_function_leave_Run()
    {
        Loop loop = NewLoop();
        Assert.Equal(42, loop.Run(_ => Task.FromResult(42), s_user));
        Assert.Throws<InvalidTimeZoneException>(() => loop.Run(_ => throw new InvalidTimeZoneException(), s_user));
        Assert.Throws<InvalidTimeZoneException>(() => loop.Run<int>(_ => throw new InvalidTimeZoneException(), s_user));
        Assert.Throws<InvalidOperationException>(() => loop.Run(_ => null!, s_user));
        Assert.Throws<InvalidOperationException>(() => loop.Run<int>(_ => null!, s_user));
        Assert.Throws<ArgumentNullException>(() => loop.Run((Func<CancellationToken, Task>)null!));
        Assert.ThrowsAny<OperationCanceledException>(() => loop.Run<int>(
            async token =>
            {
                Ev.FeedSignal(Signum.SIGUSR2);
                await loop.Delay(60, token);
                return 1;
            },
            s_user));
    }

    [Fact]
    public void A_cancellation_without_a_stop_signal_leaves_Run()
    {
        Loop loop = NewLoop();
        Assert.ThrowsAny<OperationCanceledException>(() => loop.Run(_ => Task.FromCanceled(new CancellationToken(true)), s_user));
    }

    [Fact]
    public void If_the_main_function_fails_the_token_is_cancelled_and_the_spawned_functions_end()
    {
        Loop loop = NewLoop();
        bool ended = false;
        Assert.Throws<InvalidTimeZoneException>(() => loop.Run(
            async token =>
            {
                _ = loop.Spawn(async () =>
                {
                    try
                    {
                        await loop.Delay(60, token);
                    }
                    finally
                    {
                        ended = true;
                    }
                });
                await loop.Delay(0.001);
                throw new InvalidTimeZoneException();
            },
            new RunOptions { StopSignals = [] }));
        Assert.True(ended);
    }

    [Fact]
    public void Stop_ends_Run_and_the_exception_of_the_main_function_is_reported_later()
    {
        Loop loop = NewLoop();
        var told = new List<string>();
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        Assert.Throws<InvalidOperationException>(() => loop.Run(
            async _ =>
            {
                loop.Stop();
                await loop.Delay(0.1);
                throw new InvalidTimeZoneException("late");
            },
            s_user));
        loop.Run(async () => await loop.Delay(0.3));
        Assert.True(Posix.Until(() => told.Count > 0, Patience));
        Assert.Equal(["late"], told);
    }

    [Fact]
    public void A_signal_of_another_loop_is_refused_before_the_main_function_is_called()
    {
        Loop other = NewLoop(), loop = NewLoop();
        using Signal signal = other.Signal(Signum.SIGUSR2, (_, _) => { });
        signal.Start();
        Assert.Throws<EventException>(() => loop.Run(
            _ =>
            {
                Assert.Fail("The main function was called.");
                return Task.CompletedTask;
            },
            s_user));
    }

    [Fact]
    public void Wrong_options_are_refused_and_change_nothing()
    {
        var options = new RunOptions();
        Assert.Equal([Signum.SIGINT, Signum.SIGTERM], options.StopSignals);
        Assert.Equal(TimeSpan.FromSeconds(30), options.ShutdownTimeout);
        Assert.Throws<ArgumentNullException>(() => options.StopSignals = null!);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.StopSignals = [Signum.SIGKILL]);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.StopSignals = [Signum.SIGINT, 0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.ShutdownTimeout = TimeSpan.FromSeconds(-1));
        Assert.Equal([Signum.SIGINT, Signum.SIGTERM], options.StopSignals);
        options.StopSignals = [Signum.SIGUSR1, Signum.SIGUSR1];
        options.ShutdownTimeout = Timeout.InfiniteTimeSpan;
        Assert.Equal([Signum.SIGUSR1], options.StopSignals);
        Assert.Equal(Timeout.InfiniteTimeSpan, options.ShutdownTimeout);
    }
}
