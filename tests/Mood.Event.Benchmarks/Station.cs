using System;
using System.Linq;
using System.Net.Sockets;

namespace Mood.Event.Benchmarks;

/// <summary>A station of the socketpair benchmark: the end from which it reads a byte, and the end to which it writes
/// one.</summary>
internal sealed class Station(int from, int to)
{
    private readonly byte[] _buffer = new byte[1];

    internal int From { get; } = from;

    internal int To { get; } = to;

    /// <summary>The Socket of the same end as <see cref="From"/>, if the benchmark uses sockets.</summary>
    internal Socket? FromSocket { get; private init; }

    internal Socket? ToSocket { get; private init; }

    internal Ring Ring { get; set; } = null!;

    internal Timer? Timeout { get; set; }

    /// <summary>Wraps the ends of pairs into sockets, which own and close them.</summary>
    internal static Station[] Wrap(int[] fds)
    {
        Socket[] sockets = [.. fds.Select(fd => new Socket(new SafeSocketHandle(fd, ownsHandle: true)) { Blocking = false })];
        return
        [
            .. Enumerable.Range(0, fds.Length / 2).Select(i => new Station(fds[2 * i], fds[(2 * i + 3) % fds.Length])
            {
                FromSocket = sockets[2 * i],
                ToSocket = sockets[(2 * i + 3) % fds.Length],
            }),
        ];
    }

    internal static void Close(Station[] stations)
    {
        foreach (Station station in stations)
        {
            station.FromSocket!.Dispose();
            station.ToSocket!.Dispose();
        }
    }

    internal void OnReadable(Io io, Events revents)
    {
        Timeout?.Reset();

        int value = Posix.Read(From);

        if (value >= 0)
        {
            Ring.CountRead();
        }

        if (Ring.MayWrite() && Posix.TryWrite(To, (byte)value))
        {
            Ring.CountWrite();
        }
    }

    internal void OnSocketReadable(Io io, Events revents)
    {
        Timeout?.Reset();

        if (FromSocket!.Receive(_buffer.AsSpan()) == 1)
        {
            Ring.CountRead();
        }

        if (Ring.MayWrite() && ToSocket!.Send(_buffer.AsSpan()) == 1)
        {
            Ring.CountWrite();
        }
    }
}
