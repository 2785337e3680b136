using System;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.WaitAsync, on every backend.</summary>
public sealed class WaitAsyncTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void WaitAsync_ends_when_there_is_something_to_read(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();

        foreach (bool withContext in new[] { true, false })
        {
            Drive(loop, async () =>
            {
                for (byte i = 1; i <= 3; i++)
                {
                    ValueTask<Events> ready = loop.WaitAsync(read, Events.Read);
                    await loop.Delay(0.005);
                    Assert.False(ready.IsCompleted);
                    Posix.Write(write, i);
                    Assert.Equal(Events.Read, await ready);
                    Assert.Equal(i, Posix.Read(read));
                }
            }, withContext);
        }

        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_result_holds_the_events_that_a_socket_is_ready_for(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            Assert.Equal(Events.Write, await loop.WaitAsync(server, Events.Read | Events.Write));
            client.Send([1]);
            Assert.True(server.Poll(1_000_000, SelectMode.SelectRead));
            Assert.Equal(Events.Read | Events.Write, await loop.WaitAsync(server, Events.Read | Events.Write));
            Assert.Equal(Events.Read, await loop.WaitAsync(server, Events.Read));
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Several_waits_may_share_an_fd(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        Drive(loop, async () =>
        {
            Task<Events> one = loop.WaitAsync(read, Events.Read).AsTask(), two = loop.WaitAsync(read, Events.Read).AsTask();
            Task<Events> other = loop.WaitAsync(write, Events.Write).AsTask();
            Assert.Equal(Events.Write, await other);
            Posix.Write(write);
            Assert.Equal([Events.Read, Events.Read], await Task.WhenAll(one, two));
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_number_that_is_closed_and_reused_between_two_waits_works(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Drive(loop, async () =>
        {
            for (int i = 0; i < 50; i++)
            {
                (int read, int write) = NewReadablePipe(); // the kernel nearly always gives the same numbers
                Assert.Equal(Events.Read, await loop.WaitAsync(read, Events.Read));
                CloseFd(read);
                CloseFd(write);
            }
        });
        AssertIdle(loop);
    }

    [Fact]
    public void A_SafeFileHandle_is_kept_open_until_the_wait_ends()
    {
        Loop loop = NewLoop();
        (int read, int write) = NewPipe();
        Disown(read);
        var handle = new SafeFileHandle(read, ownsHandle: true);
        Drive(loop, async () =>
        {
            ValueTask<Events> ready = loop.WaitAsync(handle, Events.Read);
            handle.Dispose();
            await loop.Delay(0.005);
            Posix.Write(write);
            Assert.Equal(Events.Read, await ready);
        });
        Assert.True(handle.IsClosed);
        Assert.Throws<ArgumentException>("fd", () => { _ = loop.WaitAsync(read, Events.Read); });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void If_libev_notices_that_an_fd_is_closed_the_wait_ends_with_the_exception_of_Start(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, _) = NewPipe();
        ValueTask<Events> ready = loop.WaitAsync(read, Events.Read);
        CloseFd(read);
        loop.Timer(0.2, 0, (_, _) => loop.Stop()).Start();
        Exception? thrown = Record.Exception(() => loop.Start());

        if (thrown is null)
        {
            Assert.False(ready.IsCompleted); // the kernel stopped watching the fd without an event
            Console.WriteLine($"{backend} does not notice a closed fd");
            return;
        }

        Assert.IsType<EventException>(thrown);
        Assert.Same(thrown, Assert.Throws<EventException>(() => ready.GetAwaiter().GetResult()));
        loop.Start(RunFlags.NoWait);
        CheckUsable(loop);
    }

    [Fact]
    public void The_error_of_a_closed_fd_leaves_the_await_and_Run()
    {
        Loop loop = NewLoop(Backends.Poll);
        (int read, _) = NewPipe();
        EventException? awaited = null;
        EventException thrown = Assert.Throws<EventException>(() => loop.Run(async () =>
        {
            ValueTask<Events> ready = loop.WaitAsync(read, Events.Read);
            CloseFd(read);

            try
            {
                await ready;
            }
            catch (EventException e)
            {
                awaited = e;
                throw;
            }
        }));
        Assert.Same(awaited, thrown);
        Assert.Equal(9, thrown.NativeErrorCode); // EBADF
    }

    [Fact]
    public void An_event_of_the_reused_number_ends_the_wait_of_a_disposed_socket()
    {
        Loop loop = NewLoop(Backends.Poll);
        (Socket client, _) = NewConnection();
        ValueTask<Events> ready = loop.WaitAsync(client, Events.Read);
        client.Dispose();
        loop.Timer(0.2, 0, (_, _) => loop.Stop()).Start();
        Assert.Null(Record.Exception(() => loop.Start()));
        Assert.Throws<ObjectDisposedException>(() => ready.GetAwaiter().GetResult());
    }

    [Fact]
    public void The_library_does_not_use_the_Data_of_a_wait_s_watcher()
    {
        Loop loop = NewLoop();
        ValueTask<Events> ready = loop.WaitAsync(NewPipe().Read, Events.Read);
        ValueTask delay = loop.Delay(1000);
        Watcher[] watchers = [.. loop.Watchers.OfWaits()];
        Assert.Equal(2, watchers.Length);
        Assert.All(watchers, watcher =>
        {
            Assert.Null(watcher.Data);
            watcher.Data = "the program's";
        });
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => ready.GetAwaiter().GetResult());
        Assert.Throws<ObjectDisposedException>(() => delay.GetAwaiter().GetResult());
    }

    [Fact]
    public void Bad_arguments_are_refused_before_anything_happens()
    {
        Loop loop = NewLoop();
        (int read, int write) = NewReadablePipe();
        Socket socket = NewListener();
        Socket closed = NewListener();
        closed.Dispose();
        Assert.Throws<ArgumentException>("events", () => { _ = loop.WaitAsync(read, Events.None); });
        Assert.Throws<ArgumentException>("events", () => { _ = loop.WaitAsync(read, Events.Read | Events.Timer); });
        Assert.Throws<ArgumentException>("events", () => { _ = loop.WaitAsync(socket, Events.None); });
        Assert.Throws<ArgumentOutOfRangeException>("fd", () => { _ = loop.WaitAsync(-1, Events.Read); });
        Assert.Throws<ArgumentException>("fd", () => { _ = loop.WaitAsync(100_000, Events.Read); });
        Assert.Throws<ArgumentNullException>("handle", () => { _ = loop.WaitAsync((SafeFileHandle)null!, Events.Read); });
        Assert.Throws<ArgumentNullException>("socket", () => { _ = loop.WaitAsync((Socket)null!, Events.Read); });
        Assert.Throws<ArgumentException>("socket", () => { _ = loop.WaitAsync(closed, Events.Read); });
        AssertIdle(loop);
        CloseFd(write);
    }

    [Fact]
    public void A_regular_file_that_the_backend_cannot_watch_is_ready_all_the_same()
    {
        Loop loop = NewLoop(Backends.Epoll);
        using FileStream file = new(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        Drive(loop, async () => Assert.Equal(Events.Read, await loop.WaitAsync(file.SafeFileHandle, Events.Read)));
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_cancelled_wait_ends_on_the_loop_s_thread_and_leaves_no_active_watcher(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        int thread = Environment.CurrentManagedThreadId;
        Drive(loop, async () =>
        {
            for (int i = 0; i < 10; i++)
            {
                using var source = new CancellationTokenSource(1);

                try
                {
                    await loop.WaitAsync(read, Events.Read, source.Token);
                    Assert.Fail("The wait was not cancelled.");
                }
                catch (OperationCanceledException e)
                {
                    Assert.Equal(source.Token, e.CancellationToken);
                    Assert.Equal(thread, Environment.CurrentManagedThreadId);
                }
            }

            using var cancelled = new CancellationTokenSource();
            cancelled.Cancel();
            Assert.True(loop.WaitAsync(read, Events.Read, cancelled.Token).IsCanceled);
        });
        Posix.Write(write);
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Events_and_cancellation_race_and_each_wait_ends_once(Backends backend)
    {
        const int Rounds = 10_000;
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        using var helper = new Helper();
        int ready = 0, cancelled = 0;
        Drive(loop, async () =>
        {
            var random = new Random(1);

            for (int i = 0; i < Rounds; i++)
            {
                using var source = new CancellationTokenSource();
                int spins = random.Next(100);
                bool first = random.Next(2) == 0;
                using var done = new ManualResetEventSlim();
                helper.Do(() =>
                {
                    if (first)
                    {
                        source.Cancel();
                    }

                    Thread.SpinWait(spins);
                    Posix.Write(write);
                    Thread.SpinWait(spins);

                    if (!first)
                    {
                        source.Cancel();
                    }

                    done.Set();
                });

                try
                {
                    Assert.Equal(Events.Read, await loop.WaitAsync(read, Events.Read, source.Token));
                    ready++;
                }
                catch (OperationCanceledException)
                {
                    cancelled++;
                }

                done.Wait();
                Assert.Equal(1, Posix.Read(read));
            }
        });
        Assert.Equal(Rounds, ready + cancelled);
        Assert.NotEqual(0, ready);
        Assert.NotEqual(0, cancelled);
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Nothing_is_allocated_in_steady_state(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, _) = NewReadablePipe();
        (_, Socket server) = NewConnection();
        long byNumber = -1, bySocket = -1, withToken = -1, withoutContext = -1;
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource();
            byNumber = await AllocatedByAsync(() => loop.WaitAsync(read, Events.Read));
            bySocket = await AllocatedByAsync(() => loop.WaitAsync(server, Events.Write));
            withToken = await AllocatedByAsync(() => loop.WaitAsync(read, Events.Read, source.Token));
        });
        Drive(loop, async () => withoutContext = await AllocatedByAsync(() => loop.WaitAsync(read, Events.Read)), withContext: false);
        Assert.Equal((0, 0, 0, 0), (byNumber, bySocket, withToken, withoutContext));
    }

    [Fact]
    public void Dispose_of_the_loop_ends_the_wait_with_an_ObjectDisposedException()
    {
        Loop loop = NewLoop();
        ValueTask<Events> ready = loop.WaitAsync(NewPipe().Read, Events.Read);
        ValueTask<Events> pending = loop.WaitAsync(NewReadablePipe().Read, Events.Read);
        loop.Timer(0, 0, (_, _) => { }).Start();
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => ready.GetAwaiter().GetResult());
        Assert.Throws<ObjectDisposedException>(() => pending.GetAwaiter().GetResult());
        Assert.Throws<ObjectDisposedException>(() => { _ = loop.WaitAsync(0, Events.Read); });
    }

    [Fact]
    public void Another_thread_is_refused_while_the_loop_runs()
    {
        Loop loop = NewLoop();
        (int read, _) = NewReadablePipe();
        Exception? thrown = null;
        Drive(loop, async () =>
        {
            var thread = new Thread(() => thrown = Record.Exception(() => { _ = loop.WaitAsync(read, Events.Read); }));
            thread.Start();
            thread.Join();
            await loop.Delay(0);
        });
        Assert.IsType<InvalidOperationException>(thrown);
        AssertIdle(loop);
    }
}
