using System;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mood.Event.Interop;

/// <summary>The native library: found and checked once, before the first call into it.</summary>
internal static class Library
{
    private const int SignalsHost = 0, SignalsNative = 1;

    private static readonly object s_gate = new();
    private static volatile bool s_ready;

    /// <summary>Whether the runtime hands out signals (PosixSignalRegistration), or native/signal.c installs handlers.</summary>
    internal static bool HostSignals =>
#if NET8_0_OR_GREATER
        true;
#else
        false;
#endif

    /// <summary>The version of the package, without build metadata: also the native library's.</summary>
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

    // The runtime opens files for what is used for the first time: an assembly, the library it formats numbers with. Without
    // fds it cannot, and ends the process. Errors, and the way back from them, must not be the first to need something.
    private static void LoadWhatErrorsNeed()
    {
        _ = Error.Event_Native(Native.ENOMEM, string.Empty);
        _ = typeof(System.Threading.ThreadInterruptedException).TypeHandle; // SignalRegistrations
        _ = typeof(MemoryExtensions).TypeHandle; // text that goes to native code
        _ = typeof(System.Text.Encoding).TypeHandle;
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
            LoadWhatErrorsNeed();

            if (Native.mood_initialize(HostSignals ? SignalsHost : SignalsNative) < 0)
            {
                throw Error.PlatformNotSupported_OtherFramework();
            }

            s_ready = true;
        }
    }

    // The ABI tells whether there is anything to ask; the version, whether this is the library this assembly came with, and
    // not that of another Mood.Event in the process which the runtime found first.
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
            throw Error.PlatformNotSupported_OtherAbi(abi);
        }

        string version = Marshal.PtrToStringAnsi((nint)Native.mood_version())!;

        if (version != Version)
        {
            throw Error.PlatformNotSupported_OtherVersion(version);
        }
    }
}
