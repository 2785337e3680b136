using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Streams over handles that are not sockets.</content>
public sealed partial class LoopStream
{
    private ValueTask<int> ReadHandle(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (!MayTryHandle() || !_handle!.TryRead(buffer.Span, out int count))
        {
            return _handle!.ReadAsync(buffer, cancellationToken);
        }

        OnEnded(Events.Read, isSpoilt: false);
        return new ValueTask<int>(count);
    }

    private ValueTask WriteHandle(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        int sent = 0;

        if (!MayTryHandle() || !_handle!.TryWrite(buffer.Span, ref sent))
        {
            return _handle!.WriteAsync(buffer, sent, cancellationToken);
        }

        OnEnded(Events.Write, isSpoilt: false);
        return default;
    }

    private int BlockingRead(Span<byte> buffer)
    {
        int count;

        while (!_handle!.TryRead(buffer, out count))
        {
            _handle.Poll(Events.Read, _readTimeout);
        }

        return count;
    }

    private void BlockingWrite(ReadOnlySpan<byte> buffer)
    {
        int sent = 0;

        while (!_handle!.TryWrite(buffer, ref sent))
        {
            _handle.Poll(Events.Write, _writeTimeout);
        }
    }

    private bool MayTryHandle() => !Loop.IsHere || Loop.Waits.MayTry();

    private bool Allows(FileAccess access) => _handle is null || (_handle.Access & access) != 0;

    private void CheckAccess(FileAccess access, string what)
    {
        if (!Allows(access))
        {
            throw Error.NotSupported_Direction(what);
        }
    }
}
