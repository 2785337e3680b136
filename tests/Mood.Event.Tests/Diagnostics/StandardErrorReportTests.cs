using System;
using System.Globalization;
using System.IO;
using System.Linq;
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
