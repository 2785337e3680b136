using System;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Flushes, backpressure, and slow and blocking peers.</summary>
public sealed class StreamTests
{
    private const int Deadline = 60_000;

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_flush_arrives_before_the_handler_has_ended(Mode mode)
    {
        var goOn = new TaskCompletionSource();
        await using Server server = await Server.StartAsync(mode, map: app => app.Map("/two", (RequestDelegate)(async c =>
        {
            await c.Response.WriteAsync("first");
            await c.Response.Body.FlushAsync();
            await goOn.Task;
            await c.Response.WriteAsync("second");
        })));
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET /two HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("first");
        goOn.SetResult();
        await client.ReceiveAsync("second");
    }

    /// <summary>The transport defers a flush until the handler returns. The delay must be short.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_flush_arrives_while_the_handler_blocks(Mode mode)
    {
        using var release = new ManualResetEventSlim();
        await using Server server = await Server.StartAsync(mode, map: app => app.Map("/block", (RequestDelegate)(async c =>
        {
            await c.Response.WriteAsync("first");
            await c.Response.Body.FlushAsync();
            release.Wait();
            await c.Response.WriteAsync("second");
        })));
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("hello"); // after this, an inline application runs on the loop's thread
        await client.SendAsync("GET /block HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("first");
        release.Set();
        await client.ReceiveAsync("second");
    }

    /// <summary>
    /// The transport defers the flush of the first answer, because a second request has arrived. The delay must be short.
    /// </summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_deferred_flush_arrives_while_the_next_handler_blocks(Mode mode)
    {
        using var release = new ManualResetEventSlim();
        await using Server server = await Server.StartAsync(mode, map: app => app.Map("/block", (RequestDelegate)(c =>
        {
            release.Wait();
            return c.Response.WriteAsync("blocked");
        })));
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("hello"); // after this, an inline application runs on the loop's thread
        await client.SendAsync("GET /number?1 HTTP/1.1\r\nHost: h\r\n\r\nGET /block HTTP/1.1\r\nHost: h\r\n\r\nGET /number?2 HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("[1]");
        release.Set();
        await client.ReceiveAsync("[2]");
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_deferred_flush_arrives_while_the_next_handler_waits(Mode mode)
    {
        var goOn = new TaskCompletionSource();
        await using Server server = await Server.StartAsync(mode, map: app => app.Map("/wait", (RequestDelegate)(c => goOn.Task)));
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET /number?1 HTTP/1.1\r\nHost: h\r\n\r\nGET /wait HTTP/1.1\r\nHost: h\r\n\r\nGET /number?2 HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("[1]");
        goOn.SetResult();
        await client.ReceiveAsync("[2]");
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_reader_that_stops_makes_the_handler_wait(Mode mode)
    {
        long written = 0;
        await using Server server = await Server.StartAsync(mode, map: app => app.Map("/endless", (RequestDelegate)(async c =>
        {
            byte[] chunk = new byte[100_000];
            Array.Fill(chunk, (byte)'x');

            while (written < 500_000_000)
            {
                await c.Response.Body.WriteAsync(chunk);
                Interlocked.Add(ref written, chunk.Length);
            }
        })));
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
        long seen = await UntilStill(() => Interlocked.Read(ref written));
        Assert.InRange(seen, 100_000, 50_000_000); // the buffers of the kernel hold so many bytes

        // The handler continues when the client reads.
        byte[] buffer = new byte[1_000_000];
        long received = 0;

        while (received < seen + 5_000_000)
        {
            received += await client.Socket.ReceiveAsync(buffer);
        }

        Assert.True(Interlocked.Read(ref written) > seen);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_handler_that_stops_reading_makes_the_client_wait(Mode mode)
    {
        var goOn = new TaskCompletionSource();
        await using Server server = await Server.StartAsync(mode, map: app => app.Map("/later", (RequestDelegate)(async c =>
        {
            await goOn.Task;
            long count = 0;
            byte[] buffer = new byte[100_000];

            while (await c.Request.Body.ReadAsync(buffer) is > 0 and int n)
            {
                count += n;
            }

            await c.Response.WriteAsync($"[{count}]");
        })));
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
        long sent = 0;
        Task sending = Task.Run(async () =>
        {
            byte[] chunk = new byte[100_000];

            for (int i = 0; i < 500; i++)
            {
                for (int offset = 0; offset < chunk.Length;)
                {
                    int count = await client.Socket.SendAsync(chunk.AsMemory(offset));
                    offset += count;
                    Interlocked.Add(ref sent, count);
                }
            }
        });

        if (mode != Mode.Sockets)
        {
            await server.Log.UntilAsync("\" paused.");
        }

        Assert.InRange(await UntilStill(() => Interlocked.Read(ref sent)), 1_000_000, 40_000_000);

        goOn.SetResult();
        await sending;
        await client.ReceiveAsync("[50000000]");

        if (mode != Mode.Sockets)
        {
            Assert.True(server.Log.Has("\" resumed."));
        }
    }

    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Sockets)]
    [InlineData(Mode.Pool)]
    public async Task Blocking_handlers_do_not_delay_other_connections(Mode mode)
    {
        ThreadPool.GetMinThreads(out int workers, out int ports);
        ThreadPool.SetMinThreads(32, ports);

        using var release = new ManualResetEventSlim();
        using var begun = new CountdownEvent(16);
        await using Server server = await Server.StartAsync(mode, map: app => app.Map("/block", (RequestDelegate)(c =>
        {
            begun.Signal();
            release.Wait();
            return c.Response.WriteAsync("blocked");
        })));

        try
        {
            RawClient[] blocked = await Task.WhenAll(Enumerable.Range(0, begun.InitialCount).Select(_ => server.ConnectAsync()));
            await Task.WhenAll(blocked.Select(c => c.SendAsync("GET /block HTTP/1.1\r\nHost: h\r\n\r\n")));
            Assert.True(begun.Wait(TimeSpan.FromSeconds(30)));
            using RawClient client = await server.ConnectAsync();

            for (int i = 0; i < 20; i++)
            {
                await client.SendAsync($"GET /number?{i} HTTP/1.1\r\nHost: h\r\n\r\n");
                await client.ReceiveAsync($"[{i}]");
            }

            Assert.All(blocked, c => Assert.Equal(0, c.Socket.Available));
            release.Set();
            await Task.WhenAll(blocked.Select(c => c.ReceiveAsync("blocked")));
            Array.ForEach(blocked, c => c.Dispose());
        }
        finally
        {
            release.Set();
            ThreadPool.SetMinThreads(workers, ports);
        }
    }

    /// <summary>Waits until a value has not changed for a second, and returns it.</summary>
    private static async Task<long> UntilStill(Func<long> value)
    {
        long last = -1;

        while (last <= 0 || value() != last)
        {
            last = value();
            await Task.Delay(1000);
        }

        return last;
    }
}
