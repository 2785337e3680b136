using System.Threading;

namespace Mood.Event;

/// <summary>
/// A lock that a thread takes even if it is interrupted (see <see cref="Uninterrupted"/>):
/// <c>using (gate.Enter()) { ... }</c>.
/// </summary>
internal sealed class Gate
{
    private readonly object _lock = new();

    internal Pass Enter()
    {
        if (!Monitor.TryEnter(_lock))
        {
            Uninterrupted.Run(static taken => Monitor.Enter(taken), _lock);
        }

        return new Pass(_lock);
    }

    /// <summary>The lock held by this thread. Dispose releases it.</summary>
    internal readonly ref struct Pass(object taken)
    {
        /// <summary>
        /// Releases the lock, waits for a <see cref="Pulse"/> and takes the lock again. Thread.Interrupt ends this wait with a
        /// <see cref="ThreadInterruptedException"/>.
        /// </summary>
        internal void Wait() => Monitor.Wait(taken);

        /// <summary>Wakes the thread that waits.</summary>
        internal void Pulse() => Monitor.Pulse(taken);

        public void Dispose() => Monitor.Exit(taken);
    }
}
