using System;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Connections that end before their request or answer is complete.</summary>
public sealed class ResetTests
{
    private const int Deadline = 60_000;
    private const string Request = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789";

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_client_resets_at_every_byte_of_a_request(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient witness = await server.ConnectAsync();
        await AskAsync(witness, 0); // makes the server accept the witness before its sockets are counted
        int before = FileDescriptors.Settled();

        for (int i = 0; i <= Request.Length; i++)
        {
            using RawClient client = await server.ConnectAsync();
            await client.SendAsync(Request[..i]);
            client.Reset();
            using RawClient polite = await server.ConnectAsync();
            await polite.SendAsync(Request[..i]);
            polite.Socket.Shutdown(SocketShutdown.Both);
        }

        await AskAsync(witness, 1);
        await FileDescriptors.UntilAsync(before); // the log is not checked, because Kestrel logs the failed reads of the handler as errors
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_client_resets_in_the_middle_of_an_answer(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient witness = await server.ConnectAsync();
        await AskAsync(witness, 0); // makes the server accept the witness before its sockets are counted
        int before = FileDescriptors.Settled();

        for (int i = 0; i < 30; i++)
        {
            using RawClient client = await server.ConnectAsync();
            await client.SendAsync("GET /big?50000000 HTTP/1.1\r\nHost: h\r\n\r\n");
            await client.ReceiveAsync("xx");
            client.Reset();
        }

        await AskAsync(witness, 1);
        await FileDescriptors.UntilAsync(before);
        server.Log.AssertNoErrors();
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_reset_cancels_the_handler(Mode mode)
    {
        var aborted = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        await using Server server = await StartWaitingAsync(mode, begun, aborted);
        using RawClient client = await AskToWaitAsync(server, begun);
        client.Reset();
        await aborted.Task;
        await server.Log.UntilAsync("\" reset.");
    }

    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_logger_that_throws_keeps_no_connection_open(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient witness = await server.ConnectAsync();
        await AskAsync(witness, 0); // makes the server accept the witness before its sockets are counted
        int before = FileDescriptors.Settled();
        server.Log.OnMessage = message =>
        {
            if (message.EndsWith("received FIN.", StringComparison.Ordinal) || message.Contains("\" sending ", StringComparison.Ordinal))
            {
                throw new InvalidOperationException("the disk is full");
            }
        };

        for (int i = 0; i < 5; i++)
        {
            using RawClient client = await server.ConnectAsync();
            await AskAsync(client, 0);
            client.Socket.Shutdown(SocketShutdown.Send);
            await client.ReceiveToEndAsync();
        }

        Assert.True(server.Log.Has("received FIN."));
        await FileDescriptors.UntilAsync(before);
        await AskAsync(witness, 1);
        server.Log.AssertNoErrors();
    }

    /// <summary>For Kestrel a FIN is the end of the connection, with its own transport too.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_fin_cancels_the_handler(Mode mode)
    {
        var aborted = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        await using Server server = await StartWaitingAsync(mode, begun, aborted);
        using RawClient client = await AskToWaitAsync(server, begun);
        client.Socket.Shutdown(SocketShutdown.Send);
        await aborted.Task;
        await client.ReceiveToEndAsync();
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Abort_sends_a_reset(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);

        for (int i = 0; i < 5; i++)
        {
            using RawClient client = await server.ConnectAsync();
            await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            await client.ReceiveAsync("hello");
            await client.SendAsync("GET /abort HTTP/1.1\r\nHost: h\r\n\r\n");
            SocketException e = await Assert.ThrowsAsync<SocketException>(client.ReceiveToEndAsync);
            Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        }
    }

    private static async Task AskAsync(RawClient client, int number)
    {
        await client.SendAsync($"GET /number?{number} HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync($"[{number}]");
    }

    /// <summary>A server whose handler waits until its request is aborted.</summary>
    private static Task<Server> StartWaitingAsync(Mode mode, TaskCompletionSource begun, TaskCompletionSource aborted) =>
        Server.StartAsync(mode, map: app => app.Map("/wait", (RequestDelegate)(async c =>
        {
            using CancellationTokenRegistration registration = c.RequestAborted.Register(() => aborted.TrySetResult());
            begun.TrySetResult();
            await aborted.Task;
        })));

    private static async Task<RawClient> AskToWaitAsync(Server server, TaskCompletionSource begun)
    {
        RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
        await begun.Task;
        return client;
    }
}
