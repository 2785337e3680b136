using System;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>LoopOptions, and the three constructors that take them.</summary>
public sealed class LoopOptionsTests : LoopTestBase
{
    [Fact]
    public void A_loop_has_the_values_of_its_options()
    {
        var clock = new ManualClock();
        Exception? caught = null;
        var options = new LoopOptions
        {
            Name = "chat",
            Flags = LoopFlags.NoEnv,
            Backends = Backends.Poll,
            Data = "data",
            IoInterval = 0.25,
            TimeoutInterval = 0.5,
            Clock = clock,
            CallbackException = (_, e) => caught = e.Exception,
        };
        using var loop = new Loop(options);
        Assert.Equal(("chat", Backends.Poll, "data", 0.25, 0.5), (loop.Name, loop.Backend, loop.Data, loop.IoInterval, loop.TimeoutInterval));
        Assert.Equal(clock.Now, loop.Now());
        loop.Post(() => throw new TimeZoneNotFoundException());
        loop.Start();
        Assert.IsType<TimeZoneNotFoundException>(caught);
    }

    [Fact]
    public void Null_options_are_refused_and_a_null_name_means_no_name()
    {
        Assert.Throws<ArgumentNullException>(() => new Loop(null!));
        Assert.Throws<ArgumentNullException>(() => new LoopThread((LoopOptions)null!));
        Assert.Throws<ArgumentNullException>(() => new LoopGroup(1, (LoopOptions)null!));
        using var thread = new LoopThread(null); // the constructor with a string, although the one with LoopOptions would accept null too
        using var group = new LoopGroup(1, null);
        Assert.Null(thread.Loop.Name);
        Assert.Equal("Mood.Event 0", group.Loops[0].Name);
    }

    [Fact]
    public void Wrong_times_are_refused_by_the_properties()
    {
        var options = new LoopOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.IoInterval = double.NaN);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.TimeoutInterval = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.SlowCallback = Timeout.InfiniteTimeSpan);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Blocked = TimeSpan.FromSeconds(-2));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_thread_of_a_loop_has_its_name_and_its_context_unless_it_is_switched_off(bool uses)
    {
        await using var thread = new LoopThread(new LoopOptions { Name = "chat", UseSynchronizationContext = uses });
        (string? name, SynchronizationContext? context, bool isHere) = await thread.Loop
            .InvokeAsync(() => (Thread.CurrentThread.Name, SynchronizationContext.Current, thread.Loop.IsLoopThread))
            .WaitAsync(TimeSpan.FromSeconds(Patience));
        Assert.Equal(("chat", true, false), (name, isHere, thread.Loop.IsLoopThread));
        Assert.Equal(uses ? thread.Loop.SynchronizationContext : null, context);
    }

    [Fact]
    public void The_loops_of_a_group_have_numbered_names()
    {
        using var group = new LoopGroup(2, new LoopOptions { Name = "chat" });
        Assert.Equal(("chat 0", "chat 1"), (group.Loops[0].Name, group.Loops[1].Name));
    }
}
