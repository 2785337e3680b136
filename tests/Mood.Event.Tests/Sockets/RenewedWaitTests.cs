using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Waits that are renewed: the continuation waits again for the same socket, whose watcher has stayed active.</summary>
public sealed class RenewedWaitTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_echo_of_many_messages_loses_no_byte(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();

        foreach (bool withContext in new[] { true, false })
        {
            Drive(loop, async () =>
            {
                Task echo = EchoAsync(loop, server, messages: 200);
                byte[] buffer = new byte[100];

                for (int i = 0; i < 200; i++)
                {
                    await client.SendAsync(loop, new[] { (byte)i });
                    Assert.Equal(1, await client.ReceiveAsync(loop, buffer));
                    Assert.Equal((byte)i, buffer[0]);
                }

                await echo;
            }, withContext);
            AssertIdle(loop);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_renewed_wait_starts_no_watcher(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        byte[] buffer = new byte[100];
        Drive(loop, async () =>
        {
            ValueTask<int> received = server.ReceiveAsync(loop, buffer);
            client.Send([1]);
            Assert.Equal(1, await received);
            Assert.NotNull(loop.Waits.Renewable);
            received = server.ReceiveAsync(loop, buffer);
            Assert.Null(loop.Waits.Renewable); // the new wait has taken the watcher
            client.Send([2]);
            Assert.Equal(1, await received);
        });
        Assert.Null(loop.Waits.Renewable);
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Parts_of_a_message_are_received_one_after_the_other(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            byte[] part = new byte[3];
            ValueTask<int> received = server.ReceiveAsync(loop, part);
            client.Send([1, 2, 3, 4, 5, 6, 7, 8]);
            int sum = 0;

            for (int count = await received; ; count = await server.ReceiveAsync(loop, part))
            {
                for (int i = 0; i < count; i++)
                {
                    sum += part[i];
                }

                if (sum == 36)
                {
                    break;
                }
            }
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Bytes_that_arrive_during_the_continuation_are_received(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[100];
            client.Send([0]);

            for (byte i = 1; i < 50; i++)
            {
                Assert.Equal(1, await server.ReceiveAsync(loop, buffer));
                client.Send([i]);
                Assert.True(server.Poll(1_000_000, SelectMode.SelectRead));
            }

            Assert.Equal(1, await server.ReceiveAsync(loop, buffer));
            Assert.Equal(49, buffer[0]);
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Bytes_that_the_continuation_only_peeks_at_are_reported_again(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[10];
            ValueTask<Events> ready = loop.WaitAsync(server, Events.Read);
            client.Send([1, 2]);

            for (int i = 0; i < 5; i++)
            {
                Assert.Equal(Events.Read, await ready);
                Assert.Equal(2, server.Receive(buffer, SocketFlags.Peek));
                ready = loop.WaitAsync(server, Events.Read);
            }

            Assert.Equal(Events.Read, await ready);
            Assert.Equal(0, await server.ReceiveAsync(loop, Memory<byte>.Empty));
            Assert.Equal(2, await server.ReceiveAsync(loop, buffer));
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_end_of_the_peer_s_side_is_received_after_a_short_receive(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[10];
            ValueTask<int> received = server.ReceiveAsync(loop, buffer);
            client.Send([1]);
            Assert.Equal(1, await received);
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await server.ReceiveAsync(loop, buffer));
            Assert.Equal(0, await server.ReceiveAsync(loop, buffer));
            Assert.Equal(1, await server.SendAsync(loop, new byte[1]));
            Assert.Equal(1, await client.ReceiveAsync(loop, buffer));
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_socket_that_its_continuation_disposes_leaves_no_watcher(Backends backend)
    {
        Loop loop = NewLoop(backend);

        for (int i = 0; i < 20; i++)
        {
            (Socket client, Socket server) = NewConnection();
            Drive(loop, async () =>
            {
                ValueTask<int> received = server.ReceiveAsync(loop, new byte[10]);
                client.Send([1]);
                await received;
                server.Dispose();
                Assert.Equal(0, await client.ReceiveAsync(loop, new byte[10]));
            });
            AssertIdle(loop);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Another_socket_may_get_the_number_of_a_disposed_socket_at_once(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[10];

            for (int i = 0; i < 20; i++)
            {
                ValueTask<int> received = server.ReceiveAsync(loop, buffer);
                client.Send([1]);
                Assert.Equal(1, await received);
                nint number = server.Handle;
                server.Dispose();
                client.Dispose();
                (client, server) = NewConnection();

                if (server.Handle != number)
                {
                    (client, server) = (server, client);
                }

                // Another socket now has the same number.
                client.Send([2]);
                Assert.Equal(1, await server.ReceiveAsync(loop, buffer));
                Assert.Equal(2, buffer[0]);
                received = server.ReceiveAsync(loop, buffer);
                client.Send([3]);
                Assert.Equal(1, await received);
            }
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_wait_for_a_bare_fd_leaves_no_watcher_to_renew(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        Drive(loop, async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                ValueTask<Events> ready = loop.WaitAsync(read, Events.Read);
                Posix.Write(write);
                await ready;
                Assert.Null(loop.Waits.Renewable);
                CloseFd(read);
                CloseFd(write);
                (read, write) = NewPipe();
            }
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_renewed_wait_can_be_cancelled(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[10];

            for (int i = 0; i < 20; i++)
            {
                using var source = new CancellationTokenSource();
                ValueTask<int> received = server.ReceiveAsync(loop, buffer, source.Token);
                client.Send([1]);
                Assert.Equal(1, await received);
                received = server.ReceiveAsync(loop, buffer, source.Token);
                await source.CancelAsync();
                OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => received.AsTask());
                Assert.Equal(source.Token, e.CancellationToken);
            }
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_disposed_socket_ends_its_renewed_wait(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            ValueTask<int> received = server.ReceiveAsync(loop, new byte[10]);
            client.Send([1]);
            Assert.Equal(1, await received);
            received = server.ReceiveAsync(loop, new byte[10]);
            ThreadPool.UnsafeQueueUserWorkItem(_ => server.Dispose(), null);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => received.AsTask());
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_reader_and_a_writer_of_one_socket_are_renewed_both(Backends backend)
    {
        const int Size = 2_000_000;
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            Task[] ends = [SendAsync(client), SendAsync(server), ReceiveAsync(client), ReceiveAsync(server)];
            await Task.WhenAll(ends);
        });
        AssertIdle(loop);

        async Task SendAsync(Socket socket)
        {
            byte[] bytes = new byte[100_000];

            for (int sent = 0; sent < Size; sent += bytes.Length)
            {
                await socket.SendAsync(loop, bytes);
            }
        }

        async Task ReceiveAsync(Socket socket)
        {
            byte[] bytes = new byte[50_000];

            for (int count = 0; count < Size;)
            {
                count += await socket.ReceiveAsync(loop, bytes);
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Two_readers_of_one_socket_receive_every_byte_once(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        int sum = 0;
        Drive(loop, async () =>
        {
            Task one = ReadAsync(), two = ReadAsync();

            for (int i = 0; i < 100; i++)
            {
                await client.SendAsync(loop, new byte[] { 1, 1 });
                await loop.Delay(0);
            }

            client.Shutdown(SocketShutdown.Send);
            await Task.WhenAll(one, two);
        });
        Assert.Equal(200, sum);
        AssertIdle(loop);

        async Task ReadAsync()
        {
            byte[] buffer = new byte[10];

            while (await server.ReceiveAsync(loop, buffer) is int count and > 0)
            {
                sum += count;
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_Start_within_the_continuation_returns(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        byte[] buffer = new byte[1];
        Task main = MainAsync();
        client.Send([1, 2, 3]);
        Assert.False(loop.Start()); // returns false, because the watchdog does not keep Start running
        Assert.True(main.IsCompleted);
        main.GetAwaiter().GetResult();

        async Task MainAsync()
        {
            // The receive leaves bytes in the socket. If the watcher stayed active in the inner Start, it would be called for ever.
            Assert.Equal(1, await server.ReceiveAsync(loop, buffer).ConfigureAwait(false));
            Assert.NotNull(loop.Waits.Renewable);
            Assert.False(loop.Start());
            Assert.Null(loop.Waits.Renewable);
            Assert.Equal(1, await server.ReceiveAsync(loop, buffer).ConfigureAwait(false));
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_wait_that_is_renewed_before_a_Start_within_the_continuation_ends_there(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        byte[] buffer = new byte[1];
        Drive(loop, async () =>
        {
            ValueTask<int> first = server.ReceiveAsync(loop, buffer);
            client.Send([1]);
            await first;
            Task<int> second = server.ReceiveAsync(loop, buffer).AsTask();
            client.Send([2]);

            while (!second.IsCompleted)
            {
                loop.Start(RunFlags.Once);
            }

            Assert.Equal(1, second.Result);
            Assert.Equal(2, buffer[0]);
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_continuation_may_run_another_loop(Backends backend)
    {
        Loop loop = NewLoop(backend), other = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        byte[] buffer = new byte[10];
        Drive(loop, async () =>
        {
            ValueTask<int> first = server.ReceiveAsync(loop, buffer);
            client.Send([1]);
            await first;
            Task<int> second = server.ReceiveAsync(other, buffer).AsTask();
            client.Send([2, 3]);

            while (!second.IsCompleted)
            {
                other.Start(RunFlags.Once);
            }

            Assert.Equal(2, second.Result);
        }, withContext: false);
        AssertIdle(loop);
        AssertIdle(other);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_Stop_within_the_continuation_leaves_no_watcher(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        client.Send([1, 2]);
        _ = StopAsync();
        loop.Start();
        AssertIdle(loop);

        async Task StopAsync()
        {
            await loop.WaitAsync(server, Events.Read).ConfigureAwait(false);
            loop.Stop(BreakHow.All);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_continuation_that_throws_leaves_no_watcher(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        int told = 0;
        loop.CallbackException += (_, _) => told++;
        client.Send([1]);
        loop.WaitAsync(server, Events.Read).ConfigureAwait(false).GetAwaiter()
            .UnsafeOnCompleted(() => throw new InvalidTimeZoneException());
        Assert.False(loop.Start());
        Assert.Equal(1, told);
        Assert.Null(loop.Waits.Renewable);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_continuation_may_dispose_the_loop(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        client.Send([1]);
        Task main = DisposeAsync();
        Assert.False(loop.Start());
        main.GetAwaiter().GetResult();

        async Task DisposeAsync()
        {
            await loop.WaitAsync(server, Events.Read).ConfigureAwait(false);
            loop.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_continuation_on_another_thread_leaves_no_watcher(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            for (int i = 0; i < 50; i++)
            {
                byte[] buffer = new byte[1];
                Task<int> received = server.ReceiveAsync(loop, buffer).AsTask();
                client.Send([1]);
                Assert.Equal(1, await Task.Run(async () => await received));
            }
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Streams_echo_and_are_disposed_by_the_continuation_and_by_another_thread(Backends backend)
    {
        Loop loop = NewLoop(backend);

        foreach (bool elsewhere in new[] { false, true })
        {
            for (int i = 0; i < 20; i++)
            {
                (Socket client, Socket server) = NewConnection();
                Drive(loop, async () =>
                {
                    var stream = new LoopStream(loop, server, ownsSocket: true);
                    byte[] buffer = new byte[10];

                    for (byte k = 1; k < 5; k++)
                    {
                        ValueTask<int> read = stream.ReadAsync(buffer);
                        client.Send([k]);
                        Assert.Equal(1, await read);
                        await stream.WriteAsync(buffer.AsMemory(0, 1));
                    }

                    if (elsewhere)
                    {
                        var disposed = new ManualResetEventSlim();
                        ThreadPool.UnsafeQueueUserWorkItem(_ =>
                        {
                            stream.Dispose();
                            disposed.Set();
                        }, null);
                        disposed.Wait();
                    }
                    else
                    {
                        await stream.DisposeAsync();
                    }

                    Assert.Throws<ObjectDisposedException>(() => { _ = stream.ReadAsync(buffer); });
                    Assert.Equal(4, await client.ReceiveAsync(loop, buffer));
                    Assert.Equal(0, await client.ReceiveAsync(loop, buffer));
                });
                AssertIdle(loop);
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_accept_loop_accepts_every_connection(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket listener = NewListener();
        Drive(loop, async () =>
        {
            Task accepting = AcceptAsync();

            for (int i = 0; i < 50; i++)
            {
                using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await client.ConnectAsync(loop, listener.LocalEndPoint!);
                Assert.Equal(0, await client.ReceiveAsync(loop, new byte[1]));
            }

            await accepting;
        });
        AssertIdle(loop);

        async Task AcceptAsync()
        {
            for (int i = 0; i < 50; i++)
            {
                using Socket accepted = await listener.AcceptAsync(loop);
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_short_receive_is_not_tried_again_before_the_next_event(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[2];
            ValueTask<int> received = server.ReceiveAsync(loop, buffer);
            client.Send([1]);
            Assert.Equal(1, await received);
            client.Send([2]);
            Assert.True(server.Poll(1_000_000, SelectMode.SelectRead));
            received = server.ReceiveAsync(loop, buffer);
            Assert.False(received.IsCompleted); // it has not called recv, because the last receive was short
            Assert.Equal(1, await received);

            // After a receive that filled its buffer, the next one calls recv at once.
            client.Send([3, 4, 5, 6]);
            Assert.Equal(2, await server.ReceiveAsync(loop, buffer));
            Assert.Equal(2, await server.ReceiveAsync(loop, buffer));
            await loop.Delay(0);
            client.Send([7]);
            Assert.True(server.Poll(1_000_000, SelectMode.SelectRead));
            received = server.ReceiveAsync(loop, buffer);
            Assert.True(received.IsCompletedSuccessfully); // it has called recv at once, because it follows the delay and not a short receive
            Assert.Equal(1, received.Result);
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_renewed_wait_allocates_nothing(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        long allocated = -1;
        byte[] buffer = new byte[10], message = [1];
        Drive(loop, async () => allocated = await AllocatedByAsync(() =>
        {
            ValueTask<int> received = server.ReceiveAsync(loop, buffer);
            client.Send(message);
            return received;
        }));
        Assert.Equal(0, allocated);
        AssertIdle(loop);
    }

    private static async Task EchoAsync(Loop loop, Socket socket, int messages)
    {
        byte[] buffer = new byte[100];

        for (int i = 0; i < messages; i++)
        {
            int count = await socket.ReceiveAsync(loop, buffer);
            await socket.SendAsync(loop, buffer.AsMemory(0, count));
        }
    }
}
