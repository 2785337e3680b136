using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>The numbers of PosixSignal's names.</content>
public static partial class Signum
{
    /// <summary>The platform's number of a <see cref="PosixSignal"/>, which is either a name (negative) or already a number.</summary>
#pragma warning disable CA1416 // Windows does not have some of these names. They are only compared.
    internal static int From(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGHUP => SIGHUP,
        PosixSignal.SIGINT => SIGINT,
        PosixSignal.SIGQUIT => SIGQUIT,
        PosixSignal.SIGTERM => SIGTERM,
        PosixSignal.SIGCHLD => SIGCHLD,
        PosixSignal.SIGCONT => SIGCONT,
        PosixSignal.SIGWINCH => SIGWINCH,
        PosixSignal.SIGTTIN => SIGTTIN,
        PosixSignal.SIGTTOU => SIGTTOU,
        PosixSignal.SIGTSTP => SIGTSTP,
        _ => (int)signal,
    };
#pragma warning restore CA1416
}
