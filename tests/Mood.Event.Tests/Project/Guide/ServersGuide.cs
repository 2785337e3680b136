using System;
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
