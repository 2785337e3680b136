using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Mood.Event;

/// <summary>What the managed code does differently on Windows. Files whose name contains Windows have the rest.</summary>
internal static class Platform
{
    /// <summary>Whether this is Windows. A constant for the JIT.</summary>
    [SupportedOSPlatformGuard("windows")]
    internal static bool IsWindows { get; } = RuntimeInformation.IsOSPlatform(OSPlatform.Windows);

    /// <summary>The text of an errno.</summary>
    /// <remarks>On Windows native code reports the errno values of the C library. Win32Exception would give the text of the system
    /// error with the same number.</remarks>
    internal static string Describe(int error) =>
        IsWindows ? Native.ErrorText(error) : new System.ComponentModel.Win32Exception(error).Message;

    /// <summary>Refuses an Embed on Windows.</summary>
    /// <exception cref="System.PlatformNotSupportedException">This is Windows.</exception>
    internal static void CheckEmbed()
    {
        if (IsWindows)
        {
            throw Error.PlatformNotSupported_Embed();
        }
    }

    /// <summary>Refuses a Fork on Windows.</summary>
    /// <exception cref="System.PlatformNotSupportedException">This is Windows.</exception>
    internal static void CheckFork()
    {
        if (IsWindows)
        {
            throw Error.PlatformNotSupported_Fork();
        }
    }

    /// <summary>Refuses a LoopStream over a handle on Windows.</summary>
    /// <exception cref="System.PlatformNotSupportedException">This is Windows.</exception>
    internal static void CheckHandleStream()
    {
        if (IsWindows)
        {
            throw Error.PlatformNotSupported_HandleStream();
        }
    }

    /// <summary>Refuses what Windows does not have for children.</summary>
    /// <exception cref="System.PlatformNotSupportedException">This is Windows, and the pid is 0 or the child is traced.</exception>
    internal static void CheckChild(int pid, bool trace)
    {
        if (IsWindows && pid == 0)
        {
            throw Error.PlatformNotSupported_EveryChild();
        }

        if (IsWindows && trace)
        {
            throw Error.PlatformNotSupported_Trace();
        }
    }
}
