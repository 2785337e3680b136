using System;
using System.Runtime.InteropServices;

namespace Mood.Event.Soak;

/// <summary>Signals and children behind .NET's back.</summary>
internal static unsafe partial class Posix
{
    /// <summary>Sends this process a signal.</summary>
    internal static void Raise(int signum) => Check(kill(Environment.ProcessId, signum) == 0, nameof(kill));

    /// <summary>A child that System.Diagnostics.Process knows nothing of: sh -c SCRIPT.</summary>
    internal static int Spawn(string script)
    {
        nint shell = Marshal.StringToCoTaskMemUTF8("sh"), option = Marshal.StringToCoTaskMemUTF8("-c");
        nint text = Marshal.StringToCoTaskMemUTF8(script);
        nint* arguments = stackalloc nint[] { shell, option, text, 0 };
        nint* environment = stackalloc nint[] { 0 };
        int pid;
        int error = posix_spawn(&pid, "/bin/sh", 0, 0, arguments, environment);

        Marshal.FreeCoTaskMem(shell);
        Marshal.FreeCoTaskMem(option);
        Marshal.FreeCoTaskMem(text);
        Check(error == 0, nameof(posix_spawn));
        return pid;
    }

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

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn(int* pid, string path, nint actions, nint attributes, nint* arguments, nint* environment);
}
