using System;
using System.Runtime.InteropServices;

namespace Mood.Event.Tests;

/// <summary>
/// Cancels a signal's default action until Dispose. After a signal's handler has returned, the runtime looks for a registration, and ends the
/// process if it finds none. So Dispose first waits for the signals that were raised before it.
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
