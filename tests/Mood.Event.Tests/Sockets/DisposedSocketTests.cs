using System;
using System.Diagnostics;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Sockets that are disposed while an awaitable of the loop waits for them.</summary>
public sealed class DisposedSocketTests : AwaitTestBase
{
    // The library promises one second. A busy machine may need more.
    private const double Soon = 5;

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Every_wait_on_a_disposed_socket_ends_within_a_second(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket receiver, _) = NewConnection();
        (Socket sender, _) = NewConnection(bufferSize: 256 * 1024);
        (Socket waiter, _) = NewConnection();
        (Socket streamed, _) = NewConnection();
        Socket listener = NewListener();
        Drive(loop, async () =>
        {
            Task[] waits =
            [
                receiver.ReceiveAsync(loop, new byte[1]).AsTask(),
                sender.SendAsync(loop, new byte[16 * 1024 * 1024]).AsTask(),
                listener.AcceptAsync(loop).AsTask(),
                loop.WaitAsync(waiter, Events.Read).AsTask(),
                loop.WaitAsync(waiter.SafeHandle, Events.Read).AsTask(),
                new LoopStream(loop, streamed).ReadAsync(new byte[1]).AsTask(),
            ];
            await loop.Delay(0.01); // gives the loop an iteration in which the backend registers the sockets
            double begin = loop.Now();
            Array.ForEach([receiver, sender, waiter, streamed, listener], socket => socket.Dispose());

            foreach (Task wait in waits)
            {
                ObjectDisposedException e = await Assert.ThrowsAsync<ObjectDisposedException>(() => wait);
                Assert.Equal(typeof(Socket).FullName, e.ObjectName);
            }

            Assert.InRange(loop.Now() - begin, 0, Soon);
        });
        AssertIdle(loop);
        CheckUsable(loop);
    }

    [Fact]
    public void A_wait_on_a_socket_that_another_thread_disposes_ends()
    {
        Loop loop = NewLoop();
        (Socket client, _) = NewConnection();
        var stream = new LoopStream(loop, client);
        Drive(loop, () => Task.Run(async () =>
        {
            Task<int> reading = stream.ReadAsync(new byte[1]).AsTask();
            await Task.Delay(20);
            client.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WaitAsync(TimeSpan.FromSeconds(Soon)));
        }));
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_idle_loop_is_not_woken_while_nothing_is_closed(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, _) = NewConnection();
        loop.Io(client, Events.Read, (_, _) => { }).Start();
        using Timer later = loop.Timer(2, 0, (_, _) => loop.Stop());
        later.Start();
        loop.Start(RunFlags.NoWait); // makes the backend register the socket
        uint before = loop.Iteration;
        loop.Start();
        Assert.InRange(loop.Iteration - before, 1u, 2u);
        client.Dispose();
        Assert.False(loop.Start()); // the loop still notices that the socket is disposed
    }

    [Fact]
    public void Ten_thousand_waits_of_disposed_sockets_end()
    {
        Loop loop = NewLoop();
        Socket listener = NewListener();
        int ended = 0;
        Drive(loop, async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                (Socket client, Socket server) = NewConnection();

                for (int k = 0; k < 100; k++)
                {
                    _ = CountAsync(loop.WaitAsync(server, Events.Read));
                }

                server.Dispose();
                client.Dispose();
            }

            for (double end = loop.Now(update: true) + Patience / 2; ended < 10_000 && loop.Now() < end;)
            {
                await loop.Delay(0.01);
            }
        });
        Assert.Equal(10_000, ended);
        AssertIdle(loop);

        async Task CountAsync(ValueTask<Events> wait)
        {
            try
            {
                await wait;
            }
            catch (ObjectDisposedException)
            {
                ended++;
            }
        }
    }

    [Fact]
    public void A_continuation_that_throws_does_not_keep_the_other_waits_from_ending()
    {
        Loop loop = NewLoop();
        int ended = 0, told = 0;
        loop.CallbackException += (_, _) => told++;

        for (int i = 0; i < 3; i++)
        {
            (Socket client, _) = NewConnection();
            loop.WaitAsync(client, Events.Read).ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() =>
            {
                ended++;
                throw new InvalidTimeZoneException();
            });
            loop.Start(RunFlags.NoWait);
            client.Dispose();
        }

        Assert.False(loop.Start());
        Assert.Equal((3, 3), (ended, told));
    }
}
