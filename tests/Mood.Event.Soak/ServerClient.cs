using System;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Soak;

/// <summary>
/// A client of a <see cref="ServerRun"/>. Several times it connects, sends random bytes while it reads, and compares. It may cancel reads,
/// and it may leave in the middle.
/// </summary>
internal sealed class ServerClient(ServerRun run, Loop loop, int seed)
{
    private readonly Random _random = new(seed);

    public async Task RunAsync()
    {
        await Task.Yield();

        for (int i = _random.Next(1, 6); i > 0 && !run.IsStopping; i--)
        {
            bool isOnLoop = _random.Next(2) == 0;

            try
            {
                await ((isOnLoop && _random.Next(2) == 0) ? loop.InvokeAsync(() => TalkAsync(isOnLoop)) : TalkAsync(isOnLoop)).ConfigureAwait(false);
            }
            catch (Exception e) when (run.IsStopping && e is IOException or SocketException or ObjectDisposedException)
            {
                // the server, or the client's loop, has ended
            }
        }
    }

    private async Task TalkAsync(bool isOnLoop)
    {
        byte kind = (byte)(_random.Next(40) == 0 ? ServerHandler.Stop : _random.Next(ServerHandler.Stop));
        byte[] message = new byte[_random.Next(1, _random.Next(2) == 0 ? 2_000 : 300_000)];
        bool leaves = _random.Next(6) == 0;
        _random.NextBytes(message);
        message[0] = kind;
        Stream stream = await (isOnLoop ? run.ConnectOnLoopAsync() : run.ConnectAsync());

        await using (stream)
        {
            Task send = SendAsync(stream, message, new Random(_random.Next()));
            int received = 0;

            try
            {
                received = await ReceiveAsync(stream, message, leaves ? _random.Next(message.Length) : int.MaxValue);
            }
            catch (IOException) when (kind == ServerHandler.Throw)
            {
                // the server has reset the connection
            }

            if (leaves)
            {
                await stream.DisposeAsync();
            }

            try
            {
                await send;
            }
            catch (Exception e) when ((leaves || kind == ServerHandler.Throw) && e is IOException or ObjectDisposedException or SocketException)
            {
                // this client has left, or the server has reset the connection
            }

            if (received < message.Length - 1 && !leaves && kind != ServerHandler.Throw && !run.IsStopping)
            {
                throw new SoakException($"the server ended a connection of kind {kind} after {received} of {message.Length - 1} bytes");
            }
        }
    }

    private static async Task SendAsync(Stream stream, byte[] message, Random random)
    {
        for (int sent = 0; sent < message.Length;)
        {
            int count = Math.Min(random.Next(1, 100_000), message.Length - sent);
            await stream.WriteAsync(message.AsMemory(sent, count));
            sent += count;
        }

        Socket socket = stream is LoopStream loopStream ? loopStream.Socket : ((NetworkStream)stream).Socket;
        socket.Shutdown(SocketShutdown.Send);
    }

    private async Task<int> ReceiveAsync(Stream stream, byte[] message, int most)
    {
        byte[] buffer = new byte[_random.Next(1, 70_000)];
        int received = 0;

        while (received < most)
        {
            int count;

            try
            {
                using CancellationTokenSource? limit = _random.Next(4) == 0 ? new CancellationTokenSource(_random.Next(3)) : null;
                count = await stream.ReadAsync(buffer, limit?.Token ?? CancellationToken.None);
            }
            catch (OperationCanceledException)
            {
                continue; // a cancelled read has taken nothing
            }

            if (count == 0)
            {
                break;
            }

            if (received + count >= message.Length || !buffer.AsSpan(0, count).SequenceEqual(message.AsSpan(1 + received, count)))
            {
                throw new SoakException($"other bytes came back than were sent, after {received} of {message.Length - 1}");
            }

            received += count;
        }

        return received;
    }
}
