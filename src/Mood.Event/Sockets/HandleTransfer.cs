using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>The reads and writes of a <see cref="LoopStream"/> over a pipe, a FIFO, a terminal or another handle that is not a
/// Socket.</summary>
/// <remarks>It never changes the flags of the given file: see native/stream.c. The methods that wait are async methods over tasks. A
/// pooled builder would post each continuation to the captured context, and a disposed loop takes no posts.</remarks>
internal sealed class HandleTransfer : IDisposable
{
    private readonly Loop _loop;
    private readonly LoopStream _stream;
    private readonly SafeHandle _given;
    private readonly bool _ownsHandle;

    // The handle that is read and written: a new one that never blocks, or the given one.
    private readonly SafeHandle _handle;
    private readonly int _mode;

    // Cancelled by Dispose, on any thread. It ends the waits, which hold the handle open.
    private readonly CancellationTokenSource _closing = new();

    internal HandleTransfer(LoopStream stream, Loop loop, SafeHandle handle, FileAccess access, bool ownsHandle)
    {
        (_stream, _loop, _given, _ownsHandle) = (stream, loop, handle, ownsHandle);
        int number = FileDescriptor.From(handle, nameof(handle)).Number;
        int opened = Native.mood_stream_open(number, (int)access);

        if (opened == Native.StreamRefused)
        {
            throw Error.Argument_NoStream(nameof(handle));
        }

        if (opened <= -Native.StreamErrorBase)
        {
            throw Error.Argument_StreamAccess(access, -opened - Native.StreamErrorBase, nameof(handle));
        }

        _mode = opened < 0 ? opened : Native.StreamOwn;
        _handle = opened < 0 ? handle : new SafeFileHandle(opened, ownsHandle: true);
        Access = access;
    }

    internal FileAccess Access { get; }

    /// <summary>Ends the waits, and closes the handles. Idempotent.</summary>
    public void Dispose()
    {
        _closing.Cancel(); // each wait is ended later, by a posted action

        if (_mode == Native.StreamOwn)
        {
            _handle.Dispose(); // closed when the last wait has ended
        }

        if (_ownsHandle)
        {
            _given.Dispose();
        }
    }

    /// <summary>Tries to read.</summary>
    /// <returns>False: it would block.</returns>
    internal bool TryRead(Span<byte> buffer, out int count)
    {
        using HandleUse use = Use();
        return IsDone(Native.StreamRead(use.Number, _mode, buffer), out count);
    }

    /// <summary>Tries to write the rest of a buffer.</summary>
    /// <returns>False: it would block before all is written.</returns>
    internal bool TryWrite(ReadOnlySpan<byte> buffer, ref int sent)
    {
        using HandleUse use = Use();

        while (sent < buffer.Length)
        {
            if (!IsDone(Native.StreamWrite(use.Number, _mode, buffer[sent..]), out int count))
            {
                return false;
            }

            sent += count;
        }

        return true;
    }

    /// <summary>Blocks the calling thread until the handle is ready. A signal does not prolong the time.</summary>
    internal void Poll(Events direction, int milliseconds)
    {
        using HandleUse use = Use();
        long end = Environment.TickCount64 + milliseconds;
        int ready, left = milliseconds;

        while ((ready = Native.mood_stream_poll(use.Number, direction == Events.Write ? 1 : 0, left)) == -Native.EINTR)
        {
            left = milliseconds == Timeout.Infinite ? Timeout.Infinite : (int)Math.Max(end - Environment.TickCount64, 0);
        }

        if (ready == 0)
        {
            throw Error.IO_Timeout();
        }
    }

    /// <summary>Reads when the handle is readable. Any thread.</summary>
    internal async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            int count;

            do
            {
                await WaitAsync(Events.Read, cancellationToken);
            }
            while (!TryRead(buffer.Span, out count));

            return count;
        }
        finally
        {
            _stream.OnEnded(Events.Read, isSpoilt: false);
        }
    }

    /// <summary>Writes the rest of a buffer when the handle is writable. Any thread.</summary>
    internal async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, int sent, CancellationToken cancellationToken)
    {
        try
        {
            do
            {
                await WaitAsync(Events.Write, cancellationToken);
            }
            while (!TryWrite(buffer.Span, ref sent));
        }
        finally
        {
            _stream.OnEnded(Events.Write, isSpoilt: false);
        }
    }

    // On another thread the wait is posted, and the continuation does not run on the loop's thread.
    private async ValueTask WaitAsync(Events events, CancellationToken cancellationToken)
    {
        using CancellationTokenSource? both =
            cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token) : null;
        CancellationToken token = both?.Token ?? _closing.Token;

        try
        {
            await BeginWait(events, token);
        }
        catch (Exception e) when (_stream.IsDisposed && e is OperationCanceledException or ArgumentException)
        {
            throw Error.ObjectDisposed(_stream);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    private ValueTask<Events> BeginWait(Events events, CancellationToken token)
    {
        if (_loop.TryClaim(out Loop.Claim claim))
        {
            using (claim)
            {
                return _loop.WaitAsync(_handle, events, token);
            }
        }

        return new ValueTask<Events>(_loop.InvokeAsync(() => _loop.WaitAsync(_handle, events, token).AsTask()));
    }

    private HandleUse Use()
    {
        ObjectDisposedException.ThrowIf(_stream.IsDisposed, _stream);
        return new HandleUse(_handle);
    }

    private static bool IsDone(int result, out int count)
    {
        count = Math.Max(result, 0);
        return result != Native.StreamBlocks && (result >= 0 ? true : throw Error.IO_Handle(-result));
    }
}
