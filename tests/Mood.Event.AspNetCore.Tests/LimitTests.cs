using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Kestrel's limits.</summary>
public sealed class LimitTests
{
    private const int Deadline = 60_000;

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Connections_beyond_the_limit_are_closed(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, o =>
        {
            o.Listen(IPAddress.Loopback, 0);
            o.Limits.MaxConcurrentConnections = 2;
        });
        using RawClient one = await server.ConnectAsync(), two = await server.ConnectAsync();
        await AskAsync(one);
        await AskAsync(two);
        using RawClient three = await server.ConnectAsync();
        Assert.Equal("", await ToEndAsync(three));
        one.Dispose();

        while (true)
        {
            using RawClient four = await server.ConnectAsync();

            try
            {
                await AskAsync(four);
                break;
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
            {
                await Task.Delay(20); // the server has not noticed yet that the first client has closed its connection
            }
        }

        await AskAsync(two);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Idle_connections_are_closed(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, o =>
        {
            o.Listen(IPAddress.Loopback, 0);
            o.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(3);
            o.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(3);
        });
        using RawClient slow = await server.ConnectAsync();
        await slow.SendAsync("GET / HTTP/1.1\r\n");
        using RawClient idle = await server.ConnectAsync();
        await AskAsync(idle);
        Assert.EndsWith("0\r\n\r\n", await ToEndAsync(idle), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 408", await ToEndAsync(slow), StringComparison.Ordinal);
    }

    /// <summary>Kestrel closes a connection whose client receives or sends slower than its minimum rates.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Clients_that_are_too_slow_are_closed(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, o =>
        {
            o.Listen(IPAddress.Loopback, 0);
            o.Limits.MinRequestBodyDataRate = new MinDataRate(10_000, TimeSpan.FromSeconds(1.5));

            // Kestrel gives the client as much time as all bytes need at this rate, also the bytes that the kernel has taken at once. The
            // rate is high, so that this time is short.
            o.Limits.MinResponseDataRate = new MinDataRate(50_000_000, TimeSpan.FromSeconds(1.5));
        });
        using RawClient sender = await server.ConnectAsync(), receiver = await server.ConnectAsync();
        await sender.SendAsync("POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nfew");
        await receiver.SendAsync("GET /big?50000000 HTTP/1.1\r\nHost: h\r\n\r\n"); // receives nothing
        Assert.StartsWith("HTTP/1.1 408", await ToEndAsync(sender), StringComparison.Ordinal);

        while (!server.Log.Entries.Any(e => e.Message.Contains("\" sending RST because", StringComparison.Ordinal)))
        {
            await Task.Delay(10);
        }
    }

    private static async Task AskAsync(RawClient client)
    {
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("\r\n0\r\n\r\n");
    }

    // A reset counts as the end too.
    private static async Task<string> ToEndAsync(RawClient client)
    {
        try
        {
            return await client.ReceiveToEndAsync();
        }
        catch (System.Net.Sockets.SocketException)
        {
            return "";
        }
    }
}
