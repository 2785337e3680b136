using System;
using System.IO;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>Errors of the native library: it is missing, or belongs to another version.</content>
internal static partial class Error
{
    private const string WhereItBelongs =
        "Deploy the assembly and the native library from the same package. The runtime finds the library beside the application "
        + "first. An AssemblyLoadContext that loads its own copy of the assembly must also load its own native library: override "
        + "LoadUnmanagedDll with an AssemblyDependencyResolver.";

    internal static PlatformNotSupportedException PlatformNotSupported_NoLibrary(Exception inner)
    {
        string name = Platform.IsWindows ? "mood_event.dll"
            : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "libmood_event.dylib"
            : "libmood_event.so";

        return new(
            string.Format(
                Culture,
                "Mood.Event found no native library for this system ({0}, {1}). It looked for {2} beside the application ({3}), "
                + "in runtimes/<rid>/native there, and in the system's library folders. {4}",
                RuntimeInformation.OSDescription,
                RuntimeInformation.ProcessArchitecture,
                name,
                AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar),
                inner.Message),
            inner);
    }

    internal static PlatformNotSupportedException PlatformNotSupported_OtherAbi(int found, int expected, string version) => new(string.Format(
        Culture,
        "The native library belongs to another version of Mood.Event: its ABI is {0}, and this assembly ({1}) needs ABI {2}. {3}",
        found,
        version,
        expected,
        WhereItBelongs));

    internal static PlatformNotSupportedException PlatformNotSupported_OtherVersion(string found, string expected) => new(string.Format(
        Culture,
        "The native library belongs to another version of Mood.Event: its version is {0}, and this assembly has version {1}. {2}",
        found,
        expected,
        WhereItBelongs));

    internal static PlatformNotSupportedException PlatformNotSupported_OtherFramework() => new(
        "The native library is already used in this process by a Mood.Event assembly for another target framework. " + WhereItBelongs);
}
