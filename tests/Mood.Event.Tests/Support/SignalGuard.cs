using System;
using System.Runtime.InteropServices;

namespace Mood.Event.Tests;

/// <summary>
/// Cancels a signal's default action until it is disposed. Dispose waits for the signals that were raised before: the runtime looks
/// for a registration only after the signal's handler has returned, and ends the process where it finds none.
/// </summary>
internal sealed class SignalGuard(int signum) : IDisposable
{
    private readonly PosixSignalRegistration _registration = PosixSignalRegistration.Create((PosixSignal)signum, context => context.Cancel = true);

    public void Dispose()
    {
        // Twice: a thread that takes two signals at once may run the handler of the second one first.
        Posix.PassSignals();
        Posix.PassSignals();
        _registration.Dispose();
    }
}
