using System.Runtime.InteropServices;
using Mood.Event;

namespace Prompt;

/// <summary>System calls that .NET does not have.</summary>
internal static partial class Terminal
{
    /// <summary>Stops this process, as Ctrl-Z does. Returns when it continues.</summary>
    public static void StopProcess() => _ = Raise(Signum.SIGSTOP);

    [LibraryImport("libc", EntryPoint = "raise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Raise(int signum);
}
