using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The loop's thread calls every action that any thread posts, once and in order.</summary>
public sealed class PostTests : LoopTestBase
{
    // The type initializer of Slow posts to this loop.
    private static Loop? s_loop;

    [Theory, MemberData(nameof(AllBackends))]
    public void An_action_that_another_thread_posts_wakes_the_loop_and_is_called(Backends backend)
    {
        Loop loop = NewLoop(backend);
        loop.IncRef();
        int posted = 0, called = 0;
        Thread other = OnThread(() =>
        {
            Thread.Sleep(20);
            posted = Environment.CurrentManagedThreadId;
            loop.Post(() =>
            {
                called = Environment.CurrentManagedThreadId;
                loop.DecRef();
            });
        });
        Assert.False(loop.Start());
        other.Join();
        Assert.Equal(Environment.CurrentManagedThreadId, called);
        Assert.NotEqual(posted, called);
    }

    [Fact]
    public void The_type_initializer_of_a_state_may_wait_for_another_thread_that_posts()
    {
        s_loop = NewLoop();
        int calls = 0;

        for (int i = 0; i < 2; i++)
        {
            s_loop.Post(static state => state.Next(), new Slow(() => calls++));
        }

        s_loop.Start(RunFlags.NoWait);
        Assert.Equal((2, 1), (calls, Slow.Posts));
    }

    [Fact]
    public void Actions_with_and_without_states_of_any_type_are_called_in_the_order_of_posting()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.Post(() => log.Add("action"));
        loop.Post(s => log.Add(s), "string");
        loop.Post(n => log.Add($"number {n}"), 7);
        loop.Post(s => log.Add(s), "another string");
        loop.Post(t => log.Add($"{t.A} {t.B}"), (A: 1.5, B: "tuple"));
        Assert.True(loop.TryPost(() => log.Add("tried")));
        Assert.True(loop.TryPost(n => log.Add($"number {n}"), 8));
        loop.Post<object?>(o => log.Add(o is null ? "null" : "?"), null);
        Assert.Empty(log);
        Assert.False(loop.Start());
        Assert.Equal(["action", "string", "number 7", "another string", "1.5 tuple", "tried", "number 8", "null"], log);
    }

    [Fact]
    public void Actions_of_sixteen_threads_are_called_once_each_in_the_order_of_their_thread()
    {
        const int Producers = 16, Items = 20_000;
        Loop loop = NewLoop();
        int[] next = new int[Producers];
        int wrong = 0, total = 0;
        loop.IncRef();
        Thread[] threads = [.. Enumerable.Range(0, Producers).Select(n => OnThread(() =>
        {
            for (int i = 0; i < Items; i++)
            {
                // Posts of all three kinds keep one order.
                switch (i % 3)
                {
                    case 0:
                        int number = i;
                        loop.Post(() => Check(n, number));
                        break;
                    case 1:
                        loop.Post(t => Check(t.n, t.i), (n, i));
                        break;
                    default:
                        loop.Post(t => Check(t[0], t[1]), new[] { n, i });
                        break;
                }
            }
        }))];
        loop.Start();
        Array.ForEach(threads, t => t.Join());
        Assert.Equal((0, Producers * Items), (wrong, total));
        Assert.All(next, n => Assert.Equal(Items, n));

        void Check(int producer, int number)
        {
            wrong += next[producer]++ == number ? 0 : 1;

            if (++total == Producers * Items)
            {
                loop.DecRef();
            }
        }
    }

    [Fact]
    public void Bursts_of_every_size_and_mixture_keep_their_order()
    {
        Loop loop = NewLoop();
        var random = new Random(1);
        int posted = 0, called = 0, wrong = 0;

        // Some bursts are longer than the spare pieces of the queue, and the next burst is then much shorter. A nested Start
        // interrupts some bursts.
        for (int i = 0; i < 200; i++)
        {
            int size = i % 20 == 0 ? 200_000 : random.Next(1, 1 << random.Next(1, 14));
            int kinds = random.Next(1, 4), interrupted = random.Next(0, size * 2);

            for (int k = 0; k < size; k++)
            {
                int number = posted++;

                switch (random.Next(kinds))
                {
                    case 0 when k == interrupted:
                        loop.Post(() =>
                        {
                            Check(number);
                            loop.Start(RunFlags.NoWait);
                        });
                        break;
                    case 0:
                        loop.Post(() => Check(number));
                        break;
                    case 1:
                        loop.Post(Check, number);
                        break;
                    default:
                        loop.Post(t => Check((int)t.Item2), ("", (long)number));
                        break;
                }
            }

            loop.Start(RunFlags.NoWait);
        }

        Assert.Equal((0, posted), (wrong, called));

        void Check(int number) => wrong += called++ == number ? 0 : 1;
    }

    [Fact]
    public void An_action_that_is_posted_before_Start_or_after_Stop_runs_in_the_next_Start()
    {
        Loop loop = NewLoop();
        var log = new List<int>();
        loop.Post(() => log.Add(1));
        Assert.False(loop.Start(RunFlags.NoWait));
        loop.IncRef();
        loop.Post(() =>
        {
            log.Add(2);
            loop.Stop();
        });
        loop.Post(() => log.Add(3)); // runs in this Start too, because a Stop ends Start after the batch
        Assert.True(loop.Start());
        Assert.Equal([1, 2, 3], log);
        loop.Post(() => log.Add(4));
        Assert.Equal([1, 2, 3], log);
        Assert.True(loop.Start(RunFlags.Once));
        Assert.Equal([1, 2, 3, 4], log);
    }

    [Fact]
    public void Actions_that_a_thread_has_posted_run_in_its_next_Start_while_other_threads_keep_posting()
    {
        Loop loop = NewLoop();
        bool over = false;
        int others = 0;
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(_ => OnThread(() =>
        {
            while (!Volatile.Read(ref over))
            {
                loop.Post(() => others++);
            }
        }))];
        int calls = 0, rounds = 0, inTime = 0;

        // The thread that posted the first item must wake the loop, and may be preempted before it does. This Start must still
        // run the action.
        for (double end = Ev.Time() + 2; Ev.Time() < end; rounds++)
        {
            int before = calls;
            loop.Post(() => calls++);
            loop.Start(RunFlags.NoWait);
            inTime += calls - before;
        }

        Volatile.Write(ref over, true);
        Array.ForEach(threads, t => t.Join());
        loop.Start();
        Assert.Equal(rounds, inTime);
        Assert.InRange(others, 1, int.MaxValue);
    }

    [Fact]
    public void A_posted_action_does_not_keep_Start_from_returning()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Post(() => loop.Post(() => calls++));
        Assert.False(loop.Start());
        Assert.Equal(0, calls);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_Reset_loses_no_posted_action(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;

        for (int i = 0; i < 20; i++)
        {
            loop.Post(() => calls++);
            loop.Reset();
            loop.Post(() => calls++);
            loop.Start();
            loop.Post(() => calls++);
            loop.Post(loop.Reset);
            loop.Post(() => calls++);
            loop.Start();
        }

        Assert.Equal(80, calls);
    }

    [Fact]
    public void An_action_that_an_action_posts_waits_until_the_loop_has_handled_its_io()
    {
        Loop loop = NewLoop();
        (int read, int write) = Posix.Pipe();
        Posix.Write(write);
        int posts = 0, postsAtIo = -1;
        loop.Io(read, Events.Read, (w, _) =>
        {
            postsAtIo = posts;
            w.Stop();
            loop.Stop();
        }).Start();
        loop.Post(Again);
        Assert.False(loop.Start());
        Assert.InRange(postsAtIo, 0, 3);
        Posix.Close(read, write);

        void Again()
        {
            posts++;
            loop.Post(Again);
        }
    }

    [Fact]
    public void A_nested_Start_in_an_action_calls_the_later_actions_in_order()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.IncRef();
        loop.Post(() =>
        {
            log.Add("1");
            loop.Post(() =>
            {
                log.Add("4, posted by 1");
                loop.Stop(); // the nested Start
            });
            Assert.True(loop.Start());
            log.Add("1 ends");
        });
        loop.Post(() => log.Add("2"));
        loop.Post(() => log.Add("3"));
        Timer end = loop.Timer(0.05, 0, (_, _) => loop.Stop());
        end.Start();
        loop.Start();
        Assert.Equal(["1", "2", "3", "4, posted by 1", "1 ends"], log);
    }

    [Fact]
    public void A_burst_wakes_the_loop_once()
    {
        Loop loop = NewLoop();
        loop.Start(RunFlags.NoWait);
        int calls = 0;

        for (int i = 0; i < 1000; i++)
        {
            loop.Post(() => calls++);
        }

        uint before = loop.Iteration;
        loop.IncRef();
        loop.Start(RunFlags.Once);
        Assert.Equal(1000, calls);
        Assert.Equal(1u, loop.Iteration - before);

        // No wake is left in the loop. Only the kernel may add an iteration, if it ends the wait slightly before the timer is
        // due.
        before = loop.Iteration;
        loop.Timer(0.05, 0, (_, _) => loop.Stop()).Start();
        loop.Start();
        Assert.InRange(loop.Iteration - before, 1u, 3u);
    }

    [Fact]
    public void Only_the_first_post_after_the_loop_has_taken_the_queue_wakes_the_loop()
    {
        Loop loop = NewLoop();
        var queue = new PostQueue();
        int calls = 0;

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(PostQueue.Answer.First, queue.Add(() => calls++));
            Assert.Equal(PostQueue.Answer.Further, queue.Add(() => calls++));
            Assert.Equal(PostQueue.Answer.Further, queue.Add(_ => calls++, i));
            Assert.False(queue.RunAll(loop));
        }

        Assert.Equal(9, calls);
        Assert.True(queue.Close());
        Assert.False(queue.Close());
        Assert.Equal(PostQueue.Answer.Refused, queue.Add(() => calls++));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_post_to_an_embedded_loop_wakes_the_outer_loop(bool byCallback)
    {
        Loop outer = NewLoop();
        Loop inner = NewLoop(Backends.Epoll);
        int called = 0;
        Embed embed = outer.Embed(inner, byCallback ? (w, _) => w.Sweep() : null);
        embed.Start();
        Thread other = OnThread(() => inner.Post(() =>
        {
            called = Environment.CurrentManagedThreadId;
            inner.Post(() => outer.Stop());
        }));
        Assert.True(outer.Start());
        other.Join();
        Assert.Equal(Environment.CurrentManagedThreadId, called);
        embed.Dispose();
    }

    [Fact]
    public void If_Loop_Callback_lets_another_thread_call_Invoke_the_posted_actions_run_on_that_thread()
    {
        Loop loop = NewLoop();
        int called = 0, other = 0;
        loop.Callback = l => OnThread(() =>
        {
            other = Environment.CurrentManagedThreadId;
            l.Invoke();
        }).Join();
        loop.Post(() => called = Environment.CurrentManagedThreadId);
        loop.Start();
        Assert.Equal(other, called);
    }

    [Fact]
    public void A_reschedule_function_may_post()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Scheduler scheduler = loop.Scheduler(
            (_, now) =>
            {
                loop.Post(() => calls++);
                return now + 0.001;
            },
            (w, _) => w.Stop());
        scheduler.Start();
        loop.Start();
        loop.Start();
        Assert.InRange(calls, 1, 3);
    }

    [Fact]
    public void A_finalizer_may_post()
    {
        Loop loop = NewLoop();
        var threads = new List<int>();
        int calls = 0;
        Abandon(() =>
        {
            lock (threads)
            {
                threads.Add(Environment.CurrentManagedThreadId);
            }

            loop.Post(() => calls++);
        });
        Collect();
        loop.Start();
        Assert.Equal(1, calls);
        Assert.NotEqual(Environment.CurrentManagedThreadId, Assert.Single(threads));
    }

    [Fact]
    public void A_finalizer_is_refused_when_its_loop_was_finalized_before_it()
    {
        bool? accepted = null;
        AbandonBoth(loop => accepted = loop.TryPost(() => { }));

        for (int i = 0; i < 10 && accepted is null; i++)
        {
            Collect();
        }

        // The runtime decides the order of the finalizers. If the loop's finalizer runs first, the post is refused. Otherwise it
        // is accepted.
        Assert.NotNull(accepted);
    }

    [Fact]
    public void An_abandoned_loop_is_collected_with_its_posted_actions()
    {
        WeakReference state = AbandonWithPost();

        for (int i = 0; i < 10 && state.IsAlive; i++)
        {
            Collect();
        }

        Assert.False(state.IsAlive);
    }

    [Fact]
    public void An_action_that_was_called_is_not_kept_alive()
    {
        Loop loop = NewLoop();
        WeakReference[] states = PostObjects(loop);
        Assert.False(loop.Start());
        Collect();
        Assert.All(states, s => Assert.False(s.IsAlive));
    }

    // -- exceptions ---------------------------------------------------------------------------------------------------

    [Fact]
    public void An_exception_of_an_action_raises_CallbackException_and_the_other_actions_are_called()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException("posted");
        var told = new List<CallbackExceptionEventArgs>();
        int calls = 0;
        loop.CallbackException += (sender, e) =>
        {
            Assert.Same(loop, sender);
            told.Add(e);
        };
        loop.Post(() => throw thrown);
        loop.Post(_ => throw thrown, 1);
        loop.Post(() => calls++);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.Equal([thrown, thrown], told.Select(e => e.Exception));
        Assert.All(told, e => Assert.Null(e.Watcher));
    }

    [Fact]
    public void Without_a_handler_the_exception_of_an_action_is_written_to_standard_error()
    {
        Loop loop = NewLoop();
        loop.Post(() => throw new InvalidTimeZoneException("posted"));
        TextWriter before = Console.Error;
        using var written = new StringWriter();
        Console.SetError(written);

        try
        {
            Assert.False(loop.Start());
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Contains("posted", written.ToString(), StringComparison.Ordinal);
        Assert.Contains(nameof(InvalidTimeZoneException), written.ToString(), StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_fatal_exception_of_an_action_leaves_Start_and_the_later_actions_run_in_the_next_Start(bool byHandler)
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException("fatal");
        var log = new List<int>();

        if (byHandler)
        {
            loop.CallbackException += (_, _) => throw thrown;
            loop.Post(() => throw new InvalidOperationException());
        }
        else
        {
            loop.Post([Fatal] () => throw thrown);
        }

        loop.Post(() => log.Add(1));
        loop.Post(n => log.Add(n), 2);
        Assert.Same(thrown, Record.Exception(() => loop.Start()));
        Assert.Empty(log);
        loop.Post(() => log.Add(3));
        Assert.False(loop.Start());
        Assert.Equal([1, 2, 3], log);
    }

    [Fact]
    public void A_fatal_exception_of_an_action_leaves_nested_Starts_and_loses_no_action()
    {
        Loop loop = NewLoop();
        var thrown = new InvalidTimeZoneException("fatal");
        var log = new List<int>();
        loop.Post(() =>
        {
            log.Add(1);
            loop.Start();
            log.Add(-1);
        });
        loop.Post([Fatal] () => throw thrown);
        loop.Post(() => log.Add(2));
        Assert.Same(thrown, Record.Exception(() => loop.Start()));
        Assert.Equal([1], log);
        Assert.False(loop.Start());
        Assert.Equal([1, 2], log);
    }

    [Fact]
    public void Null_is_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("action", () => loop.Post(null!));
        Assert.Throws<ArgumentNullException>("action", () => loop.Post(null!, 1));
        Assert.Throws<ArgumentNullException>("action", () => loop.TryPost(null!));
        Assert.Throws<ArgumentNullException>("action", () => loop.TryPost(null!, 1));
    }

    private static Thread OnThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        return thread;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Abandon(Action action) => _ = new Finalizable(action);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AbandonBoth(Action<Loop> action)
    {
        var loop = new Loop(LoopFlags.NoEnv);
        loop.Data = new Finalizable(() => action(loop));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference AbandonWithPost()
    {
        object state = new();
        new Loop(LoopFlags.NoEnv).Post(_ => { }, state);
        return new WeakReference(state);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference[] PostObjects(Loop loop)
    {
        object first = new(), second = new();
        loop.Post(_ => { }, first);
        loop.Post(() => GC.KeepAlive(second));
        return [new WeakReference(first), new WeakReference(second)];
    }

    private sealed class Finalizable(Action action)
    {
        ~Finalizable() => action();
    }

    private readonly struct Slow(Action next)
    {
        internal static readonly int Posts = PostOnAnotherThread();

        internal Action Next => next;

        private static int PostOnAnotherThread()
        {
            int posts = 0;
            Thread other = OnThread(() =>
            {
                s_loop!.Post(static _ => { }, 1L);
                posts++;
            });
            Assert.True(other.Join(TimeSpan.FromSeconds(Patience)));
            return posts;
        }
    }

    [Fact]
    public void The_type_of_a_state_can_be_unloaded()
    {
        Loop loop = NewLoop();
        var told = new List<string>(); // an exception would keep the method that threw it in memory
        loop.CallbackException += (_, e) => told.Add(e.Exception.GetType().Name);
        WeakReference type = PostCollectible(loop);
        loop.Start(RunFlags.NoWait);
        Assert.Equal([nameof(InvalidTimeZoneException)], told);
        loop.Post(() => { }); // makes the queue forget the item before it
        loop.Start(RunFlags.NoWait);
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return !type.IsAlive;
        }));
    }

    // Posts a state of a class in an assembly that can be unloaded, to an action that throws.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference PostCollectible(Loop loop)
    {
        var assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("collectible"), AssemblyBuilderAccess.RunAndCollect);
        TypeBuilder builder = assembly.DefineDynamicModule("collectible").DefineType("State", TypeAttributes.Public);
        builder.DefineDefaultConstructor(MethodAttributes.Public);
        ILGenerator code = builder.DefineMethod("Throw", MethodAttributes.Public | MethodAttributes.Static, typeof(void), [builder]).GetILGenerator();
        code.Emit(OpCodes.Newobj, typeof(InvalidTimeZoneException).GetConstructor([])!);
        code.Emit(OpCodes.Throw);
        Type type = builder.CreateType();
        MethodInfo post = typeof(Loop).GetMethods().Single(m => m is { Name: nameof(Loop.Post), IsGenericMethod: true });
        Delegate action = type.GetMethod("Throw")!.CreateDelegate(typeof(Action<>).MakeGenericType(type));
        post.MakeGenericMethod(type).Invoke(loop, [action, Activator.CreateInstance(type)]);
        return new WeakReference(type);
    }
}
