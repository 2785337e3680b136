using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>The function of kernel32.dll that the library calls.</summary>
internal static class NativeKernel32
{
    /// <summary>Opens a process by its pid. The handle can only be waited on: it has no other access right.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="error">If the handle is invalid: the error code of Windows.</param>
    internal static SafeWaitHandle OpenProcess(int pid, out int error)
    {
        const uint synchronize = 0x100000;
        nint handle = OpenProcess(synchronize, 0, pid);
        error = Marshal.GetLastSystemError(); // at once, because the next system call of this thread may overwrite it
        return new SafeWaitHandle(handle, ownsHandle: true);
    }

    [DllImport("kernel32", ExactSpelling = true)]
    private static extern nint OpenProcess(uint access, int inherit, int pid);
}
