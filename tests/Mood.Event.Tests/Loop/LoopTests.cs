using System;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The constructor of Loop, the default loop, and the properties of both.</summary>
public sealed class LoopTests : LoopTestBase
{
    public static TheoryData<Backends> MissingBackends => new(
        new[] { Backends.Select, Backends.Poll, Backends.Epoll, Backends.Kqueue, Backends.DevPoll, Backends.Port, Backends.LinuxAio, Backends.IoUring }
            .Where(b => (b & Ev.SupportedBackends) == 0));

    [Theory]
    [InlineData(LoopFlags.Auto)]
    [InlineData(LoopFlags.NoInotify)]
    [InlineData(LoopFlags.SignalFd)]
    [InlineData(LoopFlags.NoSigMask)]
    [InlineData(LoopFlags.NoTimerFd)]
    [InlineData(LoopFlags.NoEnv)]
    [InlineData(LoopFlags.ForkCheck)]
    [InlineData(LoopFlags.NoInotify | LoopFlags.SignalFd | LoopFlags.NoSigMask | LoopFlags.NoTimerFd | LoopFlags.NoEnv | LoopFlags.ForkCheck)]
    public void Every_flag_makes_a_loop_that_works(LoopFlags flags)
    {
        using var loop = new Loop(flags);
        int calls = 0;
        loop.Timer(0, 0, (_, _) => calls++).Start();
        loop.Signal(Signum.SIGUSR1, (w, _) =>
        {
            calls++;
            w.Stop();
        }).Start();
        Posix.Raise(Signum.SIGUSR1);
        Assert.False(loop.Start());
        Assert.Equal(2, calls);
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(0x04000000u)]
    [InlineData(0x80000000u)]
    public void Unknown_flags_are_refused(uint flags)
    {
        Assert.Equal("flags", Assert.Throws<ArgumentException>(() => new Loop((LoopFlags)flags)).ParamName);
        Assert.Equal("flags", Assert.Throws<ArgumentException>(() => Loop.GetDefault((LoopFlags)flags)).ParamName);
    }

    [Theory]
    [InlineData(256u)]
    [InlineData(0x8000u)]
    [InlineData((uint)Backends.Mask)]
    [InlineData(0x01000000u)]
    public void Unknown_backends_are_refused(uint backends)
    {
        Assert.Equal("backends", Assert.Throws<ArgumentException>(() => new Loop(backends: (Backends)backends)).ParamName);
        Assert.Equal("backends", Assert.Throws<ArgumentException>(() => Loop.GetDefault(backends: (Backends)backends)).ParamName);
    }

    [Fact]
    public void The_message_about_a_refused_backend_does_not_name_it_among_those_that_work()
    {
        string message = Error.Event_NoBackend(Backends.IoUring, Ev.SupportedBackends, Ev.RecommendedBackends).Message;
        Assert.Equal(2, message.Split(nameof(Backends.IoUring)).Length);
        Assert.Contains("Backends.Auto", message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(MissingBackends))]
    public void A_missing_backend_is_an_error_and_the_loop_does_not_fall_back_to_another(Backends backend)
    {
        int fds = Posix.OpenFds();
        EventException e = Assert.Throws<EventException>(() => new Loop(LoopFlags.NoEnv, backend));
        Assert.NotEmpty(e.Message);
        Assert.Equal((0, 0), Live());
        Assert.Equal(fds, Posix.OpenFds());
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_loop_has_the_backend_that_was_requested_and_works(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Assert.Equal(backend, loop.Backend);

        (int read, int write) = Posix.Pipe();
        int timers = 0, bytes = 0;
        loop.Timer(0.01, 0, (_, _) =>
        {
            timers++;
            Posix.Write(write);
        }).Start();
        loop.Io(read, Events.Read, (w, _) =>
        {
            bytes += Posix.Read(read);
            w.Stop();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal((1, 1), (timers, bytes));
        Posix.Close(read, write);
    }

    [Fact]
    public void The_first_backend_that_works_is_used()
    {
        Assert.Equal(Backends.Poll, NewLoop(Backends.Poll | Backends.Port).Backend);
        Assert.Equal(Backends.Poll, NewLoop(Backends.Poll | Backends.Select).Backend);
        Assert.NotEqual(Backends.Auto, NewLoop(Backends.All).Backend);
    }

    [Fact]
    public void The_default_backend_is_a_recommended_one()
    {
        Backends backend = NewLoop().Backend;
        Assert.Equal(backend, backend & Ev.RecommendedBackends);
        Assert.NotEqual(Backends.Auto, backend);

        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(Backends.Epoll, backend);
        }
    }

    [Fact]
    public void The_constructor_throws_when_no_file_descriptor_is_left()
    {
        const int EMFILE = 24;
        Ev.Time();
        EventException? none = null, one = null;
        Posix.WithFdsLeft(0, () => none = (EventException?)Record.Exception(() => new Loop(LoopFlags.NoEnv)));
        Posix.WithFdsLeft(1, () => one = (EventException?)Record.Exception(() => new Loop(LoopFlags.NoEnv, Backends.Epoll)));

        Assert.Equal(EMFILE, Assert.IsType<EventException>(none).NativeErrorCode);
        Assert.IsType<EventException>(one); // libev alone would silently use poll
        Assert.Equal((0, 0), Live());
    }

    [Fact]
    public void The_environment_overrides_flags_and_backends_unless_NoEnv()
    {
        Posix.SetEnvironment("LIBEV_FLAGS", ((int)Backends.Poll).ToString(System.Globalization.CultureInfo.InvariantCulture));

        try
        {
            using var overridden = new Loop(LoopFlags.Auto, Backends.Select);
            using var own = new Loop(LoopFlags.NoEnv, Backends.Select);
            Assert.Equal(Backends.Poll, overridden.Backend);
            Assert.Equal(Backends.Select, own.Backend);

            Posix.SetEnvironment("LIBEV_FLAGS", ((int)Backends.Port).ToString(System.Globalization.CultureInfo.InvariantCulture));
            EventException refused = Assert.Throws<EventException>(() => new Loop());
            Assert.Contains("LIBEV_FLAGS=32", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            Posix.SetEnvironment("LIBEV_FLAGS", null);
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(-0.001)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void Intervals_are_finite_and_not_negative(double seconds)
    {
        Assert.Equal("ioInterval", Assert.Throws<ArgumentOutOfRangeException>(() => new Loop(ioInterval: seconds)).ParamName);
        Assert.Equal("timeoutInterval", Assert.Throws<ArgumentOutOfRangeException>(() => new Loop(timeoutInterval: seconds)).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => Loop.GetDefault(ioInterval: seconds));
        Assert.Throws<ArgumentOutOfRangeException>(() => Loop.GetDefault(timeoutInterval: seconds));

        Loop loop = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.IoInterval = seconds);
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.TimeoutInterval = seconds);
        Assert.Equal((0.0, 0.0), (loop.IoInterval, loop.TimeoutInterval));
    }

    [Fact]
    public void Constructor_parameters_become_properties()
    {
        object data = new();
        Action<Loop> callback = static l => l.Invoke();
        using var loop = new Loop(LoopFlags.NoEnv, Backends.Poll, callback, data, 0.25, 0.5);
        Assert.Same(data, loop.Data);
        Assert.Same(callback, loop.Callback);
        Assert.Equal((0.25, 0.5), (loop.IoInterval, loop.TimeoutInterval));

        using var spans = new Loop(
            LoopFlags.NoEnv, Backends.Poll, callback, data, TimeSpan.FromSeconds(0.25), TimeSpan.FromSeconds(0.5));
        Assert.Equal((0.25, 0.5), (spans.IoInterval, spans.TimeoutInterval));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new Loop(LoopFlags.NoEnv, Backends.Poll, null, null, TimeSpan.FromSeconds(-1), TimeSpan.Zero));

        using var plain = new Loop();
        Assert.Null(plain.Data);
        Assert.Null(plain.Callback);
        Assert.Equal((0.0, 0.0), (plain.IoInterval, plain.TimeoutInterval));
    }

    [Fact]
    public void Data_keeps_the_object_of_the_program()
    {
        Loop loop = NewLoop();
        loop.Data = "first";
        Assert.Equal("first", loop.Data);
        loop.Data = null;
        Assert.Null(loop.Data);
        loop.Dispose();
        loop.Data = 5;
        Assert.Equal(5, loop.Data);
    }

    // -- the default loop ---------------------------------------------------------------------------------------------

    [Fact]
    public void Default_is_one_object_and_the_only_default()
    {
        Loop loop = NewDefaultLoop();
        loop.Data = "the default loop's";
        Assert.Same(loop, Loop.Default);
        Assert.Same(loop, Loop.Default);
        Assert.Same(loop, Loop.GetDefault());
        Assert.True(loop.IsDefault);

        Loop other = NewLoop();
        Assert.False(other.IsDefault);
        Assert.Null(other.Data);
    }

    [Fact]
    public void GetDefault_uses_its_parameters_only_when_it_makes_the_loop()
    {
        Loop made = Loop.GetDefault(LoopFlags.NoEnv, Backends.Poll, data: "first", ioInterval: 0.25);
        Loop found = Loop.GetDefault(LoopFlags.NoEnv, Backends.Select, static _ => { }, "second", 1, 1);
        Loop spans = Loop.GetDefault(LoopFlags.NoEnv, Backends.Select, null, "third", TimeSpan.Zero, TimeSpan.Zero);

        Assert.Same(made, found);
        Assert.Same(made, spans);
        Assert.Equal(Backends.Poll, made.Backend);
        Assert.Equal("first", made.Data);
        Assert.Null(made.Callback);
        Assert.Equal((0.25, 0.0), (made.IoInterval, made.TimeoutInterval));
        made.Dispose();

        using Loop again = Loop.GetDefault(LoopFlags.NoEnv, Backends.Select, null, "third", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
        Assert.Equal(Backends.Select, again.Backend);
        Assert.Equal("third", again.Data);
        Assert.Equal((1.0, 2.0), (again.IoInterval, again.TimeoutInterval));
    }

    [Fact]
    public void The_default_loop_that_is_made_after_Dispose_has_no_old_state()
    {
        Loop first = NewDefaultLoop();
        first.Data = "old";
        first.Callback = static l => l.Invoke();
        first.IncRef();
        first.IncRef();
        int calls = 0;
        first.Idle((_, _) => calls++).Start();
        first.Timer(0, 0.001, (_, _) => calls++).Start();
        first.Periodic(0, 0.01, (_, _) => calls++).Start();
        first.Signal(Signum.SIGUSR1, (_, _) => calls++).Start();
        first.Stat("/", 0, (_, _) => calls++).Start();
        first.Child(0, false, (_, _) => calls++).Start();
        Assert.True(first.Start(RunFlags.NoWait));
        first.Dispose();
        calls = 0;

        Loop second = NewDefaultLoop();
        Assert.NotSame(first, second);
        Assert.True(second.IsDefault);
        Assert.Null(second.Data);
        Assert.Null(second.Callback);
        Assert.Equal((0u, 0u, 0), (second.Iteration, second.Depth, second.Pending));
        Ev.FeedSignal(Signum.SIGUSR1);
        Assert.False(second.Start());
        Assert.Equal(1u, second.Iteration);
        Assert.Equal(0, calls);
        Assert.Throws<InvalidOperationException>(second.DecRef);

        int fired = 0;
        second.Periodic(0, 0.01, (w, _) =>
        {
            fired++;
            w.Stop();
        }).Start();
        second.Reset();
        Assert.False(second.Start());
        Assert.Equal(1, fired);
    }

    [Fact]
    public void Threads_that_ask_at_once_get_the_same_default_loop()
    {
        var found = new Loop[8];
        using var go = new ManualResetEventSlim();
        Thread[] threads = [.. Enumerable.Range(0, found.Length).Select(i => new Thread(() =>
        {
            go.Wait();
            found[i] = Loop.GetDefault(LoopFlags.NoEnv);
        }))];
        Array.ForEach(threads, t => t.Start());
        go.Set();
        Array.ForEach(threads, t => t.Join());
        Assert.All(found, loop => Assert.Same(found[0], loop));
        found[0].Dispose();
    }

    [Fact]
    public void The_default_loop_is_refused_while_another_loop_watches_SIGCHLD()
    {
        Loop other = NewLoop();
        Signal signal = other.Signal(Signum.SIGCHLD, (_, _) => { });
        signal.Start();
        Assert.Throws<EventException>(() => Loop.GetDefault(LoopFlags.NoEnv));
        signal.Stop();
        Assert.True(NewDefaultLoop().IsDefault);
        Assert.Throws<EventException>(signal.Start);
    }

    // -- disposed -----------------------------------------------------------------------------------------------------

    [Fact]
    public void A_disposed_loop_refuses_work_and_its_plain_properties_still_work()
    {
        Loop loop = NewLoop(Backends.Poll);
        loop.IoInterval = 0.5;
        loop.Dispose();
        loop.Dispose();

        Assert.Equal(Backends.Poll, loop.Backend);
        Assert.Equal((0u, 0u, 0), (loop.Iteration, loop.Depth, loop.Pending));
        Assert.Equal(0.5, loop.IoInterval);
        Assert.False(loop.IsDefault);
        Assert.Null(loop.Callback);
        loop.Stop();

        Action[] refused =
        [
            () => loop.Start(), loop.Invoke, loop.Reset, () => loop.Now(), () => loop.Now(true), loop.Suspend, loop.Resume,
            loop.IncRef, loop.DecRef, () => loop.FeedFdEvent(0, Events.Read), () => loop.FeedSignalEvent(Signum.SIGUSR1),
            loop.Verify, () => loop.Callback = null, () => loop.IoInterval = 0, () => loop.TimeoutInterval = 0,
            () => loop.Io(0, Events.Read, (_, _) => { }), () => loop.Timer(0, 0, (_, _) => { }),
            () => loop.Periodic(0, 0, (_, _) => { }), () => loop.Scheduler((_, now) => now, (_, _) => { }),
            () => loop.Signal(Signum.SIGUSR1, (_, _) => { }), () => loop.Stat("/", 0, (_, _) => { }), () => loop.Idle(),
            () => loop.Prepare((_, _) => { }), () => loop.Check((_, _) => { }), () => loop.Fork((_, _) => { }),
            () => loop.Async((_, _) => { }), () => loop.Embed(NewLoop()), () => NewLoop().Embed(loop),
        ];
        Assert.All(refused, action => Assert.Throws<ObjectDisposedException>(action));
    }
}
