using System;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Benchmarks;

/// <summary>
/// The socketpair benchmark with async System.Net.Sockets. Each station has an async method that receives and sends in an endless
/// loop, on the threads of the pool.
/// </summary>
internal sealed class AsyncRing(int wanted)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _reads, _writes;

    /// <summary>Runs the benchmark. Returns nanoseconds of processor time of all threads per event.</summary>
    internal static double Run(int pairs, int wanted)
    {
        // This contender has its own sockets. A socket that was once awaited stays in the runtime's epoll, which would then also
        // report the bytes of other contenders.
        Station[] stations = Station.Wrap(RawSockets.SocketPairs(pairs));
        var ring = new AsyncRing(wanted);
        using var end = new CancellationTokenSource();
        ring._writes = PairsBenchmark.Active;
        Task[] all = [.. stations.Select(s => ring.Pass(s, end.Token))];

        double start = Measure.AllBusy;

        for (int i = 0; i < PairsBenchmark.Active; i++)
        {
            int writer = (int)((long)i * pairs / PairsBenchmark.Active);
            Measure.Expect(Posix.TryWrite(stations[writer].To, 0), "the first byte was not written");
        }

        ring._done.Task.Wait(TimeSpan.FromSeconds(10));
        double time = Measure.AllBusy - start;
        end.Cancel();
        Task.WaitAll(all);
        Station.Close(stations);
        Measure.Expect(ring._reads, wanted, "bytes read");
        return time / wanted;
    }

    private async Task Pass(Station station, CancellationToken end)
    {
        byte[] buffer = new byte[1];

        try
        {
            while (true)
            {
                Measure.Expect(await station.FromSocket!.ReceiveAsync(buffer, SocketFlags.None, end).ConfigureAwait(false), 1, "bytes");

                if (Interlocked.Increment(ref _reads) == wanted)
                {
                    _done.SetResult();
                }

                if (Interlocked.Increment(ref _writes) <= wanted)
                {
                    await station.ToSocket!.SendAsync(buffer, SocketFlags.None, end).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
