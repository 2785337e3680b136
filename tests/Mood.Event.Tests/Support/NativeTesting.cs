using System.Runtime.InteropServices;

namespace Mood.Event.Tests;

/// <summary>The functions of native/testing.h, which only the testing build of the native library exports.</summary>
internal static class NativeTesting
{
    /// <summary>enum mood_live.</summary>
    internal enum Kind
    {
        Loops, Watchers,
    }

    /// <summary>The features that the library treats as missing.</summary>
    internal static Lack Lacking
    {
        get;
        set
        {
            field = value;
            mood_lacks((int)value);
        }
    }

    /// <summary>Whether the kernel gives the status of a child that another part of the process has reaped (Linux 6.15).</summary>
    internal static bool TellsReapedStatus =>
        Lacking == Lack.Nothing && System.OperatingSystem.IsLinux() && System.Environment.OSVersion.Version >= new System.Version(6, 15);

    /// <summary>The argument of mood_lacks: features that an older kernel or another processor does not have.</summary>
    [System.Flags]
    internal enum Lack
    {
        Nothing = 0, Pidfd = 1, PidfdInfo = 2, Cycles = 4,
    }

    [DllImport(Native.Library, ExactSpelling = true)]
    internal static extern int mood_live(int what);

    [DllImport(Native.Library, ExactSpelling = true)]
    internal static extern void mood_fail_allocation(int after);

    [DllImport(Native.Library, ExactSpelling = true)]
    internal static extern void mood_fail_wait(int error);

    [DllImport(Native.Library, ExactSpelling = true)]
    internal static extern void mood_fail_watch(int error);

    [DllImport(Native.Library, ExactSpelling = true)]
    internal static extern void mood_lacks(int what);

    [DllImport(Native.Library, ExactSpelling = true)]
    internal static extern void mood_loop_clock(nint loop, int manual, double monotonic, double realtime);
}
