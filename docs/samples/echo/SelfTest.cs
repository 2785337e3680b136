using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>
/// A server and its clients over real sockets, on one loop. With --loops the servers have loops of their own. The test waits until
/// every client has its first message back, lets them send messages for a while, lets each finish its last message and disconnect,
/// and prints the result. The first failure ends the test.
/// </summary>
internal sealed class SelfTest(Loop loop, Options options) : IDisposable
{
    // The time limit for connecting and the first message. The last message and the disconnect have the same limit.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource _allGreeted = new(), _talk = new();
    private int _greeted, _done;
    private bool _isLast; // the messages under way are the last ones
    private long _sent, _received, _trips, _began, _ended, _allocated;
    private string? _failure;

    /// <summary>Runs the test and returns the exit code.</summary>
    public static int Run(Options options)
    {
        using var loop = new Loop(backends: options.Backend);
        using var servers = new Servers(loop, options);
        using var test = new SelfTest(loop, options);
        loop.CallbackException += (_, e) => test.Fail($"unexpected: {e.Exception}");
        loop.Run(stop => test.RunAsync(servers, stop));
        return test.Report();
    }

    public void Dispose() => _over.Dispose();

    private async Task RunAsync(Servers servers, CancellationToken stop)
    {
        using CancellationTokenRegistration interrupt = stop.Register(() => Fail("interrupted by a signal"));
        IPEndPoint server = servers.Start(CancellationToken.None);
        _over.CancelAfter(s_patience);
        Task clients = Task.WhenAll(Enumerable.Range(0, options.Connections).Select(i => TalkAsync(i, server)));
        await Task.WhenAny(_allGreeted.Task, clients);

        if (!clients.IsCompleted)
        {
            _over.CancelAfter(Timeout.InfiniteTimeSpan);
            _talk.SetResult();
            await Task.Yield(); // meanwhile the clients send their second messages
            (_began, _allocated) = (Stopwatch.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());
            await Task.WhenAny(loop.Delay(options.Seconds, stop).AsTask(), clients);
            (_ended, long trips) = (Stopwatch.GetTimestamp(), _trips);
            _allocated = GC.GetAllocatedBytesForCurrentThread() - _allocated;
            _isLast = true;
            _over.CancelAfter(s_patience);
            await clients;
            _trips = trips;
        }

        await servers.StopAsync();
    }

    private async Task TalkAsync(int index, IPEndPoint server)
    {
        byte[] buffer = new byte[Math.Min(options.Size, 64 * 1024)];
        long position = Pattern.Origin(index);

        try
        {
            using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(loop, server, _over.Token);
            using var stream = new LoopStream(loop, socket);

            for (int message = 0; message == 0 || !_isLast; message++)
            {
                // a long message comes back while it is still being sent
                ValueTask sending = stream.WriteAsync(Pattern.At(position, options.Size), _over.Token);
                _sent += options.Size;

                for (int left = options.Size, count; left > 0; left -= count, position += count)
                {
                    count = await stream.ReadAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)), _over.Token);
                    Compare(buffer.AsSpan(0, count), position);
                    _received += count;
                }

                await sending;

                if (message > 0)
                {
                    _trips++;
                    continue;
                }

                // The first message is not counted. When it has come back, the server has accepted, and all buffers exist.
                if (++_greeted == options.Connections)
                {
                    _allGreeted.SetResult();
                }

                await _talk.Task.WaitAsync(_over.Token);
            }

            socket.Shutdown(SocketShutdown.Send);

            if (await stream.ReadAsync(buffer, _over.Token) > 0)
            {
                throw new InvalidDataException("more bytes came back than were sent");
            }

            _done++;
        }
        catch (OperationCanceledException)
        {
            Fail($"time-out after {s_patience.TotalSeconds} s: of {options.Connections} connections, {_greeted} had an answer and {_done} ended");
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
        {
            Fail($"connection {index}, byte {position - Pattern.Origin(index)}: {e.Message}");
        }
    }

    private static void Compare(ReadOnlySpan<byte> bytes, long position)
    {
        if (bytes.IsEmpty)
        {
            throw new InvalidDataException("the server closed the connection");
        }

        ReadOnlySpan<byte> expected = Pattern.At(position, bytes.Length).Span;

        if (bytes.CommonPrefixLength(expected) is int same && same < bytes.Length)
        {
            throw new InvalidDataException($"the byte {same} bytes later was sent as 0x{expected[same]:x2} and came back as 0x{bytes[same]:x2}");
        }
    }

    private void Fail(string message)
    {
        _failure ??= message;
        _over.Cancel();
    }

    private int Report()
    {
        _failure ??= _trips == 0 ? "nothing was transferred" : _sent != _received ? $"{_sent - _received} bytes are lost" : null;

        if (_failure is not null)
        {
            Console.Error.WriteLine($"echo self-test FAILED: {_failure}");
            return 1;
        }

        double seconds = Stopwatch.GetElapsedTime(_began, _ended).TotalSeconds;
        Console.WriteLine($"""
            echo self-test passed, backend {loop.Backend}, served by {options.Loops} {(options.Loops == 1 ? "loop" : "loops")}
              connections    {options.Connections}, messages of {options.Size} bytes, {seconds:F2} s
              round trips    {_trips}, {_trips / seconds:F0} per second
              bytes          {_sent} sent, {_received} received and compared; lost 0, changed 0
              allocated      {_allocated} bytes by the {(options.Loops == 1 ? "loop" : "clients' loop")}'s thread meanwhile, {(double)_allocated / _trips:F3} per round trip
            """);
        return 0;
    }
}
