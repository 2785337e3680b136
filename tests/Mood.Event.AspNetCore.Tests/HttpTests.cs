using System;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>HTTP/1.1.</summary>
public sealed class HttpTests
{
    private const int Deadline = 60_000;

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_client_gets_answers_over_one_connection(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using HttpClient client = server.Client();
        string connection = await client.GetStringAsync("/connection");

        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("hello", await client.GetStringAsync("/"));
        }

        Assert.Equal(connection, await client.GetStringAsync("/connection"));
        Assert.Equal("True", await client.GetStringAsync("/socket"));
        Assert.Matches(@"^127\.0\.0\.1 \d+ " + server.EndPoint.Port, await client.GetStringAsync("/remote"));
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task The_application_has_no_synchronization_context(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using HttpClient client = server.Client();
        Assert.Equal("True True", await client.GetStringAsync("/context"));
        Assert.Equal("True True", await client.GetStringAsync("/context"));
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Many_clients_are_served_at_the_same_time(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        string[] connections = await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
        {
            using HttpClient client = server.Client();

            for (int k = 0; k < 10; k++)
            {
                Assert.Equal($"[{i}.{k}]", await client.GetStringAsync($"/number?{i}.{k}"));
            }

            return await client.GetStringAsync("/connection");
        }));
        Assert.Equal(50, connections.Distinct().Count());
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Pipelined_requests_are_answered_in_order(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();

        for (int round = 0; round < 3; round++)
        {
            await client.SendAsync(string.Concat(Enumerable.Range(round * 40, 40).Select(i => $"GET /number?{i} HTTP/1.1\r\nHost: h\r\n\r\n")));
            string answers = await client.ReceiveAsync($"[{(round * 40) + 39}]");
            Assert.Equal(Enumerable.Range(0, (round + 1) * 40), Numbers(answers));
        }
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_request_may_arrive_byte_by_byte(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();

        foreach (char c in "GET /number?1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n[2]")
        {
            await client.SendAsync(c.ToString());
        }

        string answers = await client.ReceiveAsync("[2]");
        Assert.Equal([1, 2], Numbers(answers));
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Chunks_are_received_and_sent(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        await client.ReceiveAsync("5\r\nfirst\r\n");
        await client.SendAsync("6\r\nsecond\r\n0\r\n\r\n");
        Assert.EndsWith("6\r\nsecond\r\n0\r\n\r\n", await client.ReceiveAsync("\r\n0\r\n\r\n"), StringComparison.Ordinal);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_client_waits_for_100_continue(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
        await client.ReceiveAsync("100 Continue\r\n\r\n");
        await client.SendAsync("0123456789");
        await client.ReceiveAsync("\r\n10\r\n");
        using HttpClient other = server.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/length") { Content = new ByteArrayContent(new byte[100_000]) };
        request.Headers.ExpectContinue = true;
        using HttpResponseMessage response = await other.SendAsync(request);
        Assert.Equal("100000", await response.Content.ReadAsStringAsync());
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Large_bodies_are_received_and_sent(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using HttpClient client = server.Client();
        using HttpResponseMessage response = await client.PostAsync("/length", new ByteArrayContent(new byte[20_000_000]));
        Assert.Equal("20000000", await response.Content.ReadAsStringAsync());
        Assert.Equal(30_000_001, (await client.GetByteArrayAsync("/big?30000001")).Length);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_request_that_is_not_HTTP_is_refused(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("nonsense\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400", await client.ReceiveToEndAsync(), StringComparison.Ordinal);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Connection_close_closes_after_the_answer(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET /big?1000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        string answer = await client.ReceiveToEndAsync();
        Assert.Equal(1_000_000, answer.Count(c => c == 'x'));
        Assert.EndsWith("0\r\n\r\n", answer, StringComparison.Ordinal);
    }

    internal static int[] Numbers(string answers) =>
        [.. answers.Split('[').Skip(1).Select(p => int.Parse(p.Split(']')[0], System.Globalization.CultureInfo.InvariantCulture))];
}
