using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests.Guide;

/// <summary>The code of docs/guide/debugging.md. Each test causes a problem and finds it.</summary>
public sealed class DebuggingGuide : FdTestBase
{
    [Fact]
    public async Task My_program_does_not_end()
    {
        await using var thread = new LoopThread("chat");
        Loop loop = thread.Loop;
        await loop.InvokeAsync(() => loop.Timer(1000, 1000, OnTick, "room 7").Start());
        var log = new StringWriter();

        string text = await loop.DescribeAsync(); // may be called on any thread
        log.Write(text);

        Assert.Contains("Start does not return because of:", text, StringComparison.Ordinal);
        Assert.Contains("active, DebuggingGuide.OnTick, data: room 7", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_signal_asks_a_program_that_hangs()
    {
        using var loop = new Loop();
        TextWriter error = Console.Error;
        using var written = new StringWriter();
        Console.SetError(written);

        try
        {
            Signal report = loop.Signal(Signum.SIGQUIT, (_, _) => loop.DumpTo(Console.Error));
            report.KeepAlive = false;
            report.Start();

            loop.Timer(0.01, 0, (_, _) => Ev.FeedSignal(Signum.SIGQUIT)).Start();
            loop.Timer(0.1, 0, OnTick, "the last").Start();
            loop.Start();
        }
        finally
        {
            Console.SetError(error);
        }

        Assert.Contains("Start does not return because of:", written.ToString(), StringComparison.Ordinal);
        Assert.Contains("data: the last", written.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void My_program_ends_too_early()
    {
        using var loop = new Loop();
        var log = new StringWriter();
        Timer timer = loop.Timer(1, 1, OnTick);
        timer.KeepAlive = false;
        timer.Start();

        loop.Start();
        loop.DumpTo(log); // after Start has returned

        Assert.Contains("Nothing keeps Start from returning.", log.ToString(), StringComparison.Ordinal);
        Assert.Contains("These do not keep Start from returning:", log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void My_program_uses_all_of_a_core()
    {
        using var loop = new Loop();
        _ = loop.Statistics; // starts the measuring
        (int read, int write) = NewPipe();
        Posix.Write(write, 1);
        loop.Io(read, Events.Read, OnReadable).Start();
        loop.Timer(0.1, 0, (_, _) => loop.Stop()).Start();
        loop.Start();

        LoopStatistics statistics = loop.Statistics;
        bool isBusy = statistics.Iterations > 1000;
        string text = string.Join('\n', loop.GetWatchers()); // the Io whose callback does not read

        Assert.True(isBusy);
        Assert.Contains("Io of fd", text, StringComparison.Ordinal);
        Assert.Contains("DebuggingGuide.OnReadable", text, StringComparison.Ordinal);
    }

    [Fact]
    public void My_program_is_slow()
    {
        var log = new StringWriter();

        using var loop = new Loop(new LoopOptions
        {
            SlowCallback = TimeSpan.FromMilliseconds(20),
            Blocked = TimeSpan.FromSeconds(1), // reports a callback that does not end
        });
        loop.SlowCallback += (_, e) => log.WriteLine($"{e.Method} took {e.Duration.TotalMilliseconds:0} ms: {e.Watcher}");

        loop.Timer(0, 0, OnSlow).Start();
        loop.Start();
        Assert.StartsWith("DebuggingGuide.OnSlow took ", log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task My_program_prints_nothing()
    {
        using var loop = new Loop();
        Task waiting = WaitAsync(loop); // no thread runs the loop

        string text = await loop.DescribeAsync();

        Assert.Contains("awaited by DebuggingGuide.WaitAsync", text, StringComparison.Ordinal);
        Assert.Contains("No thread runs the loop: its awaits cannot end before Start or Run is called.", text, StringComparison.Ordinal);
        loop.Dispose();
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => waiting);
    }

    private static async Task WaitAsync(Loop loop) => await loop.Delay(1);

    private static void OnTick(Timer timer, Events revents)
    {
    }

    private static void OnReadable(Io io, Events revents)
    {
    }

    private static void OnSlow(Timer timer, Events revents) => Thread.Sleep(30);
}
