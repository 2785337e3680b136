using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Where an exception of a callback goes: to CallbackException, to standard error, or to the caller of Start.</summary>
public sealed class ErrorTests : AnyWatcherTestBase
{
    // -- the loop continues -------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void An_exception_in_a_callback_raises_CallbackException_and_the_loop_goes_on(string kind)
    {
        Loop loop = LoopFor(kind);
        var thrown = new InvalidTimeZoneException("thrown by the callback");
        var told = new List<(object? Sender, Watcher Watcher, Exception Exception)>();
        int after = 0;
        loop.CallbackException += (sender, e) => told.Add((sender, e.Watcher!, e.Exception));
        using var any = new AnyWatcher(loop, kind, (w, _) =>
        {
            w.Stop();
            loop.Timer(0.001, 0, (_, _) => after++).Start();
            throw thrown;
        });
        StartAndTrigger(any);
        Assert.False(loop.Start());
        Assert.Equal([(loop, any.Watcher, thrown)], told);
        Assert.Equal(1, after);
        Assert.Contains(nameof(An_exception_in_a_callback_raises_CallbackException_and_the_loop_goes_on), thrown.StackTrace, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_handler_the_exception_is_written_to_standard_error_and_the_loop_goes_on()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Timer(0, 0.001, (w, _) =>
        {
            if (++calls == 3)
            {
                w.Stop();
            }

            throw new InvalidTimeZoneException($"throw number {calls}");
        }).Start();
        string written = StandardErrorOf(() => Assert.False(loop.Start()));
        Assert.Equal(3, calls);
        Assert.Contains("Timer", written, StringComparison.Ordinal);
        Assert.Contains(nameof(InvalidTimeZoneException), written, StringComparison.Ordinal);
        Assert.Contains("throw number 1", written, StringComparison.Ordinal);
        Assert.Contains("throw number 3", written, StringComparison.Ordinal);
        Assert.Contains(nameof(Without_a_handler_the_exception_is_written_to_standard_error_and_the_loop_goes_on), written, StringComparison.Ordinal);
    }

    [Fact]
    public void When_standard_error_cannot_be_written_the_exception_leaves_Start()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException("the one that must not be lost");
        int calls = 0;
        loop.Timer(0, 0, (_, _) => throw thrown).Start();
        loop.Timer(0.01, 0, (_, _) => calls++).Start();
        TextWriter before = Console.Error;

        try
        {
            Console.SetError(new BrokenWriter());
            Assert.Same(thrown, Record.Exception(() => loop.Start()));
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Equal(0, calls);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void After_the_handler_is_removed_exceptions_go_to_standard_error_again()
    {
        Loop loop = NewLoop();
        int told = 0;
        void Handler(object? sender, CallbackExceptionEventArgs e) => told++;
        loop.CallbackException += Handler;
        loop.Timer(0, 0, (_, _) => throw new InvalidTimeZoneException("first")).Start();
        string first = StandardErrorOf(() => loop.Start());
        loop.CallbackException -= Handler;
        loop.Timer(0, 0, (_, _) => throw new InvalidTimeZoneException("second")).Start();
        string second = StandardErrorOf(() => loop.Start());
        Assert.Equal(1, told);
        Assert.Empty(first);
        Assert.Contains("second", second, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_handler_of_CallbackException_is_called()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.CallbackException += (_, _) => log.Add("first");
        loop.CallbackException += (_, _) => log.Add("second");
        loop.Timer(0, 0, (_, _) => throw new InvalidTimeZoneException()).Start();
        Assert.False(loop.Start());
        Assert.Equal(["first", "second"], log);
    }

    [Fact]
    public void An_exception_of_one_callback_does_not_prevent_the_other_callbacks_of_the_batch()
    {
        Loop loop = NewLoop();
        int calls = 0, told = 0;
        loop.CallbackException += (_, _) => told++;

        for (int i = 0; i < 5; i++)
        {
            loop.Idle((_, _) =>
            {
                calls++;
                throw new InvalidTimeZoneException();
            }).Feed(Events.Custom);
        }

        Assert.False(loop.Start());
        Assert.Equal((5, 5), (calls, told));
    }

    // -- the loop stops -----------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_fatal_watcher_s_exception_leaves_Start(string kind)
    {
        Loop loop = LoopFor(kind);
        var thrown = new InvalidTimeZoneException("fatal");
        int told = 0;
        loop.CallbackException += (_, _) => told++;
        using var any = new AnyWatcher(loop, kind, (w, _) =>
        {
            w.Stop();
            throw thrown;
        });
        any.Watcher.Fatal = true;
        StartAndTrigger(any);
        Assert.Same(thrown, Record.Exception(() => loop.Start()));
        Assert.Equal(0, told);
        Assert.Contains(nameof(A_fatal_watcher_s_exception_leaves_Start), thrown.StackTrace, StringComparison.Ordinal);
        Assert.False(loop.Start()); // the exception is not thrown again
    }

    [Fact]
    public void Fatal_can_be_set_to_false_again()
    {
        Loop loop = NewLoop();
        int told = 0;
        loop.CallbackException += (_, _) => told++;
        Timer timer = loop.Timer(0, 0, (_, _) => throw new InvalidTimeZoneException());
        timer.Fatal = true;
        timer.Start();
        Assert.Throws<InvalidTimeZoneException>(() => loop.Start());
        timer.Fatal = false;
        timer.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, told);
    }

    [Fact]
    public void The_Fatal_attribute_works_on_a_lambda_a_method_and_a_local_function()
    {
        Loop loop = NewLoop();
        loop.CallbackException += (_, _) => Assert.Fail("CallbackException was raised.");

        [Fatal]
        static void Local(Timer timer, Events revents) => throw new InvalidTimeZoneException("local");

        loop.Timer(0, 0, [Fatal] (_, _) => throw new InvalidTimeZoneException("lambda")).Start();
        Assert.Equal("lambda", Assert.Throws<InvalidTimeZoneException>(() => loop.Start()).Message);
        loop.Timer(0, 0, ThrowFatally).Start();
        Assert.Equal("method", Assert.Throws<InvalidTimeZoneException>(() => loop.Start()).Message);
        loop.Timer(0, 0, Local).Start();
        Assert.Equal("local", Assert.Throws<InvalidTimeZoneException>(() => loop.Start()).Message);
    }

    [Fact]
    public void The_Fatal_attribute_of_the_current_callback_decides()
    {
        Loop loop = NewLoop();
        int told = 0;
        loop.CallbackException += (_, _) => told++;
        Timer timer = loop.Timer(0, 0, ThrowFatally);
        timer.Callback = (_, _) => throw new InvalidTimeZoneException("plain");
        timer.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, told);
        timer.Callback = ThrowFatally;
        timer.Start();
        Assert.Throws<InvalidTimeZoneException>(() => loop.Start());
        Assert.Equal(1, told);
    }

    [Fact]
    public void An_exception_in_a_handler_stops_the_loop_and_leaves_Start()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException("in the handler");
        int later = 0;
        loop.CallbackException += (_, _) => throw thrown;
        loop.Timer(0, 0, (_, _) => throw new TimeZoneNotFoundException("in the callback")).Start();
        loop.Timer(0.01, 0, (_, _) => later++).Start();
        Assert.Same(thrown, Record.Exception(() => loop.Start()));
        Assert.Equal(0, later);
        Assert.False(loop.Start());
        Assert.Equal(1, later);
    }

    [Fact]
    public void A_handler_may_rethrow_the_exception_of_the_callback()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException();
        loop.CallbackException += (_, e) => throw e.Exception;
        loop.Timer(0, 0, (_, _) => throw thrown).Start();
        Assert.Same(thrown, Record.Exception(() => loop.Start()));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Watchers_that_are_pending_at_a_fatal_exception_stay_pending_and_are_called_in_the_next_Start(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var log = new List<int>();

        for (int priority = -1; priority <= 1; priority++)
        {
            int p = priority;
            Timer timer = loop.Timer(0, 0, (_, _) =>
            {
                log.Add(p);
                throw new InvalidTimeZoneException($"{p}");
            }, priority: p);
            timer.Fatal = true;
            timer.Start();
        }

        Assert.Equal("1", Assert.Throws<InvalidTimeZoneException>(() => loop.Start()).Message);
        Assert.Equal([1], log);
        Assert.InRange(loop.Pending, 2, 3); // io_uring has a watcher of its own for timeouts
        Assert.Equal("0", Assert.Throws<InvalidTimeZoneException>(() => loop.Start()).Message);
        Assert.Equal("-1", Assert.Throws<InvalidTimeZoneException>(() => loop.Start()).Message);
        Assert.Equal([1, 0, -1], log);
        Assert.False(loop.Start());
        Assert.Equal(3, log.Count);
    }

    [Fact]
    public void Pending_watchers_stay_pending_after_a_fatal_exception_left_Invoke()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Idle([Fatal] (_, _) => throw new InvalidTimeZoneException(), priority: 1).Feed(Events.Custom);
        loop.Idle((_, _) => calls++).Feed(Events.Custom);
        Assert.Throws<InvalidTimeZoneException>(loop.Invoke);
        Assert.Equal((0, 1), (calls, loop.Pending));
        loop.Invoke();
        Assert.Equal((1, 0), (calls, loop.Pending));
    }

    // -- nested Starts ------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_fatal_exception_leaves_every_nested_Start_even_if_a_callback_catches_it(bool swallowed)
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException("from the depth");
        var left = new List<(uint, Exception?)>();
        int later = 0;
        loop.CallbackException += (_, _) => Assert.Fail("CallbackException was raised.");

        void Level(uint depth)
        {
            loop.Timer(0, 0, (w, _) =>
            {
                Assert.Equal(depth, loop.Depth);

                if (depth == 3)
                {
                    w.Fatal = true;
                    throw thrown;
                }

                Level(depth + 1);

                try
                {
                    loop.Start();
                    Assert.Fail("Start returned.");
                }
                catch (InvalidTimeZoneException e)
                {
                    left.Add((depth, e));

                    if (!swallowed)
                    {
                        throw;
                    }
                }

                // The outer levels end too: none of them begins another Start.
                Assert.Same(thrown, Record.Exception(() => loop.Start()));
            }).Start();
        }

        Level(1);
        loop.Timer(0.5, 0, (_, _) => later++).Start(); // under Wine an exception takes long to pass three levels
        Assert.Same(thrown, Record.Exception(() => loop.Start()));
        Assert.Equal([(2, thrown), (1, thrown)], left);
        Assert.Equal((0u, 0), (loop.Depth, later));
        Assert.False(loop.Start());
        Assert.Equal(1, later);
    }

    [Theory]
    [InlineData("watcher")]
    [InlineData("method")]
    [InlineData("Callback")]
    [InlineData("handler")]
    [InlineData("reschedule")]
    public void A_fatal_exception_leaves_all_three_nested_Starts_wherever_it_was_thrown(string where)
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException("from the depth");
        var left = new List<Exception?>();
        int pending = 0;

        if (where == "handler")
        {
            loop.CallbackException += (_, _) => throw thrown;
        }

        void Nest(int depth)
        {
            loop.Timer(0, 0, (_, _) =>
            {
                if (depth == 3)
                {
                    Fail();
                    return;
                }

                Nest(depth + 1);
                left.Add(Record.Exception(() => loop.Start()));
            }).Start();
        }

        void Fail()
        {
            loop.Idle((_, _) => pending++, priority: -1).Feed(Events.Custom);

            switch (where)
            {
                case "watcher":
                    Idle idle = loop.Idle((_, _) => throw thrown);
                    idle.Fatal = true;
                    idle.Feed(Events.Custom);
                    break;
                case "method":
                    loop.Idle([Fatal] (_, _) => throw thrown).Feed(Events.Custom);
                    break;
                case "Callback":
                    loop.Callback = l =>
                    {
                        l.Callback = null;
                        throw thrown;
                    };
                    break;
                case "handler":
                    loop.Idle((_, _) => throw new TimeZoneNotFoundException()).Feed(Events.Custom);
                    break;
                default:
                    int calls = 0;
                    Scheduler scheduler = loop.Scheduler((_, now) => calls++ == 0 ? now : throw thrown, (_, _) => { });
                    scheduler.Fatal = true;
                    scheduler.Start();
                    break;
            }

            Assert.Equal(3u, loop.Depth);
            loop.Start();
            Assert.Fail("Start returned.");
        }

        Nest(1);
        Assert.Same(thrown, Record.Exception(() => loop.Start()));
        Assert.Equal([thrown, thrown], left);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, pending); // the other watcher was called either before the exception or in this Start
        Assert.False(loop.Start());
    }

    [Fact]
    public void An_exception_that_is_not_fatal_leaves_none_of_three_nested_Starts()
    {
        Loop loop = NewLoop();
        var told = new List<uint>();
        var returned = new List<bool>();
        loop.CallbackException += (_, _) => told.Add(loop.Depth);

        void Nest(int depth)
        {
            loop.Timer(0, 0, (_, _) =>
            {
                if (depth < 3)
                {
                    Nest(depth + 1);
                    returned.Add(loop.Start());
                }

                throw new InvalidTimeZoneException();
            }).Start();
        }

        Nest(1);
        Assert.False(loop.Start());
        Assert.Equal([3u, 2u, 1u], told);
        Assert.Equal([false, false], returned);
    }

    [Fact]
    public void An_exception_that_is_not_fatal_stays_inside_the_nested_Start()
    {
        Loop loop = NewLoop();
        var told = new List<string>();
        bool? inner = null;
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        loop.Timer(0, 0, (_, _) =>
        {
            loop.Timer(0, 0, (_, _) => throw new InvalidTimeZoneException("inner")).Start();
            inner = loop.Start();
        }).Start();
        Assert.False(loop.Start());
        Assert.False(inner);
        Assert.Equal(["inner"], told);
    }

    [Fact]
    public void The_first_of_several_fatal_exceptions_is_the_one_that_leaves()
    {
        Loop loop = NewLoop();
        var first = new InvalidTimeZoneException("first");
        loop.Timer(0, 0, [Fatal] (_, _) =>
        {
            loop.Timer(0, 0, [Fatal] (_, _) => throw first).Start();
            Assert.Same(first, Record.Exception(() => loop.Start()));
            throw new TimeZoneNotFoundException("second");
        }).Start();
        Assert.Same(first, Record.Exception(() => loop.Start()));
        Assert.False(loop.Start());
    }

    // -- outside Start ------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Outside_Start_a_fatal_exception_leaves_Invoke_and_any_other_raises_CallbackException(string kind)
    {
        Loop loop = LoopFor(kind);
        var thrown = new InvalidTimeZoneException();
        var told = new List<Exception>();
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        using var any = new AnyWatcher(loop, kind, (_, _) => throw thrown);
        any.Watcher.Invoke(Events.Custom);
        Assert.Equal([thrown], told);
        any.Watcher.Fatal = true;
        Assert.Same(thrown, Record.Exception(() => any.Watcher.Invoke(Events.Custom)));
        Assert.Single(told);
        Assert.False(loop.Start(RunFlags.NoWait));
    }

    // -- Events.Error -------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Events_Error_causes_no_callback_and_Start_throws_an_EventException(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0, told = 0, later = 0;
        loop.CallbackException += (_, _) => told++;
        using var any = new AnyWatcher(loop, kind, (_, _) => calls++);
        loop.Timer(0.01, 0, (_, _) => later++).Start();
        any.Watcher.Feed(Events.Error | Events.Read);
        Assert.Throws<EventException>(() => loop.Start());
        Assert.Equal((0, 0, 0), (calls, told, later));
        Assert.False(loop.Start());
        Assert.Equal((0, 0, 1), (calls, told, later));
    }

    [Theory]
    [InlineData(Backends.Poll)]
    [InlineData(Backends.Select)]
    public void An_fd_closed_under_its_Io_stops_the_Io_and_the_loop(Backends backend)
    {
        const int EBADF = 9;
        Loop loop = NewLoop(backend);
        (int read, int write) = Posix.Pipe();
        int calls = 0, later = 0;
        Io io = loop.Io(read, Events.Read, (_, _) => calls++);
        io.Start();
        loop.Timer(0.01, 0, (_, _) => later++).Start();
        loop.Start(RunFlags.NoWait);
        Posix.Close(read, write);
        EventException e = Assert.Throws<EventException>(() => loop.Start());
        Assert.Equal(EBADF, e.NativeErrorCode);
        Assert.Contains($"{read}", e.Message, StringComparison.Ordinal);
        Assert.False(io.IsActive);
        Assert.False(loop.Start());
        Assert.Equal((0, 1), (calls, later));
    }

    // -- disposing and throwing ---------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_callback_may_dispose_its_watcher_and_throw(string kind)
    {
        foreach (bool fatal in new[] { false, true })
        {
            Loop loop = LoopFor(kind);
            var thrown = new InvalidTimeZoneException();
            Exception? told = null;
            loop.CallbackException += (_, e) => told = e.Exception;
            using var any = new AnyWatcher(loop, kind, (w, _) =>
            {
                w.Dispose();
                throw thrown;
            });
            any.Watcher.Fatal = fatal;
            StartAndTrigger(any);
            Exception? left = Record.Exception(() => loop.Start());
            Assert.Same(thrown, fatal ? left : told);
            Assert.Null(fatal ? told : left);
            Assert.False(any.Watcher.IsActive);
            loop.Verify();
        }
    }

    [Fact]
    public void A_callback_may_dispose_the_loop_and_throw()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException();
        loop.Timer(0, 1, [Fatal] (_, _) =>
        {
            loop.Dispose();
            throw thrown;
        }).Start();
        Assert.Same(thrown, Record.Exception(() => loop.Start()));
        Assert.Throws<ObjectDisposedException>(() => loop.Start());
    }

    [Fact]
    public void EventException_has_the_usual_constructors()
    {
        var inner = new InvalidTimeZoneException();
        Assert.NotEmpty(new EventException().Message);
        Assert.Equal("why", new EventException("why").Message);
        Assert.Same(inner, new EventException("why", inner).InnerException);
        Assert.Equal(("why", 9), (new EventException("why", 9).Message, new EventException("why", 9).NativeErrorCode));
        Assert.Equal(0, new EventException().NativeErrorCode);
    }

    [Fatal]
    private static void ThrowFatally(Timer timer, Events revents) => throw new InvalidTimeZoneException("method");

    private static string StandardErrorOf(Action action)
    {
        TextWriter old = Console.Error;
        using var writer = new StringWriter();
        Console.SetError(writer);

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

    /// <summary>A standard error of which every write fails, as that of a process whose terminal is closed.</summary>
    private sealed class BrokenWriter : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => throw new IOException("standard error is closed");

        public override void Write(string? value) => throw new IOException("standard error is closed");

        public override void WriteLine(string? value) => throw new IOException("standard error is closed");
    }
}
