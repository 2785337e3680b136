using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <content>Windows has four signals, which are events of the console. The runtime knows them by name, and native code feeds the loop
/// when a registration is called (mood_signal_guard).</content>
internal static partial class SignalRegistrations
{
    /// <summary>How long a call for SIGHUP (the console is closed) or SIGTERM (shutdown) lasts at most. Windows has a shorter limit: 5
    /// seconds after the console was closed.</summary>
    private static readonly TimeSpan s_end = TimeSpan.FromSeconds(30);

    /// <summary>The signal as the runtime takes it: by its name on Windows, and by its number elsewhere.</summary>
    private static PosixSignal NameOf(int signum) =>
        !Platform.IsWindows ? (PosixSignal)signum
        : signum == Signum.SIGINT ? PosixSignal.SIGINT
        : signum == Signum.SIGQUIT ? PosixSignal.SIGQUIT
        : signum == Signum.SIGHUP ? PosixSignal.SIGHUP
        : PosixSignal.SIGTERM;

    /// <summary>Waits for the end of the process, on the thread that the system made for the event.</summary>
    /// <remarks>Windows ends the process when the call of the registration returns. So the call gives the loop the time to deal with
    /// the signal, and Main the time to return. The end of Main ends this thread too.</remarks>
    private static void AwaitEndOfProcess(PosixSignal signal)
    {
        if (Platform.IsWindows && signal is PosixSignal.SIGHUP or PosixSignal.SIGTERM)
        {
            Thread.Sleep(s_end);
        }
    }
}
