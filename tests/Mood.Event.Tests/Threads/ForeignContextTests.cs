using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO.Pipes;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Awaits in a callback of a plain Start, which runs in a context that is not the loop's: here xunit's own.</summary>
public sealed class ForeignContextTests : AwaitTestBase
{
    public static TheoryData<string> Waits =>
        ["delay", "ready", "receive", "datagram", "stream", "signals", "signal", "exit", "exit on the default loop", "provider"];

    [Theory]
    [MemberData(nameof(Waits))]
    public void In_the_context_of_Start_the_continuation_runs_on_the_loop_s_thread_inside_Start(string kind)
    {
        Assert.Equal("AsyncTestSyncContext", SynchronizationContext.Current!.GetType().Name); // xunit's
        Loop loop = kind == "exit on the default loop" ? NewDefaultLoop() : NewLoop();
        var seen = new List<(int Thread, bool IsInside)>();
        bool isInside = false;
        loop.Timer(0, 0, async (_, _) =>
        {
            await WaitAsync(loop, kind);
            seen.Add((Environment.CurrentManagedThreadId, isInside));
            await WaitAsync(loop, kind);
            seen.Add((Environment.CurrentManagedThreadId, isInside));
            loop.Stop();
        }).Start();
        loop.IncRef();
        isInside = true;
        loop.Start();
        isInside = false;
        int here = Environment.CurrentManagedThreadId;
        Assert.Equal([(here, true), (here, true)], seen);
        loop.DecRef();
    }

    [Fact]
    public void Virtual_time_does_not_go_on_without_the_continuation()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        double start = clock.Now;
        var seen = new List<double>();
        loop.Timer(1, 10, async (_, _) =>
        {
            await loop.Delay(2);
            seen.Add(loop.Now() - start);
            await Task.Delay(TimeSpan.FromSeconds(3), loop.TimeProvider);
            seen.Add(loop.Now() - start);
        }).Start();
        clock.Advance(loop, 20);
        Assert.Equal([3, 6, 13, 16], seen);
    }

    [Fact]
    public void A_wait_that_ends_in_another_context_posts_the_continuation_to_the_captured_one()
    {
        Loop loop = NewLoop();
        var context = new OtherContext();
        var seen = new List<string>();
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        Task task = WaitAsync();
        SynchronizationContext.SetSynchronizationContext(null);
        loop.Start();
        Assert.Equal((1, 0), (context.Count, seen.Count));
        context.RunAll();
        SynchronizationContext.SetSynchronizationContext(before);
        Assert.True(task.IsCompletedSuccessfully);
        Assert.Equal(["ended"], seen);

        async Task WaitAsync()
        {
            await loop.Delay(0.001);
            seen.Add("ended");
        }
    }

    // An exclusive scheduler runs one task at a time, here the one that is inside Start.
    [Theory]
    [MemberData(nameof(AllBackends))]
    public async Task In_the_task_scheduler_of_Start_the_continuation_runs_inside_Start(Backends backend)
    {
        Loop loop = NewLoop(backend);
        bool hasEnded = false;
        TaskScheduler scheduler = new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler;
        bool endedInside = await Task.Factory.StartNew(
            () =>
            {
                loop.Timer(0, 0, async (_, _) =>
                {
                    await loop.Delay(0.001);
                    Assert.Same(scheduler, TaskScheduler.Current);
                    hasEnded = true;
                }).Start();
                loop.Start();
                return hasEnded;
            },
            CancellationToken.None,
            TaskCreationOptions.None,
            scheduler);
        Assert.True(endedInside);
    }

    [Fact]
    public async Task From_another_task_scheduler_the_continuation_is_queued_to_the_captured_one()
    {
        Loop loop = NewLoop();
        SynchronizationContext.SetSynchronizationContext(null);
        TaskScheduler scheduler = new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler;
        TaskScheduler? seen = null;
        Task task = await Task.Factory.StartNew(
            async () =>
            {
                await loop.Delay(0.001);
                seen = TaskScheduler.Current;
            },
            CancellationToken.None,
            TaskCreationOptions.None,
            scheduler).ContinueWith(t => (Task)t.Result, TaskScheduler.Default);
        await Task.Run(() => loop.Start());
        await task.WaitAsync(TimeSpan.FromSeconds(Patience));
        Assert.Same(scheduler, seen);
    }

    // xunit waits for the async void methods of a test. Without the loop, none of these would ever end.
    [Fact]
    public void Xunit_does_not_wait_for_callbacks_whose_loop_does_not_run_any_more()
    {
        Loop loop = NewLoop();
        loop.Timer(0, 0, async (_, _) => await loop.Delay(10_000)).Start();
        loop.Timer(0, 0, async (_, _) => await Task.Delay(TimeSpan.FromDays(1), loop.TimeProvider)).Start();
        loop.Timer(0, 0, async (_, _) => await new TaskCompletionSource().Task).Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, Count(SynchronizationContext.Current!));

        // the number of async void methods that xunit waits for
        static int Count(SynchronizationContext context) => Assert.IsType<int>(
            System.Array.Find(
                context.GetType().GetFields(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic),
                field => field.FieldType == typeof(int))!.GetValue(context));
    }

    private static async Task WaitAsync(Loop loop, string kind)
    {
        var any = new IPEndPoint(IPAddress.Loopback, 0);

        switch (kind)
        {
            case "delay":
                await loop.Delay(0.001);
                break;
            case "provider":
                await Task.Delay(TimeSpan.FromMilliseconds(2), loop.TimeProvider);
                break;
            case "ready" or "stream":
                using (var server = new AnonymousPipeServerStream(PipeDirection.Out))
                using (var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle))
                {
                    loop.Timer(0.001, 0, (_, _) => server.WriteByte(1)).Start();

                    if (kind == "ready")
                    {
                        Assert.Equal(Events.Read, await loop.WaitAsync(client.SafePipeHandle, Events.Read));
                    }
                    else
                    {
                        await using var stream = new LoopStream(loop, client.SafePipeHandle, System.IO.FileAccess.Read);
                        Assert.Equal(1, await stream.ReadAsync(new byte[1]));
                    }
                }

                break;
            case "receive" or "datagram":
                using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
                {
                    socket.Bind(any);
                    socket.Connect(socket.LocalEndPoint!);
                    loop.Timer(0.001, 0, (_, _) => socket.Send(new byte[1])).Start();

                    if (kind == "receive")
                    {
                        Assert.Equal(1, await socket.ReceiveAsync(loop, new byte[1]));
                    }
                    else
                    {
                        Assert.Equal(1, (await socket.ReceiveFromAsync(loop, new byte[1], any)).ReceivedBytes);
                    }
                }

                break;
            case "signals":
                loop.Timer(0.001, 0, (_, _) => Ev.FeedSignal(Signum.SIGUSR2)).Start();

                await foreach (int signum in loop.Signals(Signum.SIGUSR2))
                {
                    break;
                }

                break;
            case "signal":
                loop.Timer(0.001, 0, (_, _) => Ev.FeedSignal(Signum.SIGUSR2)).Start();
                await loop.WaitForSignalAsync([Signum.SIGUSR2]);
                break;
            default:
                using (Process process = Process.Start("sleep", "0.02"))
                {
                    await loop.WaitForExitAsync(process);
                }

                break;
        }
    }
}
