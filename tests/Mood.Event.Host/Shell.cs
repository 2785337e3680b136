using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>Children that System.Diagnostics.Process knows nothing of: the host program, the tests and the soak share this file.</summary>
internal static unsafe partial class Shell
{
    /// <summary>Starts sh -c SCRIPT and returns its pid.</summary>
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
        return error == 0 ? pid : throw new InvalidOperationException($"posix_spawn: errno {error}");
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn(int* pid, string path, nint actions, nint attributes, nint* arguments, nint* environment);
}
