using System;
using System.IO;
using System.Net;
using System.Threading.Tasks;
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
                await Task.Delay(20); // the server has not noticed yet that the first is gone
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

    private static async Task AskAsync(RawClient client)
    {
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("\r\n0\r\n\r\n");
    }

    // a reset counts as the end, too
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
