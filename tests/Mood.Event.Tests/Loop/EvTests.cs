using System;
using System.Diagnostics;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Ev: versions, backends, the wall clock, Sleep and FeedSignal.</summary>
public sealed class EvTests : LoopTestBase
{
    [Fact]
    public void AbiVersion_is_the_version_of_libev_s_interface() => Assert.Equal((4, 33), Ev.AbiVersion);

    [Fact]
    public void Version_is_the_version_of_the_package_without_metadata() => Assert.Matches(@"^\d+\.\d+\.\d+(-[\w.]+)?$", Ev.Version);

    [Fact]
    public void Recommended_backends_are_supported_ones_without_the_experimental_ones()
    {
        Assert.Equal(Ev.RecommendedBackends, Ev.RecommendedBackends & Ev.SupportedBackends);
        Assert.Equal(Backends.Auto, Ev.RecommendedBackends & (Backends.IoUring | Backends.LinuxAio));
        Assert.NotEqual(Backends.Auto, Ev.RecommendedBackends);
    }

    [Fact]
    public void Embeddable_backends_leave_out_io_uring() =>
        Assert.Equal(Backends.Auto, Ev.EmbeddableBackends & (Backends.IoUring | Backends.Select | Backends.Poll));

    [Fact]
    public void Time_is_the_wall_clock()
    {
        double before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        double time = Ev.Time();
        double after = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 1) / 1000.0;
        Assert.InRange(time, before, after);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(86400.1)]
    [InlineData(double.PositiveInfinity)]
    public void Sleep_refuses_NaN_and_more_than_a_day(double seconds) => Assert.Throws<ArgumentOutOfRangeException>(() => Ev.Sleep(seconds));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NegativeInfinity)]
    public void Sleep_returns_at_once(double seconds)
    {
        var watch = Stopwatch.StartNew();
        Ev.Sleep(seconds);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 1);
    }

    [Fact]
    public void Signals_do_not_shorten_Sleep()
    {
        Loop loop = NewLoop();
        loop.Signal(Signum.SIGUSR1, (_, _) => { }).Start(); // so that the signal does not end the process
        using var end = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            while (!end.Wait(5))
            {
                Posix.Raise(Signum.SIGUSR1);
            }
        });
        thread.Start();
        var watch = Stopwatch.StartNew();
        Ev.Sleep(TimeSpan.FromMilliseconds(50));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.05, Patience);
        end.Set();
        thread.Join(); // before the loop is disposed
    }

    [Fact]
    public void Sleep_refuses_an_infinite_time() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Ev.Sleep(System.Threading.Timeout.InfiniteTimeSpan));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void FeedSignal_refuses_numbers_that_are_no_signal(int signum) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Ev.FeedSignal(signum));

    [Fact]
    public void FeedSignal_of_a_signal_without_watchers_does_nothing() => Ev.FeedSignal(Signum.SIGUSR2);

    [Fact]
    public void FeedSignal_reaches_the_watcher_from_another_thread()
    {
        Loop loop = NewLoop();
        Events seen = Events.None;
        loop.Signal(Signum.SIGUSR1, (w, e) =>
        {
            seen = e;
            w.Stop();
        }).Start();

        var thread = new System.Threading.Thread(() => Ev.FeedSignal(Signum.SIGUSR1));
        thread.Start();
        Assert.False(loop.Start());
        thread.Join();
        Assert.Equal(Events.Signal, seen);
    }
}
