using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>What the messages of exceptions say: the object, the value, the rule and the way out.</summary>
public sealed class MessageTests : AwaitTestBase
{
    [Fact]
    public void A_stream_over_a_socket_that_is_not_connected_asks_for_a_connection()
    {
        Loop loop = NewLoop();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        string message = Assert.Throws<ArgumentException>("socket", () => new LoopStream(loop, socket)).Message;
        Assert.Contains("not connected", message, StringComparison.Ordinal);
        Assert.Contains("ConnectAsync", message, StringComparison.Ordinal);
        Assert.DoesNotContain("SocketType", message, StringComparison.Ordinal);
        using var datagram = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        message = Assert.Throws<ArgumentException>("socket", () => new LoopStream(loop, datagram)).Message;
        Assert.Contains("This one is SocketType.Dgram", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disposed_socket_is_called_a_disposed_Socket()
    {
        Loop loop = NewLoop();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Dispose();
        Assert.Contains(
            "The Socket is disposed", Assert.Throws<ArgumentException>(() => loop.Io(socket, Events.Read, (_, _) => { })).Message, StringComparison.Ordinal);
        Assert.Contains(
            "The Socket is disposed",
            Assert.Throws<ArgumentException>(() => { _ = loop.WaitAsync(socket, Events.Read); }).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_scheduler_that_computes_with_DateTimeOffset_is_told_its_own_times()
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        Loop loop = NewLoop(clock);
        Exception? thrown = null;
        loop.CallbackException += (_, e) => thrown = e.Exception;
        loop.Scheduler((_, _) => new DateTimeOffset(2026, 2, 28, 1, 0, 0, TimeSpan.FromHours(1)), (_, _) => { }).Start();
        string message = Assert.IsType<InvalidOperationException>(thrown).Message;
        Assert.Contains("2026-02-28T01:00:00.0000000+01:00", message, StringComparison.Ordinal);
        Assert.Contains("2026-03-01T12:00:00.0000000+00:00", message, StringComparison.Ordinal);
        Assert.Contains("null for never", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_Child_of_another_loop_is_sent_to_WaitForExitAsync()
    {
        Loop loop = NewLoop();
        string message = Assert.Throws<EventException>(() => loop.Child(1, trace: false, (_, _) => { })).Message;
        Assert.Contains("WaitForExitAsync", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_negative_delay_is_told_how_to_wait_without_end()
    {
        Loop loop = NewLoop();
        Assert.Contains("Timeout.InfiniteTimeSpan", Refused(-1), StringComparison.Ordinal);
        Assert.Contains("Timeout.InfiniteTimeSpan", Refused(double.PositiveInfinity), StringComparison.Ordinal);
        Assert.Contains(
            "Timeout.InfiniteTimeSpan",
            Assert.Throws<ArgumentOutOfRangeException>("delay", () => { _ = loop.Delay(TimeSpan.FromSeconds(-1)); }).Message,
            StringComparison.Ordinal);

        string Refused(double seconds) =>
            Assert.Throws<ArgumentOutOfRangeException>(nameof(seconds), () => { _ = loop.Delay(seconds); }).Message;
    }

    [Fact]
    public void A_disposed_loop_is_named()
    {
        var loop = new Loop(new LoopOptions { Name = "mail\n", Flags = LoopFlags.NoEnv });
        loop.Dispose();
        Assert.Equal("Mood.Event.Loop \"mail\\n\"", Assert.Throws<ObjectDisposedException>(() => loop.Start()).ObjectName);
        Assert.Equal("Mood.Event.Loop \"mail\\n\"", Assert.Throws<ObjectDisposedException>(() => loop.Post(() => { })).ObjectName);
        var other = new Loop(LoopFlags.NoEnv);
        other.Dispose();
        Assert.Equal("Mood.Event.Loop", Assert.Throws<ObjectDisposedException>(() => other.Start()).ObjectName);
    }

    [Fact]
    public void The_refusal_of_another_thread_lists_Spawn()
    {
        Loop loop = NewLoop();
        string? message = null;
        loop.Timer(0, 0, (_, _) =>
        {
            var thread = new Thread(() => message = Assert.Throws<InvalidOperationException>(() => loop.Now()).Message);
            thread.Start();
            thread.Join();
        }).Start();
        loop.Start();
        Assert.Contains("Loop.Spawn", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wait_that_is_awaited_twice_says_so()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            ValueTask delay = loop.Delay(0.001);
            await delay;
            AssertTwice(await Assert.ThrowsAsync<InvalidOperationException>(async () => await delay));

            // the second await begins before the first has ended, and does not disturb it
            ValueTask other = loop.Delay(0.001);
            Task first = FirstAsync(other);
            AssertTwice(await Assert.ThrowsAsync<InvalidOperationException>(async () => await other));
            await first;
        });

        static async Task FirstAsync(ValueTask task) => await task;

        static void AssertTwice(InvalidOperationException e)
        {
            Assert.Contains("awaited already", e.Message, StringComparison.Ordinal);
            Assert.Contains("AsTask", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_second_await_in_another_context_does_not_disturb_the_first()
    {
        Loop loop = NewLoop();
        var context = new OtherContext();
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        ValueTask delay = loop.Delay(0.001);
        Task first = AwaitAsync(), second = AwaitAsync();
        Assert.IsType<InvalidOperationException>(second.Exception!.InnerException); // at once, and it does not end the process
        loop.Start();
        SynchronizationContext.SetSynchronizationContext(before);
        Assert.True(first.IsCompletedSuccessfully);

        async Task AwaitAsync() => await delay;
    }

    // The wait has ended, and its first continuation is on its way to another context.
    [Fact]
    public void A_second_await_that_overtakes_the_first_makes_the_first_fail()
    {
        Loop loop = NewLoop();
        var context = new OtherContext();
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        ValueTask delay = loop.Delay(0.001);
        Task first = AwaitAsync();
        SynchronizationContext.SetSynchronizationContext(null);
        loop.Start();
        Task second = AwaitAsync();
        Assert.True(second.IsCompletedSuccessfully);
        context.RunAll();
        SynchronizationContext.SetSynchronizationContext(before);
        Assert.IsType<InvalidOperationException>(first.Exception!.InnerException);

        async Task AwaitAsync() => await delay;
    }

    [Fact]
    public void A_Stop_inside_Run_is_named_with_the_way_to_end_Run()
    {
        Loop loop = NewLoop();
        string message = Assert.Throws<InvalidOperationException>(() => loop.Run(async () =>
        {
            loop.Timer(0, 0, (_, _) => loop.Stop()).Start();
            await loop.Delay(1000);
        })).Message;
        Assert.Contains("Loop.Stop", message, StringComparison.Ordinal);
        Assert.Contains("cancel the token", message, StringComparison.Ordinal);
    }
}
