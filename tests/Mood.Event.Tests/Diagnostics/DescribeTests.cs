using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The descriptions of loops and watchers: ToString, DescribeAsync, GetWatchers, DumpTo.</summary>
public sealed class DescribeTests : LoopTestBase
{
    [Fact]
    public async Task DescribeAsync_during_the_Dispose_of_the_loop_leaves_no_unobserved_exception()
    {
        string name = Guid.NewGuid().ToString();
        int unobserved = 0;
        EventHandler<UnobservedTaskExceptionEventArgs> count = (_, e) =>
            unobserved += e.Exception.ToString().Contains(name, StringComparison.Ordinal) ? 1 : 0;
        TaskScheduler.UnobservedTaskException += count;

        try
        {
            await DescribeDuringDispose(name);

            for (int i = 0; i < 5; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.Equal(0, unobserved);
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= count;
        }

        static async Task DescribeDuringDispose(string name)
        {
            var thread = new LoopThread(name, LoopFlags.NoEnv);
            using var disposed = new ManualResetEventSlim();
            thread.Loop.Post(() =>
            {
                thread.Loop.Dispose(); // deferred: until this action returns, no other thread can read the loop, and it takes no posts
                disposed.Set();
                Thread.Sleep(200);
            });
            disposed.Wait();
            Assert.Contains("disposed", await thread.Loop.DescribeAsync(), StringComparison.Ordinal);
            await thread.StopAsync();
        }
    }

    [Fact]
    public void A_timer_says_its_times_state_callback_and_data()
    {
        using var loop = new Loop(clock: new ManualClock());
        Timer timer = loop.Timer(0.5, 1, OnTick, "room 7");
        Assert.Equal("Timer every 1 s, not active, DescribeTests.OnTick, data: room 7", timer.ToString());
        timer.Start();
        Assert.Equal("Timer every 1 s, due in 0.5 s, active, DescribeTests.OnTick, data: room 7", timer.ToString());
        timer.Feed(Events.Timer);
        Assert.Contains("active, pending", timer.ToString(), StringComparison.Ordinal);
        timer.Dispose();
        Assert.Contains("disposed", timer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Control_characters_in_a_name_and_in_data_are_escaped()
    {
        using var loop = new Loop(new LoopOptions { Name = "chat\n2" });
        using Timer timer = loop.Timer(1, 0, OnTick, "a\r\nb\tc\u001b[31m");
        timer.Start();
        Assert.StartsWith(@"Loop chat\n2, ", loop.ToString(), StringComparison.Ordinal);
        Assert.EndsWith(@"data: a\r\nb\tc\x1b[31m", timer.ToString(), StringComparison.Ordinal);
        Assert.Equal(3, (await loop.DescribeAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Theory]
    [InlineData("exit 3", "exited with code 3")]
    [InlineData("kill -9 $$", "ended by signal SIGKILL (9)")]
    public void A_child_that_has_ended_says_so(string command, string expected)
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn(command);
        Child child = loop.Child(pid, trace: false, (w, _) => w.Loop.Stop());
        child.Start();
        loop.Start();
        Assert.StartsWith($"Child of pid {pid}, {expected}, active", child.ToString(), StringComparison.Ordinal);
        child.Dispose();
    }

    [Fact]
    public void A_signal_has_its_name_and_its_number()
    {
        using var loop = new Loop();
        Assert.StartsWith($"Signal SIGTERM ({Signum.SIGTERM}), not active", Describe(Signum.SIGTERM), StringComparison.Ordinal);

        if (OperatingSystem.IsLinux())
        {
            Assert.StartsWith($"Signal SIGWINCH ({Signum.SIGWINCH}), not active", Describe(Signum.SIGWINCH), StringComparison.Ordinal);
            Assert.StartsWith($"Signal {Signum.SIGRTMAX}, not active", Describe(Signum.SIGRTMAX), StringComparison.Ordinal);
        }

        string Describe(int signum) => loop.Signal(signum, (_, _) => { }).ToString();
    }

    [Fact]
    public void Lambdas_local_functions_and_async_methods_have_the_names_of_the_source()
    {
        using var loop = new Loop();
        Assert.Contains(
            nameof(DescribeTests) + "." + nameof(Lambdas_local_functions_and_async_methods_have_the_names_of_the_source) + " (lambda)",
            loop.Idle((_, _) => loop.Stop()).ToString(),
            StringComparison.Ordinal);
        Assert.EndsWith(
            nameof(Lambdas_local_functions_and_async_methods_have_the_names_of_the_source) + ".OnIdle",
            loop.Idle(OnIdle).ToString(),
            StringComparison.Ordinal);
        Assert.Equal("Main", MethodName.Readable("<Main>$"));
        Assert.Equal("Main (lambda)", MethodName.Readable("<<Main>$>b__0_0"));
        Assert.Equal("Main (lambda)", MethodName.Readable("<<Main>b__0_0>d"));
        Assert.Equal("Main.Say", MethodName.Readable("<<Main>g__Say|0_1>d"));
        Assert.Equal("List", MethodName.Readable("List`1"));
        Assert.Equal("<broken", MethodName.Readable("<broken"));

        static void OnIdle(Idle idle, Events revents)
        {
        }
    }

    [Fact]
    public void A_dump_says_first_what_keeps_Start_from_returning()
    {
        using var loop = new Loop(new LoopOptions { Name = "chat", Clock = new ManualClock() });
        Assert.Contains("Nothing keeps Start from returning.", Dump(loop), StringComparison.Ordinal);
        loop.Timer(1, 0, OnTick, new Broken()).Start();
        Timer other = loop.Timer(2, 0, OnTick);
        other.KeepAlive = false;
        other.Start();
        loop.IncRef();
        Assert.Equal(2, loop.GetWatchers().Count);
        string[] lines = Dump(loop).Split(Environment.NewLine);
        Assert.StartsWith("Loop chat, ", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(", not running, 2 watchers", lines[0], StringComparison.Ordinal);
        Assert.Equal(
            [
                "Start does not return because of:",
                "  Timer, due in 1 s, active, DescribeTests.OnTick, data: Mood.Event.Tests.DescribeTests+Broken",
                "  1 IncRef without DecRef (a LoopThread makes one)",
                "These do not keep Start from returning:",
                "  Timer, due in 2 s, active, DescribeTests.OnTick",
                string.Empty,
            ],
            lines[1..]);
    }

    [Fact]
    public async Task Another_thread_reads_which_method_waits()
    {
        await using var thread = new LoopThread("chat");
        Task serving = thread.Loop.InvokeAsync(() => ServeAsync(thread.Loop));
        string text = await thread.Loop.DescribeAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
        Assert.Contains("awaited by DescribeTests.ServeAsync", text, StringComparison.Ordinal);
        Assert.Contains("InvokeAsync calls that have not ended: DescribeTests.Another_thread_reads_which_method_waits (lambda)", text, StringComparison.Ordinal);
        Assert.Empty(await thread.Loop.InvokeAsync(thread.Loop.GetWatchers));
        Assert.Throws<InvalidOperationException>(() => thread.Loop.GetWatchers());
        await thread.StopAsync();
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => serving);
        Assert.Contains("disposed", await thread.Loop.DescribeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wait_on_a_loop_that_no_thread_runs_is_named()
    {
        using var loop = new Loop();
        Task serving = ServeAsync(loop);
        loop.Post(() => { });
        string text = await Task.Run(loop.DescribeAsync).WaitAsync(TimeSpan.FromSeconds(Patience));
        Assert.Contains("awaited by DescribeTests.ServeAsync", text, StringComparison.Ordinal);
        Assert.Contains("No thread runs the loop: its awaits cannot end", text, StringComparison.Ordinal);
        Assert.Contains("Posted actions that wait: DescribeTests.A_wait_on_a_loop_that_no_thread_runs_is_named (lambda)", text, StringComparison.Ordinal);
        loop.Dispose();
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => serving);
    }

    [Fact]
    public void A_timer_of_the_TimeProvider_is_described_by_its_callback_or_by_its_effect()
    {
        using var loop = new Loop(clock: new ManualClock());
        TimeProvider time = loop.TimeProvider;
        using ITimer own = time.CreateTimer(OnTimer, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        using var source = new CancellationTokenSource(TimeSpan.FromSeconds(2), time);
        using var periodic = new PeriodicTimer(TimeSpan.FromSeconds(3), time);
        Task delay = Task.Delay(TimeSpan.FromSeconds(4), time);
        Assert.Equal(
            [
                "  Timer every 3 s, due in 3 s, active, wakes a PeriodicTimer",
                "  Timer, due in 1 s, active, DescribeTests.OnTimer",
                "  Timer, due in 2 s, active, cancels a CancellationTokenSource",
                "  Timer, due in 4 s, active, ends a Task.Delay or WaitAsync",
            ],
            Dump(loop).Split(Environment.NewLine).Where(line => line.Contains("Timer", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.False(delay.IsCompleted);
    }

    [Fact]
    public void Data_that_describes_its_watcher_does_not_overflow_the_stack()
    {
        using var loop = new Loop(clock: new ManualClock());
        Timer timer = loop.Timer(1, 0, OnTick);
        timer.Start();
        timer.Data = timer;
        Assert.Equal("Timer, due in 1 s, active, DescribeTests.OnTick, data: Timer, due in 1 s, active, DescribeTests.OnTick", timer.ToString());
        timer.Data = new Session("room 7", timer);
        Assert.Contains("Name = room 7, Timer = Timer, due in 1 s", Dump(loop), StringComparison.Ordinal);
        timer.Data = new Described(() => Dump(loop));
        Assert.Contains("data: Loop, ", Dump(loop), StringComparison.Ordinal);
        timer.Data = new Described(() =>
        {
            loop.Dispose();
            return "disposed by its data";
        });
        Assert.Contains("disposed by its data", Dump(loop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_description_on_another_thread_does_not_keep_the_loop_s_thread_from_using_it()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        using var inside = new ManualResetEventSlim();
        using var used = new ManualResetEventSlim();
        loop.Timer(60, 0, OnTick, new Described(() =>
        {
            inside.Set();
            return used.Wait(TimeSpan.FromSeconds(Patience)).ToString();
        })).Start();
        Task<string> description = Task.Run(loop.DescribeAsync);
        Assert.True(inside.Wait(TimeSpan.FromSeconds(Patience)));
        loop.Start(RunFlags.NoWait);
        Assert.True(loop.TryClaim(out Loop.Claim claim)); // this thread is still the home of the loop
        claim.Dispose();
        used.Set();
        Assert.Contains("data: True", await description.WaitAsync(TimeSpan.FromSeconds(Patience)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_dump_names_the_main_function_what_was_spawned_and_what_was_posted()
    {
        using var loop = new Loop();
        string dump = string.Empty;
        loop.Run(MainAsync);
        string[] lines = dump.Split(Environment.NewLine);
        Assert.Contains("  Run of DescribeTests.A_dump_names_the_main_function_what_was_spawned_and_what_was_posted.MainAsync", lines);
        Assert.Contains("  spawned functions that have not ended: DescribeTests.A_dump_names_the_main_function_what_was_spawned_and_what_was_posted.SpawnedAsync (2 times)", lines);
        Assert.Contains("Posted actions that wait: DescribeTests.Nothing, DescribeTests.Take (2 times)", lines);

        async Task MainAsync()
        {
            Task[] spawned = [loop.Spawn(SpawnedAsync), loop.Spawn(SpawnedAsync)];
            await loop.Delay(0.02);
            loop.Post(Nothing);
            loop.Post(Take, 1);
            loop.Post(Take, 1);
            dump = Dump(loop);
            await Task.WhenAll(spawned);
        }

        async Task SpawnedAsync() => await loop.Delay(0.2);
    }

    private static void Nothing()
    {
    }

    private static void Take(int number)
    {
    }

    private static string Dump(Loop loop)
    {
        var writer = new StringWriter();
        loop.DumpTo(writer);
        return writer.ToString();
    }

    private static async Task ServeAsync(Loop loop) => await loop.Delay(1000);

    private static void OnTick(Timer timer, Events revents)
    {
    }

    private static void OnTimer(object? state)
    {
    }

    private sealed record Session(string Name, Timer Timer);

    private sealed class Described(Func<string> describe)
    {
        public override string ToString() => describe();
    }

    private sealed class Broken
    {
        public override string ToString() => throw new NotSupportedException();
    }
}
