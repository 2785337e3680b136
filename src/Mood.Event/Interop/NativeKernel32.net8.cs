using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>A function of Windows itself.</summary>
internal static class NativeKernel32
{
    /// <summary>A handle with which the system can wait for a process, and for no other use. If it is invalid, the error is that of Windows.</summary>
    internal static SafeWaitHandle OpenProcess(int pid, out int error)
    {
        const uint synchronize = 0x100000;
        nint handle = OpenProcess(synchronize, 0, pid);
        error = Marshal.GetLastSystemError(); // read at once, because the assembly has no marshalling, so nothing keeps it
        return new SafeWaitHandle(handle, ownsHandle: true);
    }

    [DllImport("kernel32", ExactSpelling = true)]
    private static extern nint OpenProcess(uint access, int inherit, int pid);
}
