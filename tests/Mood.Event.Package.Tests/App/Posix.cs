using System;
using System.Runtime.InteropServices;

/// <summary>Signals and children that .NET knows nothing of.</summary>
internal static class Posix
{
    [DllImport("libc")]
    public static extern int kill(int pid, int signum);

    [DllImport("libc")]
    public static extern int getpid();

    [DllImport("libc")]
    public static extern int waitpid(int pid, IntPtr status, int options);

    /// <summary>Starts sh -c SCRIPT and returns its pid.</summary>
    public static int Spawn(string script)
    {
        var texts = new[] { "sh", "-c", script };
        var pointers = new IntPtr[texts.Length + 1];

        for (int i = 0; i < texts.Length; i++)
        {
            pointers[i] = Marshal.StringToHGlobalAnsi(texts[i]);
        }

        int error = posix_spawn(out int pid, pointers);

        for (int i = 0; i < texts.Length; i++)
        {
            Marshal.FreeHGlobal(pointers[i]);
        }

        Check.That(error == 0, "posix_spawn");
        return pid;
    }

    private static int posix_spawn(out int pid, IntPtr[] arguments) =>
        posix_spawn(out pid, "/bin/sh", IntPtr.Zero, IntPtr.Zero, arguments, new[] { IntPtr.Zero });

    [DllImport("libc")]
    private static extern int posix_spawn(
        out int pid, [MarshalAs(UnmanagedType.LPStr)] string path, IntPtr actions, IntPtr attributes, IntPtr[] arguments, IntPtr[] environment);
}
