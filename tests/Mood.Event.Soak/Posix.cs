using System;
using System.Runtime.InteropServices;

namespace Mood.Event.Soak;

/// <summary>Signals and children behind .NET's back.</summary>
internal static unsafe partial class Posix
{
    /// <summary>Sends this process a signal.</summary>
    internal static void Raise(int signum) => Check(kill(Environment.ProcessId, signum) == 0, nameof(kill));

    /// <summary>Waits for a child's end; its wait status, or -1 when it is not a child any more.</summary>
    internal static int Wait(int pid)
    {
        int status;
        return waitpid(pid, &status, 0) == pid ? status : -1;
    }

    private static void Check(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"{what}: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signum);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, int* status, int options);
}
