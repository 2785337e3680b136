using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>LoopServer under load, at the end of its loop, and without file descriptors.</summary>
public sealed class LoopServerLifetimeTests : AwaitTestBase
{
    // Counts only what the server and the tests open, because the runtime may open other files meanwhile.
    private static int OpenSockets() =>
        Posix.OpenFiles().Count(f => f.Contains("socket:", StringComparison.Ordinal) || f.Contains("/dev/null", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Dispose_of_the_loop_leaks_neither_the_listener_nor_connections_nor_timers(Backends backend)
    {
        int fds = OpenSockets();
        Loop loop = NewLoop(backend);
        LoopServer? server = null;
        Task? running = null;
        var clients = new List<Socket>();
        loop.Run(async () =>
        {
            var options = new LoopServerOptions { IdleTimeout = TimeSpan.FromSeconds(100), MaxConnections = 6 };
            int calls = 0;
            server = LoopServer.Listen(loop, AnyPort, HandleAsync, options);
            running = server.RunAsync();

            for (int i = 0; i < 8; i++) // two more than MaxConnections: they wait in the backlog
            {
                clients.Add(Connect(server.EndPoint));
            }

            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 6);

            Task HandleAsync(LoopStream stream, CancellationToken token) => ++calls % 2 == 0
                ? new TaskCompletionSource().Task // never ends
                : LoopServerTests.EchoAsync(stream, token);
        });
        loop.Dispose();
        Assert.True(running!.IsCompletedSuccessfully);
        Assert.Throws<SocketException>(() => Connect(server!.EndPoint));
        Assert.True(server!.StopAsync(TimeSpan.FromSeconds(1)).IsCompleted);
        clients.ForEach(c => c.Dispose());
        Assert.Equal(fds, OpenSockets());
        Assert.Equal((0, 0), Live());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_handler_that_ends_on_the_thread_pool_after_the_loop_is_no_connection_any_more(bool fails)
    {
        Loop loop = NewLoop();
        var reports = new List<string>();
        loop.CallbackException += (_, e) => reports.Add(e.Exception.Message);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        LoopServer? server = null;
        loop.Run(async () =>
        {
            server = LoopServer.Listen(loop, AnyPort, HandleAsync);
            using Socket client = Connect(server.EndPoint);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 1);
        });
        loop.Dispose();
        go.SetResult();
        Assert.True(Posix.Until(() => server!.ConnectionCount == 0));
        Assert.Equal(fails ? ["its own failure"] : [], reports);

        async Task HandleAsync(LoopStream stream, CancellationToken token)
        {
            await go.Task.ConfigureAwait(false);

            if (fails)
            {
                throw new InvalidDataException("its own failure");
            }
        }
    }

    [Fact]
    public void Dispose_of_a_loop_that_has_not_run_closes_the_listener()
    {
        int fds = OpenSockets();
        Loop loop = NewLoop();
        LoopServer server = LoopServer.Listen(loop, AnyPort, LoopServerTests.EchoAsync);
        loop.Dispose();
        Assert.Throws<SocketException>(() => Connect(server.EndPoint));
        Assert.Equal(fds, OpenSockets());
    }

    [Fact]
    public void A_server_that_is_stopped_before_its_loop_runs_opens_nothing_when_it_runs()
    {
        int fds = OpenSockets();
        Loop loop = NewLoop();
        LoopServer server = LoopServer.Listen(
            loop, AnyPort, LoopServerTests.EchoAsync, new LoopServerOptions { IdleTimeout = TimeSpan.FromSeconds(100) });
        Assert.True(server.DisposeAsync().IsCompletedSuccessfully);
        Assert.False(loop.Start());
        Assert.Equal(fds, OpenSockets());
        loop.Dispose();
        Assert.Equal((0, 0), Live());
    }

    // Each accepted connection causes the next one, as in a flood of clients.
    [Fact]
    public void A_stop_does_not_accept_for_ever_while_new_connections_arrive()
    {
        const int enough = 1000;
        Loop loop = NewLoop();
        var clients = new List<Socket>();
        loop.Run(async () =>
        {
            LoopServer? server = null;
            server = LoopServer.Listen(loop, AnyPort, HandleAsync, new LoopServerOptions { Backlog = 16 });
            await loop.Delay(0);
            clients.Add(Connect(server.EndPoint));
            await server.StopAsync(TimeSpan.FromSeconds(Patience));

            Task HandleAsync(LoopStream stream, CancellationToken token)
            {
                if (clients.Count < enough)
                {
                    clients.Add(Connect(server!.EndPoint));
                }

                return Task.CompletedTask;
            }
        });
        clients.ForEach(c => c.Dispose());
        Assert.InRange(clients.Count, 1, enough / 2);
    }

    [Fact]
    public void A_thousand_connections_with_resets_and_half_closes_leave_nothing()
    {
        Loop loop = NewLoop();
        var reports = new List<Exception>();
        loop.CallbackException += (_, e) => reports.Add(e.Exception);
        int served = 0;
        int fds = OpenSockets();
        loop.Run(async () =>
        {
            LoopServer server = LoopServer.Listen(
                loop,
                AnyPort,
                async (stream, token) =>
                {
                    served++;
                    await LoopServerTests.EchoAsync(stream, token);
                },
                new LoopServerOptions { Backlog = 64 });
            await Task.WhenAll(Enumerable.Range(0, 40).Select(WorkAsync));
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 0);
            await server.DisposeAsync();

            async Task WorkAsync(int worker)
            {
                for (int i = 0; i < 25; i++)
                {
                    LoopStream stream = await LoopStream.ConnectAsync(loop, server.EndPoint);
                    Socket socket = stream.Socket;
                    byte[] data = new byte[100_000];

                    switch ((worker + i) % 5)
                    {
                        case 0: // reset at once
                            socket.LingerState = new LingerOption(true, 0);
                            break;
                        case 1: // reset while bytes travel in both directions
                            await stream.WriteAsync(data);
                            socket.LingerState = new LingerOption(true, 0);
                            break;
                        case 2: // half-closed: all bytes come back
                            Task write = stream.WriteAsync(data).AsTask().ContinueWith(
                                _ => socket.Shutdown(SocketShutdown.Send), TaskScheduler.FromCurrentSynchronizationContext());
                            int total = 0;

                            while (await stream.ReadAsync(data) is int count and > 0)
                            {
                                total += count;
                            }

                            await write;
                            Assert.Equal(100_000, total);
                            break;
                        case 3:
                            await LoopServerTests.CheckEchoAsync(loop, socket);
                            break;
                        default: // closed with unread bytes
                            await stream.WriteAsync(data.AsMemory(0, 10));
                            break;
                    }

                    await stream.DisposeAsync();
                }
            }
        });
        Assert.InRange(served, 800, 1000); // a connection that is reset early is never accepted
        Assert.All(reports, e => Assert.IsType<System.IO.IOException>(e)); // the exceptions that the resets caused in the handlers
        Assert.Equal(fds, OpenSockets());
        AssertIdle(loop);
    }

    [Fact]
    public async Task Every_client_gets_an_answer_or_an_error_when_the_server_stops_under_load()
    {
        await using var thread = new LoopThread("server");
        LoopServer server = LoopServer.Listen(thread.Loop, AnyPort, LoopServerTests.EchoAsync);
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(Patience));
        int served = 0;
        Task[] clients = [.. Enumerable.Range(0, 30).Select(_ => Task.Run(WorkAsync))];
        await Task.Delay(300);
        await server.StopAsync(TimeSpan.FromSeconds(Patience));
        await Task.WhenAll(clients);
        Assert.Equal(0, server.ConnectionCount);
        Assert.True(served > 30);

        // Connects, echoes and disconnects until the server has stopped. Each attempt must end with an answer, a refusal or a
        // reset.
        async Task WorkAsync()
        {
            byte[] buffer = new byte[1];

            while (true)
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

                try
                {
                    await socket.ConnectAsync(server.EndPoint, over.Token);
                    await socket.SendAsync(new byte[] { 1 }, over.Token);
                    Assert.Equal(1, await socket.ReceiveAsync(buffer, over.Token));
                    Interlocked.Increment(ref served);
                }
                catch (SocketException)
                {
                    return;
                }
            }
        }
    }

    [Fact]
    public void Connections_in_the_backlog_are_served_at_the_stop()
    {
        Loop loop = NewLoop();
        loop.Run(async () =>
        {
            LoopServer server = LoopServer.Listen(loop, AnyPort, async (stream, token) =>
            {
                byte[] buffer = new byte[1];
                await stream.WriteAsync(buffer.AsMemory(0, await stream.ReadAsync(buffer, token)), token);
            });
            await loop.Delay(0.01);
            Socket[] clients = [.. Enumerable.Range(0, 100).Select(_ => Connect(server.EndPoint))];
            Task stop = server.StopAsync(Patience);

            foreach (Socket client in clients)
            {
                await client.SendAsync(loop, new byte[] { 5 });
                Assert.Equal(1, await client.ReceiveAsync(loop, new byte[1]));
            }

            await stop;
        });
        AssertIdle(loop);
    }

    [Fact]
    public async Task Two_loops_share_a_port()
    {
        await using var group = new LoopGroup(2, "server");
        int[] served = new int[2];
        var options = new LoopServerOptions { ReusePort = true };
        EndPoint endPoint = AnyPort;
        var servers = new List<LoopServer>();

        for (int i = 0; i < 2; i++)
        {
            int index = i;
            servers.Add(LoopServer.Listen(
                group.Loops[i],
                endPoint,
                (stream, token) =>
                {
                    served[index]++;
                    return LoopServerTests.EchoAsync(stream, token);
                },
                options));
            endPoint = servers[0].EndPoint;
        }

        for (int i = 0; i < 100; i++)
        {
            using Socket client = Connect(endPoint);
            client.Send([1]);
            Assert.Equal(1, client.Receive(new byte[1]));
        }

        await Task.WhenAll(servers.Select(s => s.StopAsync(TimeSpan.FromSeconds(Patience))));
        Assert.Equal(100, served.Sum());
        Assert.All(served, count => Assert.True(count > 10));
    }

    [Fact]
    public void Without_file_descriptors_the_server_backs_off_reports_once_and_continues()
    {
        Loop loop = NewLoop();
        var reports = new List<CallbackExceptionEventArgs>();
        loop.CallbackException += (_, e) => reports.Add(e);
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, AnyPort, LoopServerTests.EchoAsync);
            using Socket first = Connect(server.EndPoint);
            await LoopServerTests.CheckEchoAsync(loop, first);
            var clients = Enumerable.Range(0, 30).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();

            // No new descriptor can be made. The sockets of the clients exist already, so only the server's accept fails.
            Posix.WithFdsLeft(0, () =>
            {
                clients.ForEach(c => c.Connect(server.EndPoint));
                uint before = loop.Iteration;
                loop.Run(async () => await loop.Delay(1));
                Assert.InRange(loop.Iteration - before, 0u, 60u);
                Assert.IsType<EventException>(Assert.Single(reports).Exception);
                Assert.Equal($"the LoopServer on {server.EndPoint}", reports[0].ToString());
            });

            foreach (Socket client in clients)
            {
                await LoopServerTests.CheckEchoAsync(loop, client);
                client.Dispose();
            }
        });
        Assert.Single(reports);
        AssertIdle(loop);
    }

    [Fact]
    public void Without_file_descriptors_for_longer_the_server_reports_every_ten_seconds()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        int reports = 0;
        loop.CallbackException += (_, _) => reports++;
        LoopServer server = LoopServer.Listen(loop, AnyPort, LoopServerTests.EchoAsync);
        loop.Start(RunFlags.NoWait);
        using Socket lasting = Connect(server.EndPoint);
        Assert.True(Posix.Until(() => !loop.Start(RunFlags.NoWait) || server.ConnectionCount == 1, Patience));
        using var waiting = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Posix.WithFdsLeft(0, () =>
        {
            waiting.Connect(server.EndPoint);
            Assert.True(Posix.Until(() => !loop.Start(RunFlags.NoWait) || reports == 1, Patience));
            var others = Enumerable.Range(0, 8).Select(_ => System.IO.File.OpenHandle("/dev/null")).ToList(); // what the server's reserve has held
            clock.Advance(loop, 9);
            Assert.Equal(1, reports);
            clock.Advance(loop, 2);
            Assert.Equal(2, reports);
            others.ForEach(other => other.Dispose());
        });
        clock.Advance(loop, 1);
        Assert.Equal(2, server.ConnectionCount);
        Assert.True(server.DisposeAsync().IsCompleted);
    }

    // The runtime ends the process when it cannot open a file for a new thread.
    [Fact]
    public void With_more_clients_than_file_descriptors_it_leaves_some_to_the_runtime_and_accepts_again_later()
    {
        const int Limit = 150;
        using var process = new HostProcess("full-table", $"prlimit --nofile={Limit}");
        Assert.True(Posix.Until(() => process.Output.Contains('.', StringComparison.Ordinal), Patience), process.Output);
        int port = int.Parse(process.Output.Split(' ', '.')[1], System.Globalization.CultureInfo.InvariantCulture);
        var endPoint = new IPEndPoint(IPAddress.Loopback, port);
        using Socket first = Connect(endPoint);
        Echo(first, 'a');
        List<Socket> clients = [.. Enumerable.Range(0, Limit).Select(_ => Connect(endPoint))];

        for (var watch = System.Diagnostics.Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(2);)
        {
            Echo(first, 'a'); // the server still answers the first connection
            Thread.Sleep(10);
        }

        clients.ForEach(client => client.Dispose());
        using Socket last = Connect(endPoint);
        Echo(last, 'q');
        (int status, string output) = process.WaitForEnd();
        Assert.True(status == 0, output);
        Assert.Matches("free [4-8] reported True", output);

        static void Echo(Socket socket, char value)
        {
            socket.ReceiveTimeout = (int)(Patience * 1000);
            socket.Send([(byte)value]);
            Assert.Equal(1, socket.Receive(new byte[1]));
        }
    }

    // A handler whose continuation waits in the queue runs during Dispose, and can use neither the loop nor its stream.
    [Fact]
    public void An_exception_that_Dispose_causes_in_a_handler_is_not_reported()
    {
        Loop loop = NewLoop();
        var reports = new List<Exception>();
        loop.CallbackException += (_, e) => reports.Add(e.Exception);
        TaskCompletionSource entered = new(), go = new();
        Task? handled = null;
        Socket? client = null;
        loop.Run(async () =>
        {
            LoopServer server = LoopServer.Listen(loop, AnyPort, (_, _) => handled = HandleAsync());
            client = Connect(server.EndPoint);
            await entered.Task;
        });
        go.SetResult();
        loop.Dispose();
        Assert.IsType<ObjectDisposedException>(handled!.Exception!.InnerException);
        Assert.Empty(reports);

        async Task HandleAsync()
        {
            entered.SetResult();
            await go.Task;
            await loop.Delay(1);
        }
    }

    [Fact]
    public void With_few_file_descriptors_left_and_a_lasting_connection_the_server_accepts_without_its_reserve()
    {
        Loop loop = NewLoop();
        loop.CallbackException += (_, _) => { };
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, AnyPort, LoopServerTests.EchoAsync);
            using Socket first = Connect(server.EndPoint);
            await LoopServerTests.CheckEchoAsync(loop, first);
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            Posix.WithFdsLeft(0, () =>
            {
                client.Connect(server.EndPoint);
                loop.Run(async () => await loop.Delay(0.05)); // the server has released its reserve of 8
                var others = Enumerable.Range(0, 5).Select(_ => System.IO.File.OpenHandle("/dev/null")).ToList();
                loop.Run(async () =>
                {
                    for (double end = loop.Now() + Patience; server.ConnectionCount < 2 && loop.Now() < end;)
                    {
                        await loop.Delay(0.01);
                    }
                });
                others.ForEach(other => other.Dispose());
                Assert.Equal(2, server.ConnectionCount);
            });
            await LoopServerTests.CheckEchoAsync(loop, client);
        });
    }

    [Fact]
    public void With_few_file_descriptors_left_and_no_connection_the_server_accepts_without_its_reserve()
    {
        Loop loop = NewLoop();
        loop.CallbackException += (_, _) => { };
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, AnyPort, LoopServerTests.EchoAsync);

            using (Socket first = Connect(server.EndPoint))
            {
                await LoopServerTests.CheckEchoAsync(loop, first);
            }

            while (server.ConnectionCount > 0)
            {
                await loop.Delay(0.01);
            }

            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            Posix.WithFdsLeft(0, () =>
            {
                client.Connect(server.EndPoint);
                loop.Run(async () => await loop.Delay(0.05)); // the server has released its reserve of 8
                var others = Enumerable.Range(0, 5).Select(_ => System.IO.File.OpenHandle("/dev/null")).ToList();
                loop.Run(async () => await loop.Delay(0.5));
                others.ForEach(other => other.Dispose());
                Assert.Equal(1, server.ConnectionCount);
            });
            await LoopServerTests.CheckEchoAsync(loop, client);
        });
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public async Task StopAsync_in_a_reschedule_function_stops_the_server_in_the_next_iteration(Backends backend)
    {
        Loop loop = NewLoop(backend);
        LoopServer server = LoopServer.Listen(
            loop, AnyPort, (_, _) => Task.CompletedTask, new LoopServerOptions { IdleTimeout = TimeSpan.FromSeconds(100) });
        loop.Start(RunFlags.NoWait);
        Task running = server.RunAsync();
        Task? stopping = null;
        Scheduler scheduler = loop.Scheduler(
            (_, _) =>
            {
                stopping = server.StopAsync(TimeSpan.Zero);
                return double.PositiveInfinity;
            },
            (_, _) => { });
        scheduler.Start();
        Assert.NotNull(stopping);
        Assert.False(running.IsCompleted);
        loop.Start();
        await running.WaitAsync(TimeSpan.FromSeconds(Patience)); // RunAsync was called in the context of xunit, which ends it on another thread
        Assert.True(running.IsCompletedSuccessfully);
    }
}
