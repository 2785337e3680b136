using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Waiting for one of several signals.</content>
public sealed partial class Loop
{
    /// <summary>
    /// Waits until the process gets one of several signals, as <see cref="Mood.Event.Signal"/> watchers (ev_signal) do. Call it on the
    /// loop's thread.
    /// </summary>
    /// <remarks>
    /// <para>The signals are watched from the call to the end of the wait. Afterwards their default action applies again. The
    /// default action of most signals ends the process. For an orderly shutdown, use
    /// <see cref="Run(Func{CancellationToken, Task}, RunOptions)"/>, which also handles a second signal. Or hold a watcher until
    /// the end, as with <see cref="Signals(int, CancellationToken)"/>.</para>
    /// <para>If several signals arrive together, the wait returns the number of one of them. A signal reaches all its waits and
    /// watchers. For awaiting and threads see <see cref="Delay(double, CancellationToken)"/>. Each wait allocates its
    /// watchers.</para>
    /// </remarks>
    /// <param name="signums">The signals' numbers on this platform: <see cref="Signum"/>. At least one. The list is copied.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread.
    /// It may be cancelled on any thread.</param>
    /// <returns>The number of the signal that came.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="signums"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="signums"/> is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no signal with one of the numbers, or it cannot be watched, such as
    /// SIGKILL.</exception>
    /// <exception cref="EventException">Another loop watches one of the signals. Then none of them is watched.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public ValueTask<int> WaitForSignalAsync(IReadOnlyList<int> signums, CancellationToken cancellationToken = default) =>
        WaitForSignalAsync(Validate.WatchableSignums(signums, nameof(signums)), nameof(signums), cancellationToken);

    /// <inheritdoc cref="WaitForSignalAsync(IReadOnlyList{int}, CancellationToken)"/>
    /// <param name="signals">The signals. At least one. The list is copied.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread.
    /// It may be cancelled on any thread.</param>
    /// <exception cref="ArgumentNullException"><paramref name="signals"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="signals"/> is empty.</exception>
    public ValueTask<int> WaitForSignalAsync(IReadOnlyList<PosixSignal> signals, CancellationToken cancellationToken = default)
    {
        var signums = new List<int>(Validate.NotNull(signals, nameof(signals)).Count);

        foreach (PosixSignal signal in signals)
        {
            signums.Add(Signum.From(signal));
        }

        return WaitForSignalAsync(Validate.WatchableSignums(signums, nameof(signals)), nameof(signals), cancellationToken);
    }

    private ValueTask<int> WaitForSignalAsync(int[] signums, string parameter, CancellationToken cancellationToken)
    {
        if (signums.Length == 0)
        {
            throw Error.Argument_NoSignals(parameter);
        }

        using Claim claim = ClaimToChange();
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<int>(cancellationToken)
            : new SignalWait(this, signums).Begin(cancellationToken);
    }
}
