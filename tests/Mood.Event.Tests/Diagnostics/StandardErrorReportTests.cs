using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The lines that a loop without a handler of CallbackException writes to standard error.</summary>
public sealed class StandardErrorReportTests : LoopTestBase
{
    private readonly InvalidTimeZoneException _exception = new("the message");

    [Fact]
    public void The_first_exceptions_are_written_in_full_and_then_one_line_a_second()
    {
        var report = new StandardErrorReport();

        for (int i = 0; i < StandardErrorReport.MaxFull; i++)
        {
            Assert.Equal($"Mood.Event: unhandled exception in a test: {_exception}", Add(report, 100 + i * 1e-5));
        }

        for (int i = 0; i < 1000; i++)
        {
            Assert.Null(Add(report, 100.1 + i * 1e-5));
        }

        Assert.Equal(
            "Mood.Event: 1001 more unhandled exceptions in callbacks, the last one in a test: System.InvalidTimeZoneException: the message",
            Add(report, 101.01));
        Assert.Null(Add(report, 101.9));
        Assert.StartsWith("Mood.Event: 2 more unhandled exceptions", Add(report, 102.02), StringComparison.Ordinal);
    }

    [Fact]
    public void After_a_second_without_exceptions_they_are_written_in_full_again()
    {
        var report = new StandardErrorReport();

        for (int i = 0; i < StandardErrorReport.MaxFull; i++)
        {
            Add(report, 100);
        }

        Assert.Null(Add(report, 100.5));
        string? text = Add(report, 101.5);
        Assert.Equal(
            $"Mood.Event: 1 more unhandled exception in callbacks{Environment.NewLine}Mood.Event: unhandled exception in a test: {_exception}",
            text);
    }

    [Fact]
    public void Exceptions_a_second_apart_are_all_written_in_full()
    {
        var report = new StandardErrorReport();

        for (int i = 0; i < 100; i++)
        {
            Assert.StartsWith("Mood.Event: unhandled exception in a test", Add(report, i), StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_Io_whose_callback_always_throws_writes_little_and_names_the_watcher(Backends backend)
    {
        var loop = new Loop(LoopFlags.NoEnv, backend);
        (int read, int write) = Posix.Pipe();
        Posix.Write(write);
        int calls = 0;
        loop.Io(read, Events.Read, Throw, data: "the answer").Start();
        string written = StandardErrorOf(() =>
        {
            loop.Start();
            loop.Dispose();
        });
        Posix.Close(read, write);
        string[] reports = [.. written.Split('\n').Where(line => line.StartsWith("Mood.Event: ", StringComparison.Ordinal))];
        Assert.Equal(20_000, calls);
        Assert.InRange(reports.Length, StandardErrorReport.MaxFull + 1, 60);
        Assert.StartsWith($"Mood.Event: unhandled exception in the callback {nameof(StandardErrorReportTests)}.", reports[0], StringComparison.Ordinal);
        Assert.Contains(nameof(Throw), reports[0], StringComparison.Ordinal);
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $" of an Io of fd {read} (Data: the answer): System.InvalidTimeZoneException: "),
            reports[0],
            StringComparison.Ordinal);
        Assert.Contains("more unhandled exception", reports[^1], StringComparison.Ordinal);

        void Throw(Io io, Events revents)
        {
            if (++calls == 20_000)
            {
                loop.Stop();
            }

            throw _exception;
        }
    }

    [Fact]
    public void Data_whose_ToString_throws_does_not_hide_the_exception()
    {
        Loop loop = NewLoop();
        loop.Timer(0, 0, (_, _) => throw _exception, data: new Unprintable()).Start();
        string written = StandardErrorOf(() => Assert.False(loop.Start()));
        Assert.Contains("the message", written, StringComparison.Ordinal);
        Assert.Contains(nameof(Unprintable), written, StringComparison.Ordinal);
    }

    [Fact]
    public void A_posted_action_is_named()
    {
        Loop loop = NewLoop();
        loop.Post(() => throw _exception);
        string written = StandardErrorOf(() => loop.Start());
        Assert.Contains("the posted action StandardErrorReportTests.", written, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_spawned_function_is_named_before_and_after_an_await(bool awaits)
    {
        Loop loop = NewLoop();
        loop.Spawn(FailAsync);
        string written = StandardErrorOf(() => loop.Start());
        Assert.Contains("exception in the spawned function StandardErrorReportTests.", written, StringComparison.Ordinal);
        Assert.Contains(nameof(FailAsync), written, StringComparison.Ordinal);

        async Task FailAsync()
        {
            if (awaits)
            {
                await loop.Delay(0.001);
            }

            throw _exception;
        }
    }

    [Fact]
    public void The_handler_of_a_server_is_named_with_the_end_point()
    {
        Loop loop = NewLoop();
        LoopServer? server = null;
        server = LoopServer.Listen(loop, new IPEndPoint(IPAddress.Loopback, 0), ServeAsync);
        using var client = new TcpClient();
        client.Connect((IPEndPoint)server.EndPoint);
        string written = StandardErrorOf(() => loop.Start());
        Assert.Contains($"{nameof(ServeAsync)} of the LoopServer on {server.EndPoint}: ", written, StringComparison.Ordinal);
        Assert.Contains("exception in the handler StandardErrorReportTests.", written, StringComparison.Ordinal);

        async Task ServeAsync(LoopStream stream, CancellationToken token)
        {
            _ = server!.StopAsync(TimeSpan.FromSeconds(10));
            await loop.Delay(0.001);
            throw _exception;
        }
    }

    [Fact]
    public void The_arguments_of_CallbackException_have_the_same_names()
    {
        Loop loop = NewLoop();
        var names = new List<string>();
        loop.CallbackException += (_, e) => names.Add(e.ToString());
        loop.Timer(0, 0, (_, _) => throw _exception, data: 7).Start();
        loop.Post(() => throw _exception);
        loop.Spawn(() => throw _exception);
        loop.Start();
        const string Name = $"{nameof(StandardErrorReportTests)}.{nameof(The_arguments_of_CallbackException_have_the_same_names)} (lambda)";
        Assert.Equal(
            [$"the callback {Name} of a Timer (Data: 7)", $"the posted action {Name}", $"the spawned function {Name}"],
            names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_function_that_fails_too_late_and_a_callback_of_a_token_are_named()
    {
        Loop loop = NewLoop();
        var names = new ConcurrentQueue<string>();
        var late = new TaskCompletionSource();
        loop.CallbackException += (_, e) => names.Enqueue(e.ToString());
        Assert.Throws<InvalidOperationException>(() => loop.Run(MainAsync));
        Assert.Throws<InvalidTimeZoneException>(() => loop.Run(TokenAsync));
        Task call = loop.InvokeAsync(CallAsync), other = loop.InvokeAsync(() => new ValueTask(CallAsync()));
        loop.Start(RunFlags.NoWait);
        loop.Dispose();
        late.SetException(_exception);
        Assert.True(Posix.Until(() => names.Count == 4, Patience));
        LoopThread.Ignore(Task.WhenAll(call, other));
        const string Name = $"{nameof(StandardErrorReportTests)}.{nameof(A_function_that_fails_too_late_and_a_callback_of_a_token_are_named)}";
        Assert.Equal(
            ["a callback of a CancellationToken", $"the function {Name} (lambda)", $"the function {Name}.CallAsync", $"the main function {Name}.MainAsync"],
            names.Order(StringComparer.Ordinal));

        async Task MainAsync()
        {
            loop.Stop();
            await late.Task.ConfigureAwait(false);
        }

        Task TokenAsync(CancellationToken token)
        {
            token.Register(() => throw _exception);
            throw _exception; // cancels the token
        }

        async Task CallAsync() => await late.Task.ConfigureAwait(false);
    }

    private string? Add(StandardErrorReport report, double now) => report.Add(() => "a test", _exception, now);

    private static string StandardErrorOf(Action action)
    {
        TextWriter old = Console.Error;
        using var writer = new StringWriter();
        Console.SetError(TextWriter.Synchronized(writer));

        try
        {
            action();
        }
        finally
        {
            Console.SetError(old);
        }

        return writer.ToString();
    }

    private sealed class Unprintable
    {
        public override string ToString() => throw new InvalidOperationException();
    }

    [Fact]
    public void An_exception_whose_ToString_throws_is_named_and_does_not_stop_the_loop()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Timer(0, 0.001, (timer, _) =>
        {
            if (++calls == 8)
            {
                timer.Stop();
            }

            throw new UnprintableException();
        }).Start();
        string written = StandardErrorOf(() => Assert.False(loop.Start()));
        Assert.Equal(8, calls);
        Assert.Contains(nameof(UnprintableException), written, StringComparison.Ordinal);
    }
}
