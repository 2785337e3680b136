using System;
using System.Threading;

namespace Mood.Event;

/// <content>
/// The check for handles that were closed while an Io watches them: see <see cref="ClosedHandleSweep"/>. The states of a loop:
/// <code>
///   not listed                         _isListed 0: the sweep's thread does not look at the loop
///     |  NeedSweep                     an Io whose handle can be closed is started: _needsSweep is true
///   listed                             _isListed 1: the sweep's thread calls AskForSweep about twice a second
///     |  AskForSweep posts a sweep     a handle was closed, or no such Io is left
///   posted                             _isSweepPosted 1: the loop's thread runs Sweep
///     |  Sweep ends                    it has set _needsSweep to whether such an Io is left
///   listed
///     |  AskForSweep                   _needsSweep is false
///   not listed
/// </code>
/// </content>
public sealed partial class Loop
{
    // how many slots a sweep looks at before the loop does its other work
    private const int SweepLength = 4096;

    // Made with the first sweep, by the sweep's thread.
    private Action? _sweep;

    // The slot at which the sweep continues. Loop's thread.
    private int _sweepSlot;

    // Whether an active Io may have a handle that its owner can close. The loop's thread sets it when such an Io starts, and clears it
    // when a sweep finds none. The sweep's thread reads it.
    private volatile bool _needsSweep;

    // 1 while ClosedHandleSweep has the loop in its list. Set by the loop's thread before it adds the loop. Cleared by the sweep's
    // thread.
    private int _isListed;

    // 1 from the moment a sweep is posted until it has ended. Set by the sweep's thread, cleared by the loop's thread.
    private int _isSweepPosted;

    /// <summary>Notes that an Io whose handle can be closed is being started. Loop's thread.</summary>
    internal void NeedSweep()
    {
        if (_needsSweep)
        {
            return;
        }

        _needsSweep = true;

        if (Interlocked.Exchange(ref _isListed, 1) == 0)
        {
            ClosedHandleSweep.Add(this);
        }
    }

    /// <summary>Posts a sweep, unless one is already posted. Called on the sweep's thread. Throws nothing.</summary>
    /// <returns>False: the loop needs no sweep any more, and leaves the list.</returns>
    internal bool AskForSweep()
    {
        if (!_needsSweep)
        {
            Interlocked.Exchange(ref _isListed, 0);

            // Before _isListed was cleared, NeedSweep may have set _needsSweep without adding the loop. Then the loop stays in the list.
            if (!_needsSweep || Interlocked.Exchange(ref _isListed, 1) != 0)
            {
                return false;
            }
        }

        bool isPosting = false;

        try
        {
            // While no handle is closed, no sweep is posted, so that an idle loop is not woken. A sweep is also posted if no such Io is
            // left, because only the loop's thread may clear _needsSweep.
            if ((Watchers.ClosableCount > 0 && !Watchers.HasClosed()) || Interlocked.Exchange(ref _isSweepPosted, 1) != 0)
            {
                return true;
            }

            isPosting = true;
            return TryPost(_sweep ??= Sweep);
        }
#pragma warning disable CA1031 // any exception would end the process: no memory, or a Socket that cannot say whether it is closed
        catch (Exception)
#pragma warning restore CA1031
        {
            if (isPosting)
            {
                Volatile.Write(ref _isSweepPosted, 0);
            }

            return true; // the next sweep is half a second later
        }
    }

    private void Sweep()
    {
        if (IsEnding)
        {
            _needsSweep = false;
            return;
        }

        _sweepSlot = Watchers.Sweep(_sweepSlot, SweepLength);

        if (_sweepSlot != 0)
        {
            TryPost(_sweep!);
            return;
        }

        _needsSweep = Watchers.ClosableCount > 0;
        Volatile.Write(ref _isSweepPosted, 0);
    }
}
