using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The system refuses something that a server needs.</summary>
public sealed class RefusalTests
{
    private const int Deadline = 60_000, ENOMEM = 12, ENOSPC = 28;

    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool, ENOSPC)]
    [InlineData(Mode.Pool, ENOMEM)]
    [InlineData(Mode.Inline, ENOSPC)]
    [InlineData(Mode.Inline, ENOMEM)]
    public async Task A_connection_that_the_kernel_refuses_to_watch_is_reset_and_the_others_live(Mode mode, int error)
    {
        await using Server server = await Server.StartAsync(mode, transport: o => o.Backends = Backends.Epoll);
        using RawClient one = await server.ConnectAsync(), two = await server.ConnectAsync(); // each loop has one of them
        await AskAsync(one, 1);
        await AskAsync(two, 1);
        mood_fail_watch(error);
        SocketException e = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using RawClient refused = await server.ConnectAsync();
            await refused.ReceiveToEndAsync();
        });
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        using RawClient later = await server.ConnectAsync();
        await AskAsync(one, 2);
        await AskAsync(two, 2);
        await AskAsync(later, 1);
        (LogLevel level, string message, Exception? exception) = Assert.Single(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
        Assert.EndsWith("is reset, because it cannot be served any more.", message, StringComparison.Ordinal);
        Assert.IsType<EventException>(exception);
        Assert.Equal(LogLevel.Error, level);
    }

    [Theory(Timeout = Deadline)]
    [InlineData(ENOSPC)]
    [InlineData(ENOMEM)]
    public async Task If_the_kernel_refuses_to_watch_a_listening_socket_the_server_tries_again(int error)
    {
        await using Server server = await Server.StartAsync(Mode.Pool, transport: o => o.Backends = Backends.Epoll);
        using RawClient one = await server.ConnectAsync(), two = await server.ConnectAsync();
        await AskAsync(one, 1); // the loops run
        await AskAsync(two, 1);
        mood_fail_watch(error);
        await using IConnectionListener listener = await FactoryOf(server.Services).BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.EndPoint);
        await using ConnectionContext? accepted = await listener.AcceptAsync();
        Assert.Equal(client.LocalEndPoint, accepted!.RemoteEndPoint);
        (LogLevel level, string message, Exception? exception) = Assert.Single(server.Log.Entries, entry => entry.Level >= LogLevel.Warning);
        Assert.StartsWith($"{listener.EndPoint}: connections cannot be accepted at the moment.", message, StringComparison.Ordinal);
        Assert.IsType<EventException>(exception);
        Assert.Equal(LogLevel.Warning, level);
    }

    /// <summary>A server with two loops starts four threads. Each of them may be the one that cannot be started.</summary>
    [Fact(Timeout = Deadline)]
    public async Task If_a_thread_cannot_be_started_those_that_run_end()
    {
        using Process process = Process.Start(new ProcessStartInfo(
            "sh", ["-c", $"exec {ThreadLimit.Command} \"$@\"", "sh", Environment.ProcessPath!, typeof(RefusalTests).Assembly.Location, "threads"])
        {
            RedirectStandardOutput = true,
        })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal("0 refused\n1 refused\n2 refused\n3 refused\n4 bound\n", output);
    }

    /// <summary>The part of the test above that runs in a process of its own.</summary>
    internal static async Task BindWithFewThreadsAsync(IServiceProvider services)
    {
        IConnectionListenerFactory factory = FactoryOf(services);
        var endPoint = new IPEndPoint(IPAddress.Loopback, 0);
        await (await factory.BindAsync(endPoint)).DisposeAsync(); // loads what it needs
        await AssertNoThreadsAsync();

        for (int threads = 0; threads <= 4; threads++)
        {
            ValueTask<IConnectionListener> binding = default;
            ThreadLimit.Leave(threads, () => binding = factory.BindAsync(endPoint)); // the threads are started before it returns

            try
            {
                await (await binding).DisposeAsync();
                Console.WriteLine($"{threads} bound");
            }
            catch (OutOfMemoryException)
            {
                Console.WriteLine($"{threads} refused");
            }

            await AssertNoThreadsAsync();
        }
    }

    private static async Task AssertNoThreadsAsync()
    {
        var watch = Stopwatch.StartNew();

        while (ThreadNames().Any(name => name.StartsWith("Kestrel", StringComparison.Ordinal)))
        {
            Assert.True(watch.Elapsed.TotalSeconds < 5, string.Join(", ", ThreadNames()));
            await Task.Delay(10);
        }
    }

    private static string[] ThreadNames() => [.. Directory.GetDirectories("/proc/self/task").Select(thread =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, "comm"));
        }
        catch (IOException)
        {
            return ""; // it has ended
        }
    })];

    private static IConnectionListenerFactory FactoryOf(IServiceProvider services) => services.GetServices<IConnectionListenerFactory>()
        .First(factory => factory.GetType().Assembly == typeof(LoopTransportOptions).Assembly);

    private static async Task AskAsync(RawClient client, int count)
    {
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync(s => s.Split("\r\n0\r\n\r\n").Length > count);
    }

    // native/testing.h
    [DllImport("mood_event", ExactSpelling = true)]
    private static extern void mood_fail_watch(int error);
}
