using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Dispose of a loop ends everything that a function on the loop can await. The rest of the function is called, whatever it
/// awaited.</summary>
public sealed class LastContinuationTests : AwaitTestBase
{
    private static readonly Dictionary<string, Func<LastContinuationTests, Loop, Task>> s_awaits = new()
    {
        ["a call of an asynchronous function"] = (_, loop) => loop.InvokeAsync(() => Never()),
        ["a call that Dispose makes"] = (_, loop) => loop.InvokeAsync(() => { }),
        ["a call of a function that awaits a call"] = (_, loop) => loop.InvokeAsync(async () => await loop.InvokeAsync(() => Never())),
        ["a spawned function"] = (_, loop) => loop.Spawn(() => Never()),
        ["a task of the TaskScheduler"] = (_, loop) =>
            Task.Factory.StartNew(() => { }, CancellationToken.None, TaskCreationOptions.None, loop.TaskScheduler),
        ["Delay"] = (_, loop) => loop.Delay(100).AsTask(),
        ["WaitAsync"] = (test, loop) => loop.WaitAsync(test.NewConnection().Item1, Events.Read).AsTask(),
        ["a read of a LoopStream"] = (test, loop) => new LoopStream(loop, test.NewConnection().Item1).ReadAsync(new byte[1]).AsTask(),
        ["Signals"] = async (_, loop) =>
        {
            await foreach (int signum in loop.Signals(Signum.SIGINT))
            {
            }
        },
        ["WaitForSignalAsync"] = (_, loop) => loop.WaitForSignalAsync([Signum.SIGINT]).AsTask(),
        ["Task.Delay"] = (_, loop) => Task.Delay(TimeSpan.FromDays(1), loop.TimeProvider),
        ["Task.WaitAsync"] = (_, loop) => Never().WaitAsync(TimeSpan.FromDays(1), loop.TimeProvider),
        ["a PeriodicTimer"] = async (_, loop) =>
        {
            using var timer = new PeriodicTimer(TimeSpan.FromDays(1), loop.TimeProvider);
            await timer.WaitForNextTickAsync();
        },
        ["a PeriodicTimer of another thread"] = async (_, loop) =>
        {
            // Its first start is still posted when Dispose begins.
            using PeriodicTimer timer = OnThread(() => new PeriodicTimer(TimeSpan.FromDays(1), loop.TimeProvider));
            await timer.WaitForNextTickAsync();
        },
        ["a stop of a LoopServer"] = async (test, loop) =>
        {
            test._isWaiting = false;
            LoopServer server = NewServer(loop);
            test.Connect(server);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 1);
            Task stop = server.StopAsync(Timeout.InfiniteTimeSpan);
            await loop.Delay(0.01); // the stop waits for the handler
            test._isWaiting = true;
            await stop;
        },
        ["a run of a LoopServer"] = (_, loop) => NewServer(loop).RunAsync(),
        ["a connect to a host name"] = (test, loop) => LoopStream.ConnectAsync(loop, test.NewFullListener()).AsTask(),
    };

    // Set when the function is about to await what Dispose then ends.
    private bool _isWaiting;

    public static TheoryData<string> Awaits => [.. s_awaits.Keys];

    [Theory, MemberData(nameof(Awaits))]
    public void Dispose_calls_the_rest_of_a_function_in_the_context_of_the_loop(string what)
    {
        using Loop loop = NewLoop();
        var told = new List<Exception>();
        int thread = 0;
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        loop.InvokeAsync(async () =>
        {
            try
            {
                _isWaiting = true;
                await s_awaits[what](this, loop);
            }
            catch (ObjectDisposedException)
            {
                // the wait ended with the loop
            }
            finally
            {
                await Task.Yield(); // may be posted once more
                thread = Environment.CurrentManagedThreadId;
            }
        });
        RunUntil(loop, () => _isWaiting);
        loop.Dispose();
        Assert.Empty(told);
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
    }

    [Fact]
    public void Dispose_calls_the_rest_of_a_function_that_it_has_begun()
    {
        Loop loop = NewLoop();
        var told = new List<Exception>();
        bool hasEnded = false;
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        Task call = loop.InvokeAsync(async () =>
        {
            await Task.Yield();
            hasEnded = true;
        });
        loop.Dispose();
        Assert.True(hasEnded);
        Assert.Empty(told);
        Assert.True(call.IsCompletedSuccessfully); // with its own result
    }

    [Fact]
    public void Dispose_in_a_callback_calls_the_rest_of_a_function_that_yields_afterwards()
    {
        Loop loop = NewLoop();
        bool hasEnded = false;
        loop.Run(async () =>
        {
            await loop.Delay(0);
            loop.Dispose();
            await Task.Yield();
            await Task.Yield();
            hasEnded = true;
        });
        Assert.True(hasEnded);
    }

    [Fact]
    public void Dispose_in_the_callback_of_a_timer_calls_the_rest_of_a_function_that_awaits_the_end_of_this_callback()
    {
        Loop loop = NewLoop();
        ITimer timer = null!;
        bool hasEnded = false;
        timer = loop.TimeProvider.CreateTimer(
            _ =>
            {
                loop.SynchronizationContext.Send(_ => AwaitAsync(), null);
                loop.Dispose();
            },
            null,
            TimeSpan.Zero,
            Timeout.InfiniteTimeSpan);
        Assert.True(Posix.Until(() => loop.Start(RunFlags.NoWait) || loop.IsEnding, Patience));
        Assert.True(hasEnded);

        async void AwaitAsync()
        {
            await timer.DisposeAsync();
            hasEnded = true;
        }
    }

    /// <summary>Without a context, an await in a task continues in the scheduler of the task.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public void Dispose_calls_the_rest_of_a_function_in_the_TaskScheduler(bool waits)
    {
        Loop loop = NewLoop();
        var told = new List<Exception>();
        bool hasBegun = false, hasEnded = false;
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);

        try
        {
            Task.Factory.StartNew(
                async () =>
                {
                    try
                    {
                        hasBegun = true;
                        await (waits ? loop.Delay(100).AsTask() : loop.InvokeAsync(() => Never()));
                    }
                    finally
                    {
                        await Task.Yield();
                        hasEnded = TaskScheduler.Current == loop.TaskScheduler;
                    }
                },
                CancellationToken.None,
                TaskCreationOptions.None,
                loop.TaskScheduler);
            RunUntil(loop, () => hasBegun);
            loop.Dispose();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }

        Assert.True(hasEnded);
        Assert.Empty(told);
    }

    [Fact]
    public async Task The_end_of_a_LoopThread_calls_the_rest_of_its_functions()
    {
        await using var thread = new LoopThread();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool hasEnded = false;
        _ = thread.Loop.Spawn(async () =>
        {
            try
            {
                begun.SetResult();
                await thread.Loop.InvokeAsync(() => Never());
            }
            finally
            {
                hasEnded = true;
            }
        });
        await begun.Task;
        await thread.StopAsync();
        Assert.True(hasEnded);
    }

    [Fact]
    public void Every_caller_continues_however_many_there_are()
    {
        const int Count = 1000;
        Loop loop = NewLoop();
        int begun = 0, ended = 0;

        for (int i = 0; i < Count; i++)
        {
            loop.InvokeAsync(async () =>
            {
                try
                {
                    begun++;
                    await loop.InvokeAsync(() => Never());
                }
                finally
                {
                    await Task.Yield();
                    ended++;
                }
            });
        }

        RunUntil(loop, () => begun == Count);
        loop.Dispose();
        Assert.Equal(Count, ended);
    }

    /// <summary>The exception of a continuation is handled as that of a posted action: Dispose goes on.</summary>
    [Fact]
    public void A_continuation_that_throws_does_not_keep_the_others_from_their_calls()
    {
        Loop loop = NewLoop();
        var told = new List<Exception>();
        bool hasBegun = false, hasEnded = false;
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        loop.InvokeAsync(async () =>
        {
            loop.SynchronizationContext.Post(_ => hasBegun = true, null);

            try
            {
                await loop.InvokeAsync(() => Never());
            }
            catch (ObjectDisposedException)
            {
                SynchronizationContext.Current!.Post(_ => throw new InvalidTimeZoneException(), null);
                await Task.Yield();
                hasEnded = true;
            }
        });
        RunUntil(loop, () => hasBegun);
        loop.Dispose();
        Assert.True(hasEnded);
        Assert.IsType<InvalidTimeZoneException>(Assert.Single(told));
    }

    private static Task Never() => new TaskCompletionSource().Task;

    private static void RunUntil(Loop loop, Func<bool> condition)
    {
        Assert.True(Posix.Until(
            () =>
            {
                loop.Start(RunFlags.NoWait);
                return condition();
            },
            Patience));
    }

    private static T OnThread<T>(Func<T> make)
    {
        T made = default!;
        var thread = new Thread(() => made = make());
        thread.Start();
        thread.Join();
        return made;
    }

    // A connect to it waits, because its backlog is full.
    private DnsEndPoint NewFullListener()
    {
        Socket listener = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(AnyPort);
        listener.Listen(0);

        for (int i = 0; i < 4; i++)
        {
            Socket client = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false });
            Record.Exception(() => client.Connect(listener.LocalEndPoint!));
        }

        return new DnsEndPoint("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port);
    }

    private static LoopServer NewServer(Loop loop) =>
        LoopServer.Listen(loop, AnyPort, async (stream, token) => Assert.Equal(0, await stream.ReadAsync(new byte[1], token)));
}
