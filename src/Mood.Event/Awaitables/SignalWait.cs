using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="Loop.WaitForSignalAsync(System.Collections.Generic.IReadOnlyList{int}, CancellationToken)"/>. The object
/// serves one wait only.</summary>
internal sealed class SignalWait : Wait<int>
{
    // One watcher per signal. All of them are active from Begin to the end of the wait.
    private readonly Signal[] _signals;

    internal SignalWait(Loop loop, int[] signums)
        : base(loop, pool: null) =>
        _signals = System.Array.ConvertAll(signums, signum => new Signal(loop, signum, OnSignal) { Wait = this });

    internal override void Free() => StopWatching();

    internal new ValueTask<int> Begin(CancellationToken cancellationToken)
    {
        try
        {
            foreach (Signal signal in _signals)
            {
                signal.Start();
            }
        }
        catch
        {
            StopWatching(); // another loop watches one of the signals
            throw;
        }

        base.Begin(cancellationToken);
        return new ValueTask<int>(this, Version);
    }

    private protected override void StopWatching()
    {
        foreach (Signal signal in _signals)
        {
            signal.Dispose();
            signal.Wait = null;
        }
    }

    private void OnSignal(Signal signal, Events revents) => Complete(signal.Signum);
}
