#if NET8_0_OR_GREATER
using System;
using System.Net.Sockets;

namespace Mood.Event;

/// <summary>Waits until bytes have gone through a socket, for one call of the loop's or for a <see cref="LoopStream"/>.</summary>
internal abstract class TransferWait : IoWait<int>
{
    private protected TransferWait(Loop loop, LoopStream? stream)
        : base(loop) => Stream = stream;

    private protected LoopStream? Stream { get; }

    private protected Socket? Socket { get; set; }

    private protected sealed override bool IsOver => Stream is { IsDisposed: true };

    /// <summary>Tries once more; false: it would block.</summary>
    private protected abstract bool Try(Socket socket, out int count, out Exception? exception);

    private protected sealed override void OnReady(Events revents)
    {
        if (!Try(Socket!, out int count, out Exception? exception))
        {
            return;
        }

        if (exception is null)
        {
            Succeed(count);
        }
        else
        {
            Fail(Stream is null ? exception : LoopStream.Wrap(exception));
        }
    }
}
#endif
