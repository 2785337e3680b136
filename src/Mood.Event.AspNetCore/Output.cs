using System;
using System.IO.Pipelines;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The application's side of the bytes to send. Flushes before the application returns, or before it has read all of its
/// input, are sent together. All other flushes are sent at once.</summary>
/// <remarks>The pipe gives the backpressure: a flush waits at the limit <see cref="LoopTransportOptions.MaxWriteBufferSize"/>.
/// The constructor of <see cref="Connection"/> sets the limit in the PipeOptions.</remarks>
internal sealed class Output(PipeWriter writer, Sender sender, Input input, Guard guard) : PipeWriter
{
    // The number of free bytes in the block that GetMemory or GetSpan has returned last.
    private int _room;

    public override bool CanGetUnflushedBytes => writer.CanGetUnflushedBytes;

    public override long UnflushedBytes => writer.UnflushedBytes;

    public override void Advance(int bytes)
    {
        writer.Advance(bytes);
        _room -= bytes;
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Memory<byte> memory = writer.GetMemory(Larger(sizeHint));
        _room = memory.Length;
        return memory;
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        Span<byte> span = writer.GetSpan(Larger(sizeHint));
        _room = span.Length;
        return span;
    }

    public override void CancelPendingFlush() => writer.CancelPendingFlush();

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        AfterFlush(writer.FlushAsync(cancellationToken));

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        AfterFlush(writer.WriteAsync(source, cancellationToken));

    public override void Complete(Exception? exception = null)
    {
        writer.Complete(exception);
        sender.Run();
    }

    // A message that has filled its block continues in a large one. While the block has free bytes, to ask for a large one would waste them.
    private int Larger(int sizeHint) =>
        sizeHint == 0 && _room == 0 && writer.UnflushedBytes > 0 ? BlockPool.LargeSize : sizeHint;

    private ValueTask<FlushResult> AfterFlush(ValueTask<FlushResult> flush)
    {
        if (sender.IsPending)
        {
            // A flush that is not completed waits for room in the buffer, so the bytes must be sent now.
            if (!flush.IsCompleted || !(input.HasUnread || sender.IsCalling))
            {
                sender.Run();
            }
            else
            {
                guard.Watch(sender);
            }
        }

        return flush;
    }
}
