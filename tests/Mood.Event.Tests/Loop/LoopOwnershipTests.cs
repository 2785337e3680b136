using System;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Which thread owns a loop that does not run: while user code runs under a claim, and while two threads call the loop's members.
/// </summary>
public sealed class LoopOwnershipTests : LoopTestBase
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>The members that call user code on the calling thread although the loop does not run.</summary>
    public static TheoryData<string> CallsOfUserCode =>
        ["Watcher.Invoke", "Loop.Invoke", "Scheduler.Start", "Scheduler.Reset", "Loop.Resume", "Embed.Sweep", "CallbackException", "Run"];

    [Theory]
    [MemberData(nameof(CallsOfUserCode))]
    public void User_code_under_a_claim_may_wait_for_the_home_thread(string call)
    {
        Loop loop = NewLoop();
        using var home = new Home();
        Action use = Prepare(loop, call, home);
        home.Await(use, () => loop.TimeProvider.CreateTimer(_ => { }, null, TimeSpan.FromHours(1), TimeSpan.Zero));
    }

    [Fact]
    public void A_lent_Invoke_may_wait_for_the_thread_inside_Loop_Callback()
    {
        Loop loop = NewLoop();
        using var home = new Home();
        loop.Idle((_, _) => home.Wait()).Feed(Events.Custom);
        loop.Callback = _ =>
        {
            loop.Callback = null;
            home.Await(loop.Invoke, () => loop.TimeProvider.CreateTimer(_ => { }, null, TimeSpan.FromHours(1), TimeSpan.Zero));
        };
        loop.Start(RunFlags.NoWait);
    }

    [Fact]
    public void A_callback_of_the_loop_around_may_wait_for_the_home_thread_of_the_embedded_loop()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        using var home = new Home();
        outer.Embed(inner).Start();
        outer.Timer(0, 0, (_, _) =>
        {
            home.Wait();
            outer.Stop();
        }).Start();
        home.Await(() => outer.Start(), () => inner.TimeProvider.CreateTimer(_ => { }, null, TimeSpan.FromHours(1), TimeSpan.Zero));
    }

    [Theory]
    [InlineData("Watcher.Invoke")]
    [InlineData("Loop.Invoke")]
    [InlineData("Run")]
    public void A_loop_whose_Embed_is_stopped_in_a_callback_is_not_free_before_the_callback_has_ended(string call)
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        embed.Start();
        Exception? refused = null;
        Idle idle = inner.Idle((_, _) => StopEmbed());

        switch (call)
        {
            case "Watcher.Invoke":
                idle.Invoke(Events.Custom);
                break;
            case "Loop.Invoke":
                idle.Feed(Events.Custom);
                inner.Invoke();
                break;
            default:
                inner.Run(() =>
                {
                    StopEmbed();
                    return Task.CompletedTask;
                });
                break;
        }

        Assert.IsType<InvalidOperationException>(refused);
        Assert.Null(OnThreads(1, _ => inner.Start(RunFlags.NoWait))[0]);

        void StopEmbed()
        {
            embed.Stop();
            refused = OnThreads(1, _ => inner.Start(RunFlags.NoWait))[0];
        }
    }

    [Fact]
    public void A_stream_that_is_disposed_on_the_home_thread_does_not_keep_another_thread_from_running_the_loop()
    {
        Loop loop = NewLoop();
        (Socket one, Socket other) = Connect();
        using Socket peer = other;
        var stream = new LoopStream(loop, one, ownsSocket: true);
        ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter read =
            stream.ReadAsync(new byte[1].AsMemory()).ConfigureAwait(false).GetAwaiter();
        Exception? failure = null;
        bool ended = false;
        read.UnsafeOnCompleted(() =>
        {
            var thread = new Thread(() => failure = Record.Exception(() => loop.Run(() => Task.CompletedTask)));
            thread.Start();
            ended = thread.Join(s_patience);
        });
        stream.Dispose();
        Assert.True(ended);
        Assert.Null(failure);
        Assert.Throws<ObjectDisposedException>(() => read.GetResult());
    }

    [Fact]
    public void Threads_that_use_an_idle_loop_at_the_same_time_take_turns_and_none_is_refused()
    {
        Loop loop = NewLoop();
        loop.IncRef();
        int refused = 0;
        Exception?[] failures = OnThreads(4, n =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                try
                {
                    using Timer timer = loop.Timer(100, 0, (_, _) => { });
                    timer.Start();
                    _ = loop.Pending;
                    timer.Stop();
                }
                catch (InvalidOperationException)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        });
        Assert.All(failures, Assert.Null);
        Assert.Equal(0, refused);
        loop.Verify();
    }

    [Fact]
    public void Two_threads_that_embed_loops_in_one_another_do_not_wait_for_ever()
    {
        Loop one = NewLoop(Backends.Epoll), other = NewLoop(Backends.Epoll);
        Embed forth = one.Embed(other), back = other.Embed(one);
        int refused = 0;
        Exception?[] failures = OnThreads(2, n =>
        {
            Embed embed = n == 0 ? forth : back;

            for (int i = 0; i < 20_000; i++)
            {
                try
                {
                    embed.Start();
                    embed.Stop();
                }
                catch (Exception e) when (e is InvalidOperationException or EventException)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        });
        Assert.All(failures, Assert.Null);
        forth.Stop();
        back.Stop();
    }

    [Fact]
    public void A_thread_is_not_the_home_of_a_loop_if_it_has_the_id_of_the_ended_thread_that_made_the_loop()
    {
        Loop? loop = null;
        int id = OnEndedThread(() => loop = NewLoop());
        bool? sentHere = null;

        // The runtime gives the ids of ended threads to new threads, the lowest id first. So if enough threads live at
        // the same time, one of them gets the id. The tests before may have left many lower ids.
        for (int i = 1; i <= 20 && sentHere is null; i++)
        {
            Collect();
            using var isOver = new ManualResetEventSlim();
            Thread[] threads = [.. Enumerable.Range(0, 50 * i).Select(_ => new Thread(() =>
            {
                if (Environment.CurrentManagedThreadId == id)
                {
                    Thread? called = null;
                    loop!.SynchronizationContext.Send(_ => called = Thread.CurrentThread, null);
                    sentHere = called == Thread.CurrentThread;
                }

                isOver.Wait();
            }))];
            Array.ForEach(threads, t => t.Start());

            for (int round = 0; round < 20; round++)
            {
                Thread.Sleep(5);
                loop!.Start(RunFlags.NoWait); // calls the callback of Send
            }

            isOver.Set();
            Array.ForEach(threads, t => t.Join());
        }

        Assert.False(sentHere);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int OnEndedThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        int id = thread.ManagedThreadId;
        thread.Join();
        return id;
    }

    private Action Prepare(Loop loop, string call, Home home)
    {
        double Wait(double now)
        {
            home.Wait();
            return now + 100;
        }

        switch (call)
        {
            case "Watcher.Invoke":
                Idle invoked = loop.Idle((_, _) => home.Wait());
                return () => invoked.Invoke(Events.Custom);
            case "Loop.Invoke":
                loop.Idle((_, _) => home.Wait()).Feed(Events.Custom);
                return loop.Invoke;
            case "Scheduler.Start":
                return loop.Scheduler((_, now) => Wait(now), (_, _) => { }).Start;
            case "Scheduler.Reset":
                return loop.Scheduler((_, now) => Wait(now), (_, _) => { }).Reset;
            case "Loop.Resume":
                bool isFirst = true;
                loop.Scheduler((_, now) => isFirst ? now + 100 : Wait(now), (_, _) => { }).Start();
                isFirst = false;
                loop.Suspend();
                return loop.Resume;
            case "Embed.Sweep":
                Loop inner = NewLoop(Backends.Epoll);
                inner.Timer(0, 0, (_, _) => home.Wait()).Start();
                return loop.Embed(inner).Sweep;
            case "CallbackException":
                loop.CallbackException += (_, _) => home.Wait();
                return loop.Scheduler((_, _) => throw new FormatException(), (_, _) => { }).Start;
            case "Run":
                return () => loop.Run(() =>
                {
                    home.Wait();
                    return Task.CompletedTask;
                });
            default:
                throw new ArgumentOutOfRangeException(nameof(call));
        }
    }

    private static (Socket One, Socket Other) Connect()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var one = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        one.Connect(listener.LocalEndPoint!);
        return (one, listener.Accept());
    }

    private static Exception?[] OnThreads(int count, Action<int> action)
    {
        var failures = new Exception?[count];
        Thread[] threads = [.. Enumerable.Range(0, count).Select(n => new Thread(() => failures[n] = Record.Exception(() => action(n))))];
        Array.ForEach(threads, t => t.Start());
        Assert.All(threads, t => Assert.True(t.Join(TimeSpan.FromSeconds(120))));
        return failures;
    }

    /// <summary>Makes user code on another thread wait until an action on the home thread of a loop has ended.</summary>
    private sealed class Home : IDisposable
    {
        private readonly ManualResetEventSlim _isInside = new(), _isDone = new();
        private bool _inTime;

        /// <summary>The user code calls this: waits until the action on the home thread has ended.</summary>
        internal void Wait()
        {
            _isInside.Set();
            _inTime = _isDone.Wait(s_patience);
        }

        /// <summary>Runs the user code on another thread. Runs an action on this thread after the user code has called Wait.</summary>
        internal void Await(Action use, Action meanwhile)
        {
            Exception? failure = null;
            var thread = new Thread(() => failure = Record.Exception(use));
            thread.Start();
            Assert.True(_isInside.Wait(s_patience));
            meanwhile();
            _isDone.Set();
            Assert.True(thread.Join(s_patience));
            Assert.Null(failure);
            Assert.True(_inTime);
        }

        public void Dispose()
        {
            _isInside.Dispose();
            _isDone.Dispose();
        }
    }
}
