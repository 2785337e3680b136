using System;
using System.Diagnostics;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests.Guide;

/// <summary>The code of docs/guide/servers.md.</summary>
public sealed class ServersGuide : FdTestBase
{
    [Fact]
    public void A_server()
    {
        using var loop = new Loop();
        using var stop = new CancellationTokenSource();

        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, new IPEndPoint(IPAddress.Loopback, 0), EchoAsync);
            Task client = TalkAsync(loop, server.EndPoint, stop);
            await server.RunAsync(stop.Token); // serves until the token is cancelled
            await client;
        });

        static async Task EchoAsync(LoopStream stream, CancellationToken token)
        {
            byte[] buffer = new byte[4096];

            while (await stream.ReadAsync(buffer, token) is int count and > 0)
            {
                await stream.WriteAsync(buffer.AsMemory(0, count), token);
            }
        }
    }

    [Fact]
    public void An_idle_connection_does_not_hold_the_stop()
    {
        using var loop = new Loop();
        using var stop = new CancellationTokenSource();
        EndPoint endPoint = new IPEndPoint(IPAddress.Loopback, 0);
        var clock = Stopwatch.StartNew();

        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, endPoint, (stream, token) => EchoUntilAsync(stream, stop.Token, token));
            await using LoopStream client = await LoopStream.ConnectAsync(loop, server.EndPoint);
            byte[] buffer = new byte[1];
            await client.WriteAsync(new byte[] { 42 });
            Assert.Equal(1, await client.ReadAsync(buffer));
            await stop.CancelAsync();
            await server.StopAsync(TimeSpan.FromDays(1)); // the idle client is still connected
            Assert.Equal(0, await client.ReadAsync(buffer));
        });
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));

        static async Task EchoUntilAsync(LoopStream stream, CancellationToken stop, CancellationToken token)
        {
            byte[] buffer = new byte[4096];

            try
            {
                while (await stream.ReadAsync(buffer, stop) is int count and > 0)
                {
                    await stream.WriteAsync(buffer.AsMemory(0, count), token); // `stop` does not cut an answer
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // the server stops while this connection is idle
            }
        }
    }

    [Fact]
    public void Limits()
    {
        var options = new LoopServerOptions
        {
            MaxConnections = 1000,                     // further connections wait in the backlog
            Backlog = 256,                             // how many connections the kernel keeps waiting
            IdleTimeout = TimeSpan.FromMinutes(1),     // closes a connection without a completed read or write
            ShutdownTimeout = TimeSpan.FromSeconds(5), // the grace of RunAsync
        };

        Assert.Equal(256, options.Backlog);
    }

    private static async Task TalkAsync(Loop loop, EndPoint server, CancellationTokenSource stop)
    {
        await using LoopStream stream = await LoopStream.ConnectAsync(loop, server);
        byte[] buffer = new byte[1];
        await stream.WriteAsync(new byte[] { 42 });
        Assert.Equal(1, await stream.ReadAsync(buffer));
        Assert.Equal(42, buffer[0]);
        await stop.CancelAsync();
    }
}
