using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests.Guide;

/// <summary>The code of docs/guide/testing.md: the classes under test, and their tests.</summary>
public sealed class TestingGuide : LoopTestBase
{
    public sealed class Session : IDisposable
    {
        private readonly Timer _idle;

        public Session(Loop loop, double timeout)
        {
            _idle = loop.Timer(timeout, timeout, (_, _) => Dispose());
            _idle.Start();
        }

        public bool IsOpen { get; private set; } = true;

        public void OnMessage() => _idle.Reset();

        public void Dispose()
        {
            IsOpen = false;
            _idle.Dispose();
        }
    }

    public static class Retry
    {
        public static async Task<T> WithBackoff<T>(Func<Task<T>> action, int attempts, TimeProvider time)
        {
            for (int i = 1; ; i++)
            {
                try
                {
                    return await action();
                }
                catch (IOException) when (i < attempts)
                {
                    await Task.Delay(TimeSpan.FromSeconds(1 << i), time);
                }
            }
        }
    }

    public sealed class LoopFixture : IDisposable
    {
        private readonly List<Exception> _errors = [];

        public LoopFixture()
        {
            Loop = new Loop(clock: Clock);
            Loop.CallbackException += (_, e) => _errors.Add(e.Exception);
        }

        public ManualClock Clock { get; } = new();

        public Loop Loop { get; }

        // runs the loop until the clock has moved; an exception of a callback fails the test
        public void Advance(double seconds)
        {
            Clock.Advance(Loop, seconds);

            if (_errors.Count > 0)
            {
                throw new AggregateException(_errors);
            }
        }

        public void Dispose() => Loop.Dispose();
    }

    public sealed class SessionTests : IDisposable
    {
        private readonly LoopFixture _fixture = new(); // xunit makes a new instance of the class for each test

        public void Dispose() => _fixture.Dispose();

        [Fact]
        public void A_session_is_closed_after_a_minute_without_a_message()
        {
            var session = new Session(_fixture.Loop, timeout: 60);
            _fixture.Advance(59);
            session.OnMessage();
            _fixture.Advance(59);
            Assert.True(session.IsOpen);
            _fixture.Advance(1);
            Assert.False(session.IsOpen);
        }
    }

    public sealed class RetryTests : IDisposable
    {
        private readonly LoopFixture _fixture = new();

        public void Dispose() => _fixture.Dispose();

        [Fact]
        public void It_waits_twice_as_long_each_time()
        {
            var calls = new List<double>();
            double start = _fixture.Clock.Now;
            Task<string> task = _fixture.Loop.InvokeAsync(() => Retry.WithBackoff(Fetch, 4, _fixture.Loop.TimeProvider));

            Task<string> Fetch()
            {
                calls.Add(_fixture.Clock.Now - start);
                return calls.Count < 4 ? throw new IOException("not yet") : Task.FromResult("done");
            }

            _fixture.Advance(3600);
            Assert.Equal([0, 2, 6, 14], calls);
            Assert.True(task.IsCompletedSuccessfully);
        }
    }

    [Fact]
    public void One_leap_or_step_by_step()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        var calls = new List<double>();
        double start = clock.Now;
        loop.Timer(1, 1, (_, _) => calls.Add(loop.Now() - start)).Start();

        clock.Advance(loop, 3);               // calls the timer at 1, 2 and 3

        clock.Advance(10);                    // one step: no callback runs yet
        loop.Start(RunFlags.NoWait);          // runs one iteration, with one call at 13

        Assert.Equal([1, 2, 3, 13], calls);
    }

    [Fact]
    public void The_wall_clock()
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 3, 29, 0, 0, 0, TimeSpan.Zero));
        Loop loop = NewLoop(clock);
        int backups = 0, pings = 0;
        loop.Periodic(3 * 3600, 86400, (_, _) => backups++).Start(); // at three
        loop.Timer(7200, 0, (_, _) => pings++).Start();

        clock.SetUtcNow(clock.UtcNow.AddHours(2.5)); // sets the wall clock
        clock.Advance(loop, TimeSpan.FromHours(1));

        Assert.Equal((1, 0), (backups, pings));
    }

    [Fact]
    public void A_job_at_nine_follows_summer_time()
    {
        TimeZoneInfo berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        var clock = new ManualClock(new DateTimeOffset(2026, 3, 28, 0, 0, 0, TimeSpan.Zero)); // summer time begins on the 29th
        using var loop = new Loop(clock: clock);
        var runs = new List<string>();

        loop.Scheduler((_, now) => NextNine(now, berlin), (_, _) => runs.Add($"{loop.UtcNow:MM-dd HH:mm}")).Start();
        clock.Advance(loop, TimeSpan.FromDays(3));
        Assert.Equal(["03-28 08:00", "03-29 07:00", "03-30 07:00"], runs); // UTC
    }

    private static DateTimeOffset? NextNine(DateTimeOffset now, TimeZoneInfo zone)
    {
        DateTime nine = TimeZoneInfo.ConvertTime(now, zone).Date.AddHours(9);
        var today = new DateTimeOffset(nine, zone.GetUtcOffset(nine));
        nine = nine.AddDays(1);
        return today > now ? today : new DateTimeOffset(nine, zone.GetUtcOffset(nine));
    }

    [Fact]
    public void Real_io()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        (int read, int write) = Posix.Pipe();
        int received = 0;
        loop.Timer(30, 30, (_, _) => received = -1).Start();
        Io io = loop.Io(read, Events.Read, (w, _) =>
        {
            received = Posix.Read(read);
            w.Stop();
        });
        io.Start();
        var sender = new Thread(() =>
        {
            Thread.Sleep(30);
            Posix.Write(write);
        });
        sender.Start();

        loop.Start(); // waits for the sender and not for the timer: returns once only timers are left

        Assert.Equal(1, received);
        sender.Join();
        Posix.Close(read, write);
    }

    [Fact]
    public void A_wait_in_a_main_function()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        double before = clock.Now;

        loop.Run(async () =>
        {
            Task wait = loop.Delay(5).AsTask();
            clock.Advance(loop, 5);
            await wait;
        });

        Assert.Equal(5, clock.Now - before, 6);
    }

    [Fact]
    public async Task A_loop_on_its_own_thread()
    {
        var clock = new ManualClock();
        await using var thread = new LoopThread(clock: clock);

        Task work = Task.Delay(TimeSpan.FromMinutes(5), thread.Loop.TimeProvider);
        clock.Advance(300); // wakes the loop
        await work;

        Assert.Equal(new DateTimeOffset(2000, 1, 1, 0, 5, 0, TimeSpan.Zero), thread.Loop.TimeProvider.GetUtcNow());
    }
}
