using System;
using System.Collections.Generic;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.Signals.</summary>
public sealed class LoopSignalsTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(Contexts))]
    public void Signals_that_come_one_by_one_each_run_the_body_once(bool withContext)
    {
        Loop loop = NewLoop();
        List<int> seen = [];
        Drive(loop, async () =>
        {
            Task sending = SendAsync();

            await foreach (int signum in loop.Signals(Signum.SIGUSR1))
            {
                seen.Add(signum);

                if (seen.Count == 5)
                {
                    break;
                }
            }

            await sending;

            async Task SendAsync()
            {
                await loop.Delay(0.001); // until the signal is watched: an unwatched SIGUSR1 would end the process

                for (int i = 1; i <= 5; i++)
                {
                    Posix.Raise(Signum.SIGUSR1);

                    for (double end = loop.Now() + Patience; seen.Count < i && loop.Now() < end;)
                    {
                        await loop.Delay(0.001);
                    }
                }
            }
        }, withContext);
        Assert.Equal([Signum.SIGUSR1, Signum.SIGUSR1, Signum.SIGUSR1, Signum.SIGUSR1, Signum.SIGUSR1], seen);
        AssertIdle(loop);
    }

    [Fact]
    public void Signals_that_come_during_the_body_run_it_once_more()
    {
        Loop loop = NewLoop();
        int turns = 0;
        using var source = new CancellationTokenSource();
        loop.Timer(0.001, 0, (_, _) => Ev.FeedSignal(Signum.SIGUSR1)).Start();
        Drive(loop, async () =>
        {
            try
            {
                await foreach (int _ in loop.Signals(Signum.SIGUSR1, source.Token))
                {
                    turns++;

                    if (turns == 1)
                    {
                        for (int i = 0; i < 3; i++)
                        {
                            Ev.FeedSignal(Signum.SIGUSR1);
                            await loop.Delay(0.01);
                        }
                    }
                    else
                    {
                        await loop.Delay(0.02);
                        source.CancelAfter(1);
                    }
                }
            }
            catch (OperationCanceledException)
            {
            }
        });
        Assert.Equal(2, turns);
        AssertIdle(loop);
    }

    [Fact]
    public void Two_enumerations_see_the_same_signal()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            IAsyncEnumerable<int> signals = loop.Signals(PosixSignal.SIGHUP);
            Task<int> one = First(signals), two = First(signals);
            Posix.Raise(Signum.SIGHUP);
            Assert.Equal([Signum.SIGHUP, Signum.SIGHUP], await Task.WhenAll(one, two));
        });
        AssertIdle(loop);

        static async Task<int> First(IAsyncEnumerable<int> signals)
        {
            await foreach (int signum in signals)
            {
                return signum;
            }

            return 0;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Either_token_ends_the_enumeration(bool first)
    {
        Loop loop = NewLoop();
        using CancellationTokenSource one = new(), two = new();
        loop.Timer(0.005, 0, (_, _) => (first ? one : two).Cancel()).Start();
        Drive(loop, async () => await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (int _ in loop.Signals(Signum.SIGUSR1, one.Token).WithCancellation(two.Token))
            {
                Assert.Fail("The enumeration was not cancelled.");
            }
        }));
        AssertIdle(loop);
    }

    [Fact]
    public void The_watcher_is_active_from_the_first_MoveNextAsync_to_DisposeAsync()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            IAsyncEnumerator<int> signals = loop.Signals(Signum.SIGUSR2).GetAsyncEnumerator();
            ValueTask<bool> next = signals.MoveNextAsync();
            Assert.Throws<InvalidOperationException>(() => { _ = signals.MoveNextAsync(); });
            Posix.Raise(Signum.SIGUSR2);
            Assert.True(await next);
            Assert.Equal(Signum.SIGUSR2, signals.Current);

            Ev.FeedSignal(Signum.SIGUSR2);
            await loop.Delay(0.01);
            next = signals.MoveNextAsync();
            Assert.True(next.IsCompletedSuccessfully); // the signal came before this call
            Assert.True(await next);

            next = signals.MoveNextAsync();
            await signals.DisposeAsync();
            ObjectDisposedException e = await Assert.ThrowsAsync<ObjectDisposedException>(() => next.AsTask());
            Assert.Equal("Mood.Event.Loop.Signals", e.ObjectName);
            Assert.False(await signals.MoveNextAsync());
            await signals.DisposeAsync();
        });
        AssertIdle(loop);
    }

    [Fact]
    public void Dispose_of_the_loop_ends_the_enumeration_with_an_ObjectDisposedException()
    {
        Loop loop = NewLoop();
        Exception? thrown = null;
        Drive(loop, async () =>
        {
            _ = Watch();
            await loop.Delay(0.001);
        });
        loop.Dispose();
        Assert.IsType<ObjectDisposedException>(thrown);

        async Task Watch()
        {
            try
            {
                await foreach (int _ in loop.Signals(Signum.SIGUSR1))
                {
                }
            }
            catch (ObjectDisposedException e)
            {
                thrown = e;
            }
        }
    }

    [Fact]
    public void DisposeAsync_on_another_thread_stops_the_watcher()
    {
        Loop loop = NewLoop();
        int thread = Environment.CurrentManagedThreadId;
        loop.Timer(0.005, 0, (_, _) => Ev.FeedSignal(Signum.SIGUSR1)).Start();
        Drive(loop, async () =>
        {
            await foreach (int _ in loop.Signals(Signum.SIGUSR1))
            {
                await Task.Run(() => { }).ConfigureAwait(false);
                await Task.Delay(10).ConfigureAwait(false);
                Assert.NotEqual(thread, Environment.CurrentManagedThreadId);
                break;
            }

            // The signal is free: another loop may watch it.
            using var other = new Loop(LoopFlags.NoEnv);
            using Signal signal = other.Signal(Signum.SIGUSR1, (_, _) => { });
            signal.Start();
        });
        AssertIdle(loop);
    }

    [Fact]
    public void DisposeAsync_on_another_thread_returns_after_the_loop_is_disposed()
    {
        var loop = new Loop(LoopFlags.NoEnv);
        IAsyncEnumerator<int> signals = loop.Signals(Signum.SIGUSR1).GetAsyncEnumerator();
        ValueTask<bool> next = signals.MoveNextAsync();
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => next.GetAwaiter().GetResult());
        Assert.True(Task.Run(async () => await signals.DisposeAsync()).Wait(TimeSpan.FromSeconds(Patience)));
    }

    [Fact]
    public void An_enumeration_that_cannot_begin_leaves_nothing_on_its_tokens()
    {
        using CancellationTokenSource one = new(), two = new();
        WeakReference loop = Make(one.Token, two.Token);
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return !loop.IsAlive;
        }));
        Assert.Equal(0, Registrations(one) + Registrations(two));

        static WeakReference Make(CancellationToken one, CancellationToken two)
        {
            var loop = new Loop(LoopFlags.NoEnv);
            IAsyncEnumerable<int> signals = loop.Signals(Signum.SIGUSR1, one);
            loop.Dispose();
            Assert.Throws<ObjectDisposedException>(() => signals.GetAsyncEnumerator(two));
            return new WeakReference(loop);
        }
    }

    [Fact]
    public void A_long_lived_token_does_not_keep_an_abandoned_loop_alive()
    {
        using var source = new CancellationTokenSource();
        WeakReference loop = Make(source.Token);
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return !loop.IsAlive;
        }));

        WeakReference Make(CancellationToken token)
        {
            var loop = new Loop(LoopFlags.NoEnv);
            _ = loop.Delay(1000, token);
            _ = loop.WaitAsync(NewPipe().Read, Events.Read, token);
            _ = loop.Signals(Signum.SIGUSR1, token).GetAsyncEnumerator(CancellationToken.None).MoveNextAsync();
            _ = NewListener().AcceptAsync(loop, token);
            _ = LoopServer.Listen(loop, AnyPort, LoopServerTests.EchoAsync).RunAsync(token);
            loop.Start(RunFlags.NoWait);
            return new WeakReference(loop);
        }
    }

    // The number of callbacks that are registered with a source.
    private static int Registrations(CancellationTokenSource source)
    {
        const BindingFlags Private = BindingFlags.NonPublic | BindingFlags.Instance;
        object? registrations = typeof(CancellationTokenSource).GetField("_registrations", Private)!.GetValue(source);
        int count = 0;

        if (registrations is not null)
        {
            object? node = registrations.GetType().GetField("Callbacks")!.GetValue(registrations);

            for (; node is not null; count++)
            {
                node = node.GetType().GetField("Next")!.GetValue(node);
            }
        }

        return count;
    }

    [Fact]
    public void A_signal_that_cannot_be_watched_is_refused()
    {
        Loop loop = NewLoop(), other = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>("signum", () => loop.Signals(Signum.SIGKILL));
        Assert.Throws<ArgumentOutOfRangeException>("signum", () => loop.Signals(0));
        using Signal signal = other.Signal(Signum.SIGUSR1, (_, _) => { });
        signal.Start();
        Drive(loop, async () => await Assert.ThrowsAsync<EventException>(async () =>
        {
            await foreach (int _ in loop.Signals(Signum.SIGUSR1))
            {
            }
        }));
        AssertIdle(loop);
    }
}
