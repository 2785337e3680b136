using System;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// Defers Thread.Interrupt. An interrupt may end any wait of a thread. It must not end a wait of the library, which may run
/// below native frames that no exception may cross, or in the middle of a change that must be completed.
/// </summary>
internal static class Uninterrupted
{
    /// <summary>
    /// Calls the action. After each interrupt it calls the action again from its beginning. The interrupt is raised again at the
    /// end, so that it ends the next wait of the thread.
    /// </summary>
    /// <typeparam name="TState">The type of the action's argument.</typeparam>
    /// <param name="action">A wait, and code that may be called again after an interrupt of the wait.</param>
    /// <param name="state">The action's argument.</param>
    internal static void Run<TState>(Action<TState> action, TState state)
    {
        bool interrupted = false;

        while (true)
        {
            try
            {
                action(state);
                break;
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
        }

        if (interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    /// <summary>A spin wait for a loop of the caller: <c>while (!condition) { spin.SpinOnce(); } spin.End();</c></summary>
    internal struct Spin
    {
        private SpinWait _spin;
        private bool _interrupted;

        /// <summary>Spins. If the wait takes long, it yields or sleeps.</summary>
        internal void SpinOnce()
        {
            try
            {
                _spin.SpinOnce();
            }
            catch (ThreadInterruptedException)
            {
                _interrupted = true;
            }
        }

        /// <summary>Ends the wait. An interrupt that came during it ends the next wait of the thread.</summary>
        internal readonly void End()
        {
            if (_interrupted)
            {
                Thread.CurrentThread.Interrupt();
            }
        }
    }
}
