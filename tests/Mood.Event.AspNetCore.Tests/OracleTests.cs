using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics.Metrics;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The features, the log and the metrics equal those of Kestrel's own transport.</summary>
public sealed partial class OracleTests
{
    private const int Deadline = 60_000;

    public static IEnumerable<object[]> Endings =>
        from mode in new[] { Mode.Pool, Mode.Inline }
        from ending in new[] { "fin", "reset", "close", "abort", "nonsense", "reset in a head", "reset in a body" }
        select new object[] { mode, ending };

    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_connection_has_the_same_features(Mode mode)
    {
        string[] expected = await FeaturesAsync(Mode.Sockets), actual = await FeaturesAsync(mode);
        Assert.Contains(nameof(IConnectionSocketFeature), expected);
        Assert.Contains(nameof(IMemoryPoolFeature), expected);
        Assert.Empty(expected.Except(actual));
    }

    /// <summary>The messages are equal except for the reason that some give after "because".</summary>
    [Theory(Timeout = Deadline)]
    [MemberData(nameof(Endings))]
    public async Task The_same_messages_are_logged(Mode mode, string ending)
    {
        string[] expected = await MessagesAsync(Mode.Sockets, ending), actual = await MessagesAsync(mode, ending);
        Assert.Contains("Connection id \"\" stopped.", expected);
        Assert.Equal(expected, actual);
    }

    [Theory(Timeout = Deadline)]
    [MemberData(nameof(Endings))]
    public async Task The_same_metrics_are_recorded(Mode mode, string ending) =>
        Assert.Equal(await MetricsAsync(Mode.Sockets, ending), await MetricsAsync(mode, ending));

    private static async Task<string[]> FeaturesAsync(Mode mode)
    {
        var features = new TaskCompletionSource<string[]>();
        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.Use(next => connection =>
        {
            IMemoryPoolFeature pool = connection.Features.Get<IMemoryPoolFeature>()!;
            pool.MemoryPool.Rent(100).Dispose();
            Assert.Equal(ProtocolType.Tcp, connection.Features.Get<IConnectionSocketFeature>()!.Socket.ProtocolType);
            connection.Items["key"] = "value";
            Assert.Equal("value", connection.Items["key"]);
            features.TrySetResult([.. connection.Features.Select(f => f.Key.Name).Order(StringComparer.Ordinal)]);
            return next(connection);
        })));
        using RawClient client = await server.ConnectAsync();
        return await features.Task;
    }

    private static async Task<string[]> MessagesAsync(Mode mode, string ending)
    {
        var later = new Later();
        await using Server server = await later.StartAsync(mode);
        await EndAsync(server, later, ending);
        return [.. server.Log.Entries.Select(e => e.Message)
            .Where(m => m.StartsWith("Connection id \"", StringComparison.Ordinal))
            .Select(m => Because().Replace(Quoted().Replace(m, "id \"\""), "because"))
            .Order(StringComparer.Ordinal)];
    }

    private static async Task<string[]> MetricsAsync(Mode mode, string ending)
    {
        var seen = new ConcurrentQueue<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == "Microsoft.AspNetCore.Server.Kestrel")
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => seen.Enqueue($"{instrument.Name} {value} {Text(tags)}"));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => seen.Enqueue($"{instrument.Name} {Text(tags)}"));
        listener.Start();

        var later = new Later();

        await using (Server server = await later.StartAsync(mode))
        {
            await EndAsync(server, later, ending);
        }

        Assert.Contains(seen, s => s.StartsWith("kestrel.connection.duration", StringComparison.Ordinal));
        return [.. seen.Order(StringComparer.Ordinal)];
    }

    private static string Text(ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        string.Join(' ', tags.ToArray().Where(t => t.Key != "server.port").Select(t => $"{t.Key}={t.Value}"));

    /// <summary>Sends one request, ends the connection in the given way, and waits until the server has ended it too.</summary>
    private static async Task EndAsync(Server server, Later later, string ending)
    {
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("\r\n0\r\n\r\n");

        switch (ending)
        {
            case "fin":
                client.Socket.Shutdown(SocketShutdown.Send);
                await client.ReceiveToEndAsync();
                break;
            case "reset":
                client.Reset();
                break;
            case "close":
                await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
                await client.ReceiveToEndAsync();
                break;
            case "abort":
                await client.SendAsync("GET /abort HTTP/1.1\r\nHost: h\r\n\r\n");
                await Assert.ThrowsAsync<SocketException>(client.ReceiveToEndAsync);
                break;
            case "nonsense":
                await client.SendAsync("nonsense\r\n\r\n");
                await client.ReceiveToEndAsync();
                break;
            case "reset in a head":
                await client.SendAsync("GET / HTTP/1.1\r\nHos");
                await Task.Delay(50); // so that Kestrel has read it and waits for the rest
                client.Reset();
                break;
            case "reset in a body":
                await client.SendAsync("POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
                await later.Begun.Task;
                client.Reset();
                await server.Log.UntilAsync("\" reset.");
                later.GoOn.SetResult();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(ending));
        }

        await server.Log.UntilAsync("\" stopped.");
        await Task.Delay(100); // waits for what the transport logs at the same time
    }

    /// <summary>A handler that reads the request's body after the connection is reset. If it read at the time of the reset, Kestrel's
    /// messages would depend on what Kestrel notices first, with either transport.</summary>
    private sealed class Later
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Server> StartAsync(Mode mode) => Server.StartAsync(mode, map: app => app.Map("/later", (RequestDelegate)(async c =>
        {
            var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using CancellationTokenRegistration registration = c.RequestAborted.Register(aborted.SetResult);
            Begun.SetResult();
            await GoOn.Task;
            await aborted.Task;
            await c.Request.Body.CopyToAsync(System.IO.Stream.Null);
        })));
    }

    [GeneratedRegex("id \"[^\"]*\"")]
    private static partial Regex Quoted();

    [GeneratedRegex("because.*", RegexOptions.Singleline)]
    private static partial Regex Because();
}
