using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.Run: an asynchronous function as the program's main function.</summary>
public sealed class LoopRunTests : LoopTestBase
{
    [Theory, MemberData(nameof(AllBackends))]
    public void Run_returns_when_main_ends_and_continuations_run_on_the_loop_s_thread(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var threads = new List<int>();
        loop.Run(async () =>
        {
            threads.Add(Environment.CurrentManagedThreadId);
            await Task.Yield();
            threads.Add(Environment.CurrentManagedThreadId);
            await Task.Delay(5);
            threads.Add(Environment.CurrentManagedThreadId);
            await Task.Run(() => Thread.Sleep(5));
            threads.Add(Environment.CurrentManagedThreadId);
            Assert.Same(loop.SynchronizationContext, SynchronizationContext.Current);
        });
        Assert.Equal(Enumerable.Repeat(Environment.CurrentManagedThreadId, 4), threads);
        Assert.Equal(42, loop.Run(async () =>
        {
            await Task.Delay(1);
            return 42;
        }));
    }

    [Fact]
    public void Run_returns_if_main_ends_at_once_or_on_another_thread()
    {
        Loop loop = NewLoop();
        loop.Run(() => Task.CompletedTask);
        Assert.Equal(1, loop.Run(() => Task.FromResult(1)));
        loop.Run(() => Task.Run(() => Thread.Sleep(20)));
        loop.Run(async () => await Task.Delay(5).ConfigureAwait(false));
        Assert.Equal(0u, loop.Depth);
    }

    [Fact]
    public void Watchers_are_called_during_Run_and_neither_end_nor_prolong_it()
    {
        Loop loop = NewLoop();
        int calls = 0;
        var ended = new TaskCompletionSource();
        loop.Timer(0.001, 0.001, (w, _) =>
        {
            if (++calls == 5)
            {
                w.Stop();
                ended.SetResult();
            }
        }).Start();
        Timer far = loop.Timer(1000, 0, (_, _) => { });
        far.Start();
        loop.Run(() => ended.Task);
        Assert.Equal(5, calls);
        Assert.True(far.IsActive);

        // Run has left the reference count unchanged.
        far.Stop();
        Assert.False(loop.Start());
    }

    [Fact]
    public void A_Stop_in_a_main_that_never_waits_does_not_end_the_next_Run()
    {
        Loop loop = NewLoop();
        loop.Run(() =>
        {
            loop.Stop();
            return Task.CompletedTask;
        });
        bool over = false;
        loop.Run(async () =>
        {
            await loop.Delay(0.001);
            over = true;
        });
        Assert.True(over);
    }

    [Fact]
    public void The_exception_of_main_leaves_Run_unchanged()
    {
        Loop loop = NewLoop();
        int told = 0;
        loop.CallbackException += (_, _) => told++;
        var thrown = new InvalidTimeZoneException();
        Assert.Same(thrown, Record.Exception(() => loop.Run(() => throw thrown)));
        Assert.Same(thrown, Record.Exception(() => loop.Run(async () =>
        {
            await Task.Yield();
            throw thrown;
        })));
        Assert.Same(thrown, Record.Exception(() => loop.Run<int>(async () =>
        {
            await Task.Delay(1);
            throw thrown;
        })));
        Assert.Contains(nameof(The_exception_of_main_leaves_Run_unchanged), thrown.StackTrace, StringComparison.Ordinal);
        Assert.Throws<TaskCanceledException>(() => loop.Run(() => Task.Delay(-1, new CancellationToken(canceled: true))));
        Assert.Equal(0, told);
    }

    [Fact]
    public void Run_refuses_a_null_main_and_a_main_that_returns_null()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("main", () => loop.Run(null!));
        Assert.Throws<ArgumentNullException>("main", () => loop.Run<int>(null!));
        Assert.Contains("null", Assert.Throws<InvalidOperationException>(() => loop.Run(() => null!)).Message, StringComparison.Ordinal);
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Run(() => Task.CompletedTask));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Run_restores_the_synchronization_context(bool throws)
    {
        Loop loop = NewLoop();
        var before = new SynchronizationContext();
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(before);

        try
        {
            Exception? e = Record.Exception(() => loop.Run(async () =>
            {
                Assert.Same(loop.SynchronizationContext, SynchronizationContext.Current);
                await Task.Yield();
                Assert.Same(loop.SynchronizationContext, SynchronizationContext.Current);

                if (throws)
                {
                    throw new InvalidTimeZoneException();
                }
            }));
            Assert.Equal(throws, e is InvalidTimeZoneException);
            Assert.Same(before, SynchronizationContext.Current);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    // -- nesting ------------------------------------------------------------------------------------------------------

    [Fact]
    public void Run_is_refused_inside_a_callback_of_Start()
    {
        Loop loop = NewLoop();
        var told = new List<Exception>();
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        loop.Timer(0, 0, (_, _) => loop.Run(() => Task.CompletedTask)).Start();
        loop.Post(() => loop.Run(() => Task.CompletedTask));
        loop.Start();
        Assert.Equal(2, told.Count);
        Assert.All(told, e => Assert.Contains("Await", Assert.IsType<InvalidOperationException>(e).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Run_works_inside_another_Run()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        int result = loop.Run(async () =>
        {
            int atOnce = loop.Run(() => Task.FromResult(1));
            await Task.Yield();
            int later = loop.Run(async () =>
            {
                log.Add("inner");
                await Task.Delay(5);
                loop.Run(() => Task.Delay(1));
                return 2;
            });
            log.Add("outer");
            Assert.Same(loop.SynchronizationContext, SynchronizationContext.Current);
            await Task.Delay(1);
            return atOnce + later;
        });
        Assert.Equal(3, result);
        Assert.Equal(["inner", "outer"], log);
        Assert.Contains("Await", Assert.Throws<InvalidOperationException>(() => loop.Run(async () =>
        {
            await Task.Yield();
            loop.Post(() => loop.Stop());
            InStart(loop, () => loop.Run(() => Task.CompletedTask));
        })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_main_that_ends_while_a_nested_Start_runs_ends_Run_right_after_it()
    {
        Loop loop = NewLoop();
        var ended = new TaskCompletionSource();
        bool insideAfterEnd = false;
        loop.Timer(0, 0, (_, _) =>
        {
            loop.Timer(0.001, 0, (_, _) => ended.SetResult()).Start();
            loop.Timer(0.05, 0, (_, _) =>
            {
                insideAfterEnd = true;
                loop.Stop();
            }).Start();
            loop.Start();
        }).Start();
        loop.Run(() => ended.Task);
        Assert.True(insideAfterEnd);
    }

    [Fact]
    public void A_main_that_ends_while_a_nested_Run_runs_ends_its_Run_right_after_it()
    {
        Loop loop = NewLoop();
        var ended = new TaskCompletionSource();
        bool insideAfterEnd = false;
        loop.Timer(0, 0, (_, _) => loop.Run(async () =>
        {
            await loop.Delay(0.001);
            ended.SetResult();
            await loop.Delay(0.05);
            insideAfterEnd = true;
        })).Start();
        loop.Run(() => ended.Task);
        Assert.True(insideAfterEnd);
    }

    [Fact]
    public void Run_is_refused_on_a_loop_that_runs_on_another_thread()
    {
        Loop loop = NewLoop();
        using var running = new ManualResetEventSlim();
        var thread = new Thread(() => loop.Run(async () =>
        {
            running.Set();
            await Task.Delay(-1, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(0.2)).ContinueWith(_ => { }, TaskScheduler.Default);
        }));
        thread.Start();
        running.Wait();
        Assert.Throws<InvalidOperationException>(() => loop.Run(() => Task.CompletedTask));
        thread.Join();
    }

    // -- Run ends before main -----------------------------------------------------------------------------------------

    [Theory, InlineData(false), InlineData(true)]
    public void Stop_ends_Run_with_an_exception_and_main_may_continue_later(bool elsewhere)
    {
        Loop loop = NewLoop();
        bool went = false;
        var gate = new TaskCompletionSource();
        Func<Task> main = async () =>
        {
            if (elsewhere)
            {
                new Thread(() => loop.Stop()).Start();
            }
            else
            {
                loop.Post(() => loop.Stop());
            }

            await gate.Task;
            went = true;
        };
        Assert.Contains("stopped", Assert.Throws<InvalidOperationException>(() => loop.Run(main)).Message, StringComparison.Ordinal);
        Assert.Null(SynchronizationContext.Current as LoopSynchronizationContext);
        gate.SetResult();
        Assert.False(went);
        Assert.False(loop.Start());
        Assert.True(went);
    }

    [Fact]
    public void The_failure_of_a_main_after_Run_was_stopped_raises_CallbackException()
    {
        Loop loop = NewLoop();
        var told = new List<Exception>();
        var thrown = new InvalidTimeZoneException();
        var gate = new TaskCompletionSource();
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        Assert.Throws<InvalidOperationException>(() => loop.Run(async () =>
        {
            loop.Stop();
            await gate.Task;
            throw thrown;
        }));
        gate.SetResult();
        loop.Start();
        Assert.Same(thrown, Assert.Single(told));
    }

    [Fact]
    public void A_fatal_exception_leaves_Run()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException();
        loop.Timer(0.001, 0, [Fatal] (_, _) => throw thrown).Start();
        Assert.Same(thrown, Record.Exception(() => loop.Run(() => Task.Delay(-1))));
        loop.Run(() => Task.Delay(1));
    }

    [Fact]
    public void Dispose_in_main_ends_Run()
    {
        Loop loop = NewLoop();
        Assert.Throws<ObjectDisposedException>(() => loop.Run(async () =>
        {
            await Task.Yield();
            loop.Dispose();
            await new TaskCompletionSource().Task;
        }));

        // A Dispose at the end of main is not a failure.
        loop = NewLoop();
        loop.Run(async () =>
        {
            await Task.Yield();
            loop.Dispose();
        });
        loop = NewLoop();
        loop.Run(() =>
        {
            loop.Dispose();
            return Task.CompletedTask;
        });
        Assert.False(loop.TryPost(() => { }));
    }

    // -- continuations that outlive Run --------------------------------------------------------------------------------------------

    [Fact]
    public void Continuations_that_outlive_Run_run_in_the_next_Run()
    {
        Loop loop = NewLoop();
        var gate = new TaskCompletionSource();
        int thread = 0;
        Task background = Task.CompletedTask;
        loop.Run(() =>
        {
            background = Background();
            return Task.CompletedTask;
        });
        gate.SetResult();
        Assert.False(background.IsCompleted);
        loop.Run(() => background);
        Assert.Equal(Environment.CurrentManagedThreadId, thread);

        async Task Background()
        {
            await gate.Task;
            thread = Environment.CurrentManagedThreadId;
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Continuations_that_outlive_the_loop_raise_CallbackException(bool byHandler)
    {
        Loop loop = NewLoop();
        var told = new List<CallbackExceptionEventArgs>();
        var gate = new TaskCompletionSource();
        var inTime = new TaskCompletionSource();
        bool ran = false, lost = false;

        if (byHandler)
        {
            loop.CallbackException += (_, e) => told.Add(e);
        }

        loop.Run(() =>
        {
            _ = InTime();
            _ = Background();
            return Task.CompletedTask;
        });
        inTime.SetResult();
        loop.Dispose();
        Assert.True(ran);
        string written = StandardErrorOf(gate.SetResult);
        Assert.False(lost);

        if (byHandler)
        {
            CallbackExceptionEventArgs e = Assert.Single(told);
            Assert.Null(e.Watcher);
            Assert.Contains("continuation", Assert.IsType<ObjectDisposedException>(e.Exception).Message, StringComparison.Ordinal);
            Assert.Empty(written);
        }
        else
        {
            Assert.Contains("continuation", written, StringComparison.Ordinal);
        }

        async Task InTime()
        {
            await inTime.Task;
            ran = true;
        }

        async Task Background()
        {
            await gate.Task;
            lost = true;
        }
    }

    [Fact]
    public void An_exception_of_an_async_void_method_raises_CallbackException()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException();
        var told = new List<Exception>();
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        loop.Run(async () =>
        {
            Throw();

            while (told.Count == 0)
            {
                await Task.Yield();
            }
        });
        Assert.Same(thrown, Assert.Single(told));

#pragma warning disable CA2007, VSTHRD100, S3168 // the test is about async void
        async void Throw()
        {
            await Task.Yield();
            throw thrown;
        }
#pragma warning restore CA2007, VSTHRD100, S3168
    }

    private static void InStart(Loop loop, Action action)
    {
        Exception? thrown = null;
        loop.Timer(0, 0, (_, _) => thrown = Record.Exception(action)).Start();
        loop.Start();

        if (thrown is not null)
        {
            throw thrown;
        }
    }

    private static string StandardErrorOf(Action action)
    {
        TextWriter before = Console.Error;
        using var written = new StringWriter();
        Console.SetError(written);

        try
        {
            action();
        }
        finally
        {
            Console.SetError(before);
        }

        return written.ToString();
    }
}
