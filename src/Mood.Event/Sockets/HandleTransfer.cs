using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>The reads and writes of a <see cref="LoopStream"/> over a pipe, a FIFO, a terminal or another handle that is not a
/// Socket.</summary>
/// <remarks>It never changes the flags of the given file: see native/stream.c.</remarks>
internal sealed class HandleTransfer : IDisposable
{
    private readonly LoopStream _stream;
    private readonly SafeHandle _given;
    private readonly bool _ownsHandle;

    // The handle that is read and written: a new one that never blocks, or the given one.
    private readonly SafeHandle _handle;
    private readonly int _mode;

    internal HandleTransfer(LoopStream stream, SafeHandle handle, FileAccess access, bool ownsHandle)
    {
        Platform.CheckHandleStream();
        (_stream, _given, _ownsHandle) = (stream, handle, ownsHandle);
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

    /// <summary>Closes the handles. The stream ends its waits before it calls this. Idempotent.</summary>
    public void Dispose()
    {
        if (_mode == Native.StreamOwn)
        {
            _handle.Dispose();
        }

        if (_ownsHandle)
        {
            _given.Dispose();
        }
    }

    /// <summary>The file descriptor for a wait.</summary>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    internal FileDescriptor FindDescriptor()
    {
        try
        {
            return FileDescriptor.From(_handle, "handle");
        }
        catch (ArgumentException) when (_stream.FindDisposed() is ObjectDisposedException disposed)
        {
            throw disposed;
        }
    }

    /// <summary>Tries to read. Throws nothing.</summary>
    /// <returns>False: it would block.</returns>
    internal bool TryRead(Span<byte> buffer, out int count, out Exception? exception)
    {
        (count, exception) = (0, null);

        try
        {
            return TryRead(buffer, out count);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            exception = e;
            return true;
        }
    }

    /// <summary>Tries to write the rest of a buffer. Throws nothing.</summary>
    /// <returns>False: it would block before all is written.</returns>
    internal bool TryWrite(ReadOnlySpan<byte> buffer, ref int sent, out Exception? exception)
    {
        exception = null;

        try
        {
            return TryWrite(buffer, ref sent);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            exception = e;
            return true;
        }
    }

    /// <summary>Tries to read.</summary>
    /// <returns>False: it would block.</returns>
    internal bool TryRead(Span<byte> buffer, out int count)
    {
        using ScopedHandleReference reference = TakeReference();
        return IsDone(Native.StreamRead(reference.Number, _mode, buffer), out count);
    }

    /// <summary>Tries to write the rest of a buffer.</summary>
    /// <returns>False: it would block before all is written.</returns>
    internal bool TryWrite(ReadOnlySpan<byte> buffer, ref int sent)
    {
        using ScopedHandleReference reference = TakeReference();

        while (sent < buffer.Length)
        {
            if (!IsDone(Native.StreamWrite(reference.Number, _mode, buffer[sent..]), out int count))
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
        using ScopedHandleReference reference = TakeReference();
        long end = Environment.TickCount64 + milliseconds;
        int ready, left = milliseconds;

        while ((ready = Native.mood_stream_poll(reference.Number, direction == Events.Write ? 1 : 0, left)) == -Native.EINTR)
        {
            left = milliseconds == Timeout.Infinite ? Timeout.Infinite : (int)Math.Max(end - Environment.TickCount64, 0);
        }

        if (ready == 0)
        {
            throw Error.IO_Timeout();
        }
    }

    private ScopedHandleReference TakeReference()
    {
        ObjectDisposedException.ThrowIf(_stream.IsDisposed, _stream);
        return new ScopedHandleReference(_handle);
    }

    private static bool IsDone(int result, out int count)
    {
        count = Math.Max(result, 0);
        return result != Native.StreamBlocks && (result >= 0 ? true : throw Error.IO_Handle(-result));
    }
}
