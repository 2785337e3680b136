using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Mood.Event;

/// <content>stream.c.</content>
internal static unsafe partial class Native
{
    internal const int StreamOwn = 0, StreamSocket = -1, StreamPatient = -2, StreamRefused = -3;

    // mood_stream_open subtracts it from a negative errno.
    internal const int StreamErrorBase = 16;

    // The call would block. It is no errno.
    internal const int StreamBlocks = -10000;

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_stream_open(int fd, int uses);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_stream_read(int fd, int mode, byte* buffer, int size);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_stream_write(int fd, int mode, byte* buffer, int size);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_stream_poll(int fd, int writes, int milliseconds);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_file_identity(byte* path, long* identity);

    internal static int StreamRead(int fd, int mode, Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            return mood_stream_read(fd, mode, bytes, buffer.Length);
        }
    }

    internal static int StreamWrite(int fd, int mode, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            return mood_stream_write(fd, mode, bytes, buffer.Length);
        }
    }

    /// <summary>The device and the inode of a file, or null if it does not exist. It does not follow a symbolic link.</summary>
    internal static (long Device, long Inode)? FileIdentity(string path)
    {
        long* identity = stackalloc long[2];

        fixed (byte* bytes = Encoding.UTF8.GetBytes(path + '\0'))
        {
            return mood_file_identity(bytes, identity) < 0 ? null : (identity[0], identity[1]);
        }
    }
}
