using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>Owns a pidfd. The handle is invalid if the kernel gave no pidfd.</summary>
internal sealed class PidfdHandle : SafeHandle
{
    private readonly int _pid;

    internal PidfdHandle(int pid)
        : base(new IntPtr(-1), ownsHandle: true)
    {
        _pid = pid;
        SetHandle(Native.mood_pidfd_open(pid));
    }

    /// <summary>Whether the child has ended, and who reaps it.</summary>
    internal enum End
    {
        /// <summary>The child is alive. Or a debugger holds it: then the pidfd is readable, but the kernel does not tell the status.</summary>
        None,

        /// <summary>The child is a zombie. Its status is known.</summary>
        Zombie,

        /// <summary>Another part of the process has reaped it, or the pid was never a child. The status may be lost.</summary>
        Gone,

        /// <summary>Another thread is in the middle of reaping it. The status may be known soon.</summary>
        Reaping,
    }

    public override bool IsInvalid => handle == new IntPtr(-1);

    /// <summary>Asks the kernel how the child has ended.</summary>
    internal End Look(out int status) => (End)Native.EndOfPidfd((int)handle, _pid, out status);

    /// <summary>Reaps the child if it is still a zombie.</summary>
    internal void Reap() => Native.mood_pidfd_reap((int)handle, _pid);

    protected override bool ReleaseHandle()
    {
        Native.mood_pidfd_close((int)handle);
        return true;
    }
}
