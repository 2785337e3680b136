using System;
using System.Linq;
using System.Net.WebSockets;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>WebSockets.</summary>
public sealed class WebSocketTests
{
    [Theory(Timeout = 60_000)]
    [EachMode]
    public async Task Messages_are_echoed(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using var client = new ClientWebSocket();
            await client.ConnectAsync(new Uri($"ws://{server.EndPoint}/ws"), default);

            foreach (int size in new[] { 1, 100, 5000, 100_000 })
            {
                byte[] message = new byte[size], answer = new byte[size];
                new Random(size).NextBytes(message);
                Task sending = client.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, default);
                int received = 0;

                while (received < size)
                {
                    received += (await client.ReceiveAsync(answer.AsMemory(received), default)).Count;
                }

                await sending;
                Assert.Equal(message, answer);
            }

            await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
        }));
    }
}
