using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>
/// System calls that .NET does not offer: signals, and children that the runtime does not know. All test programs share this
/// file. The package tests compile it for .NET Framework too, so it has neither LibraryImport nor unsafe code.
/// </summary>
internal static partial class Posix
{
    internal const int WNOHANG = 1;

    /// <summary>Sends this process a signal.</summary>
    internal static void Raise(int signum) => Kill(getpid(), signum);

    /// <summary>Sends a process a signal.</summary>
    internal static void Kill(int pid, int signum) => Check(TryKill(pid, signum), nameof(kill));

    /// <summary>Sends a process a signal. Returns false if the process does not exist.</summary>
    internal static bool TryKill(int pid, int signum) => kill(pid, signum) == 0;

    /// <summary>Whether the process exists. A zombie exists.</summary>
    internal static bool Exists(int pid) => TryKill(pid, 0);

    /// <summary>Starts sh -c SCRIPT, a child that System.Diagnostics.Process does not know, and returns its pid.</summary>
    internal static int Spawn(string script)
    {
        IntPtr[] arguments = new IntPtr[4];
        arguments[0] = Marshal.StringToHGlobalAnsi("sh");
        arguments[1] = Marshal.StringToHGlobalAnsi("-c");
        arguments[2] = Marshal.StringToHGlobalAnsi(script);
        IntPtr path = Marshal.StringToHGlobalAnsi("/bin/sh");
        int error = posix_spawn(out int pid, path, IntPtr.Zero, IntPtr.Zero, arguments, new IntPtr[1]);
        Marshal.FreeHGlobal(path);

        foreach (IntPtr argument in arguments)
        {
            Marshal.FreeHGlobal(argument);
        }

        return error == 0 ? pid : throw new InvalidOperationException($"posix_spawn: errno {error}");
    }

    /// <summary>Calls waitpid. Returns the pid, 0 while the child runs, or -1 if the process is not a child (any more).</summary>
    internal static int Wait(int pid, out int status, int options = 0) => waitpid(pid, out status, options);

    private static void Check(bool succeeded, string call)
    {
        if (!succeeded)
        {
            throw new InvalidOperationException($"{call}: errno {Marshal.GetLastWin32Error()}");
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signum);

    [DllImport("libc")]
    private static extern int getpid();

    [DllImport("libc")]
    private static extern int waitpid(int pid, out int status, int options);

    [DllImport("libc")]
    private static extern int posix_spawn(
        out int pid, IntPtr path, IntPtr actions, IntPtr attributes, IntPtr[] arguments, IntPtr[] environment);
}
