using System;
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

            int version;

            try
            {
                version = Native.mood_abi_version();
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
            {
                throw Error.PlatformNotSupported_NoLibrary(e);
            }

            if (version != Native.AbiVersion)
            {
                throw Error.PlatformNotSupported_OtherVersion(version);
            }

            LoadWhatErrorsNeed();
            Native.mood_initialize(HostSignals ? SignalsHost : SignalsNative);
            s_ready = true;
        }
    }
}
