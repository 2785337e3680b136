using System;
using System.Globalization;
using System.IO;
using System.Net.WebSockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The handlers that every server of these tests has.</summary>
internal static class Handlers
{
    public static void Map(WebApplication app)
    {
        app.Map("/", (RequestDelegate)(c => c.Response.WriteAsync("hello")));
        app.Map("/number", (RequestDelegate)(c => c.Response.WriteAsync($"[{c.Request.QueryString.Value![1..]}]")));
        app.Map("/connection", (RequestDelegate)(c => c.Response.WriteAsync(c.Connection.Id)));
        app.Map("/remote", (RequestDelegate)(c => c.Response.WriteAsync($"{c.Connection.RemoteIpAddress} {c.Connection.RemotePort} {c.Connection.LocalPort}")));
        app.Map("/socket", (RequestDelegate)(c => c.Response.WriteAsync(
            (c.Features.Get<IConnectionSocketFeature>()!.Socket.Handle != -1).ToString())));
        app.Map("/context", (RequestDelegate)(c => c.Response.WriteAsync(
            $"{SynchronizationContext.Current is null} {TaskScheduler.Current == TaskScheduler.Default}")));
        app.Map("/big", (RequestDelegate)Big);
        app.Map("/echo", (RequestDelegate)Echo);
        app.Map("/length", (RequestDelegate)Length);
        app.Map("/lines", (RequestDelegate)Lines);
        app.Map("/abort", (RequestDelegate)Abort);
        app.Map("/ws", (RequestDelegate)WebSocketEcho);
    }

    private static int Number(HttpContext context) => int.Parse(context.Request.QueryString.Value![1..], CultureInfo.InvariantCulture);

    /// <summary>Answers with the number of bytes that the query gives.</summary>
    private static async Task Big(HttpContext context)
    {
        byte[] chunk = new byte[10_000];
        Array.Fill(chunk, (byte)'x');

        for (int rest = Number(context); rest > 0; rest -= chunk.Length)
        {
            await context.Response.Body.WriteAsync(chunk.AsMemory(0, Math.Min(rest, chunk.Length)));
        }
    }

    private static Task Echo(HttpContext context) => context.Request.Body.CopyToAsync(context.Response.Body);

    private static async Task Length(HttpContext context)
    {
        byte[] buffer = new byte[65536];
        long length = 0;
        int count;

        while ((count = await context.Request.Body.ReadAsync(buffer)) > 0)
        {
            length += count;
        }

        await context.Response.WriteAsync(length.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Sends each line of the request back when the line has arrived.</summary>
    private static async Task Lines(HttpContext context)
    {
        await context.Response.StartAsync();
        await context.Response.Body.FlushAsync();
        using var reader = new StreamReader(context.Request.Body);

        while (await reader.ReadLineAsync() is string line)
        {
            await context.Response.WriteAsync(line + "\n");
            await context.Response.Body.FlushAsync();
        }
    }

    private static Task Abort(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    private static async Task WebSocketEcho(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[4096];

        while (true)
        {
            ValueWebSocketReceiveResult result = await socket.ReceiveAsync(buffer.AsMemory(), default);

            if (result.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, default);
        }
    }
}
