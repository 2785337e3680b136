using System;

namespace Mood.Event;

/// <content>What Windows does not have.</content>
internal static partial class Error
{
    internal static PlatformNotSupportedException PlatformNotSupported_Embed() => new(
        "A loop cannot be embedded on Windows. It waits on an I/O completion port there, which another loop cannot watch. Run "
        + "each loop on its own LoopThread.");

    internal static PlatformNotSupportedException PlatformNotSupported_Fork() =>
        new("Windows has no fork, so a Fork watcher would never be called for one.");

    internal static PlatformNotSupportedException PlatformNotSupported_EveryChild() =>
        new("Windows does not tell a process about all its children, so a Child with pid 0 is not possible. Make a Child for each process.");

    internal static PlatformNotSupportedException PlatformNotSupported_Trace() =>
        new("Windows does not stop and continue processes by signals, so a Child cannot trace that. Pass false for trace.");

    internal static PlatformNotSupportedException PlatformNotSupported_HandleStream() => new(
        "On Windows a LoopStream needs a socket: the system does not report whether a pipe, a console or a file is ready. Use a "
        + "Socket, or FileStream for other handles.");

    internal static PlatformNotSupportedException PlatformNotSupported_KillSignal(string signal) => new(string.Format(
        Culture,
        "Signal {0} cannot be sent on Windows, which can only end a process. Use Signum.SIGKILL, or Process.CloseMainWindow.",
        signal));

    internal static EventException Event_ProcessRefused(int pid, Exception inner) =>
        new(string.Format(Culture, "Windows does not let this program wait for process {0}: {1}", pid, inner.Message), inner);

    internal static EventException Event_ProcessRefused(int pid, int error) => new(
        string.Format(Culture, "Windows does not let this program wait for process {0} (errno {1}: {2}).", pid, error, Describe(error)), error);

    internal static ArgumentException Argument_NoSocket(int number, string parameter) => new(
        string.Format(
            Culture,
            "{0} is not an open socket. On Windows a loop can wait for sockets only: the system does not report whether a file, "
            + "a pipe or a console is ready.",
            number),
        parameter);
}
