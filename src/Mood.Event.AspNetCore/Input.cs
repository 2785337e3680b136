using System;
using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The application's side of the received bytes. It knows whether the application has examined all of them, and sends
/// deferred bytes when the application begins to wait for more.</summary>
internal sealed class Input(PipeReader reader, Sender sender) : PipeReader
{
    // The end of the received bytes: written by the loop's thread without a lock. If the application's thread reads a mix of two
    // ends, HasUnread is wrong once, which delays a flush by a few milliseconds at most.
    private byte[]? _endArray;
    private int _endIndex;

    // written by the application's reader, read by its writer
    private volatile bool _hasUnread;

    /// <summary>Whether the application will find further bytes when it reads next, such as a pipelined request.</summary>
    internal bool HasUnread => _hasUnread;

    /// <summary>The loop has received bytes. Loop's thread, before the flush.</summary>
    internal void SetEnd(ReadOnlyMemory<byte> received)
    {
        if (MemoryMarshal.TryGetArray(received, out ArraySegment<byte> array))
        {
            _endArray = array.Array;
            _endIndex = array.Offset + array.Count;
        }
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = reader.ReadAsync(cancellationToken);

        if (!read.IsCompleted)
        {
            OnWait();
        }

        return read;
    }

    public override bool TryRead(out ReadResult result)
    {
        bool isRead = reader.TryRead(out result);

        if (!isRead)
        {
            OnWait();
        }

        return isRead;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _hasUnread = !IsEnd(examined); // before the call: it recycles the segments
        reader.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => reader.CancelPendingRead();

    public override void Complete(Exception? exception = null)
    {
        _hasUnread = false;
        reader.Complete(exception);
        sender.Run();
    }

    protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken)
    {
        ValueTask<ReadResult> read = reader.ReadAtLeastAsync(minimumSize, cancellationToken);

        if (!read.IsCompleted)
        {
            OnWait();
        }

        return read;
    }

    private void OnWait()
    {
        _hasUnread = false;
        sender.Run();
    }

    private bool IsEnd(SequencePosition position) =>
        position.GetObject() is not ReadOnlySequenceSegment<byte> segment
        || (MemoryMarshal.TryGetArray(segment.Memory, out ArraySegment<byte> array)
            && array.Array == _endArray && array.Offset + position.GetInteger() == _endIndex);
}
