using System;

namespace Mood.Event;

/// <content>Errors of child watchers.</content>
internal static partial class Error
{
    internal static InvalidOperationException InvalidOperation_KillEvery() =>
        new("This Child watches every child (Pid 0). To send a signal to one, make a Child with its pid.");

    internal static InvalidOperationException InvalidOperation_KillInactive(int pid) => new(string.Format(
        Culture, "The Child of pid {0} is not active, so the pid may already belong to another process. Start the Child first.", pid));

    internal static EventException Event_KillRefused(int pid) => new(string.Format(
        Culture,
        "Process {0} belongs to System.Diagnostics.Process, and this system has no pidfds (Linux 5.4). The pid may already "
        + "belong to another process, so Kill sends nothing. Use Process.Kill.",
        pid));

    internal static EventException Event_NoPidfd(int pid) => new(string.Format(
        Culture,
        "This loop cannot wait for process {0}: the system has no pidfds (Linux 5.4), or no file descriptor is left. The default "
        + "loop, Loop.Default, needs no pidfds.",
        pid));

    internal static EventException Event_NotKilled(int pid, int signum, int error) => new(
        string.Format(Culture, "The kernel refused to send signal {0} to process {1} (errno {2}).", signum, pid, error), error);
}
