using System;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>Finds and checks the native library once, before the first call into it.</summary>
internal static partial class Library
{
    private const int SignalsHost = 0, SignalsNative = 1;

    private static readonly object s_gate = new();
    private static volatile bool s_ready;

    /// <summary>The version of the package, without build metadata. The native library must have the same version.</summary>
    internal static string Version { get; } =
        typeof(Library).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Initialize()
    {
        if (!s_ready)
        {
            Load();
        }
    }

    // The runtime opens a file for each assembly, and for ICU, when code first needs it. If no fd is free (EMFILE), an assembly
    // fails with FileNotFoundException, and ICU ends the process. So this method loads everything that a running loop and its
    // errors may need. Loading a type loads its assembly.
    private static void PreloadAssemblies()
    {
        _ = Error.Event_Native(Native.ENOMEM, string.Empty); // formats a number
        _ = typeof(System.Threading.ThreadInterruptedException).TypeHandle;
        _ = typeof(MemoryExtensions).TypeHandle;
        _ = typeof(System.Text.Encoding).TypeHandle;
        _ = typeof(System.Collections.Generic.Stack<int>).TypeHandle;
        _ = typeof(System.Collections.Concurrent.ConcurrentQueue<int>).TypeHandle;
        _ = typeof(System.Threading.Barrier).TypeHandle;
        _ = typeof(System.Net.Sockets.Socket).TypeHandle;
        _ = typeof(System.Net.IPAddress).TypeHandle;
        _ = typeof(System.ComponentModel.Win32Exception).TypeHandle;
        _ = typeof(System.Diagnostics.Process).TypeHandle;
        _ = typeof(Console).TypeHandle;
    }

    private static void Load()
    {
        lock (s_gate)
        {
            if (s_ready)
            {
                return;
            }

            CheckVersion();
            PreloadAssemblies();

            if (Native.mood_initialize(HostSignals ? SignalsHost : SignalsNative) < 0)
            {
                throw Error.PlatformNotSupported_OtherFramework();
            }

            s_ready = true;
        }
    }

    // The ABI number tells whether mood_version can be called at all. The version tells whether the native library belongs to
    // this assembly. The process may have another copy of Mood.Event, and the runtime may have found that copy's library.
    private static unsafe void CheckVersion()
    {
        int abi;

        try
        {
            abi = Native.mood_abi_version();
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw Error.PlatformNotSupported_NoLibrary(e);
        }

        if (abi != Native.AbiVersion)
        {
            throw Error.PlatformNotSupported_OtherAbi(abi, Native.AbiVersion, Version);
        }

        string version = Marshal.PtrToStringAnsi((nint)Native.mood_version())!;

        if (version != Version)
        {
            throw Error.PlatformNotSupported_OtherVersion(version, Version);
        }
    }
}
