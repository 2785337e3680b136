using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>socket.c.</content>
internal static unsafe partial class Native
{
    // not with SuppressGCTransition: a send over loopback also runs the receiver's part of the protocol, which may take microseconds
    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_socket_receive(int fd, byte* buffer, int size);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_socket_send(int fd, byte* buffer, int size);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_socket_take_error(int fd);
}
