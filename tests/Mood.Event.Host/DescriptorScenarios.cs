using System;
using System.Net;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Host;

/// <summary>A server whose clients use up the file descriptors of the process.</summary>
internal static class DescriptorScenarios
{
    // How many free file descriptors are counted at most.
    private const int Enough = 8;

    /// <summary>Echoes bytes until one is 'q'. Meanwhile a thread counts the free file descriptors, and starts threads. Writes the port, and
    /// at the end the smallest number of free ones and whether the shortage was reported.</summary>
    internal static int FullTable(string[] args)
    {
        int least = Enough, reports = 0;
        bool isOver = false;
        var end = new TaskCompletionSource();
        using var loop = new Loop(LoopFlags.NoEnv);
        loop.CallbackException += (_, _) => reports++;
        var prober = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                least = Math.Min(least, FreeFiles.Count(Enough));
                var other = new Thread(() => { });
                other.Start();
                other.Join();
            }
        });
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, new IPEndPoint(IPAddress.Loopback, 0), EchoAsync);
            Console.WriteLine($"port {((IPEndPoint)server.EndPoint).Port}.");
            prober.Start();
            await end.Task;
        });
        Volatile.Write(ref isOver, true);
        prober.Join();
        Console.WriteLine($"free {least} reported {reports > 0}");
        return 0;

        async Task EchoAsync(LoopStream stream, CancellationToken token)
        {
            byte[] buffer = new byte[1];

            while (await stream.ReadAsync(buffer, token) > 0)
            {
                await stream.WriteAsync(buffer, token);

                if (buffer[0] == (byte)'q')
                {
                    end.TrySetResult();
                }
            }
        }
    }
}
