using System;
using Mood.Event;

namespace Echo;

/// <summary>Ctrl+C and SIGTERM, delivered on the loop's thread like any other event.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly Signal _interrupt, _terminate;

    public StopSignals(Loop loop, Action<int> stop)
    {
        _interrupt = Watch(Signum.SIGINT);
        _terminate = Watch(Signum.SIGTERM);

        Signal Watch(int signum)
        {
            Signal signal = loop.Signal(signum, (w, _) => stop(w.Signum));
            signal.KeepAlive = false; // the loop may end although it watches the signal
            signal.Start();
            return signal;
        }
    }

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
    }
}
