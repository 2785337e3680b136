using System;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// The requested Stops of a loop. The strongest request wins. This class keeps the strongest of the requests that the loop has
/// not taken yet. mood_loop_break keeps the strongest of those that were passed to libev. Cancel withdraws every request except a
/// final Stop. This class knows no signals. For the stop signals of a Run, such as a second Ctrl-C, see
/// <see cref="RunSupervisor"/>.
/// </summary>
internal struct StopRequests
{
    // BreakHow has the other values
    private const int None = -1;

    // The strongest Stop that the loop has not seen yet, or None. Any thread replaces it by compare-and-swap; the loop's thread
    // takes it.
    private int _asked;

    // True once the loop's end has begun, which cannot be withdrawn. The loop's thread sets it, and never clears it.
    private bool _isFinal;

    public StopRequests()
    {
        _asked = None;
        _isFinal = false;
        Told = 0;
    }

    /// <summary>How many Stops were passed to libev. The loop's thread only.</summary>
    internal int Told { get; private set; }

    /// <summary>Whether a Stop waits to be taken. The loop's thread only.</summary>
    internal bool IsAsked => Volatile.Read(ref _asked) != None;

    /// <summary>Makes the Stop final: Cancel cannot withdraw it. The loop's thread only.</summary>
    internal void MakeFinal() => _isFinal = true;

    /// <summary>Requests a Stop, from any thread. The caller must then wake the loop.</summary>
    internal void Ask(BreakHow how)
    {
        int asked, next;

        do
        {
            asked = Volatile.Read(ref _asked);
            next = how == BreakHow.Cancel ? (int)how : Math.Max(asked, (int)how);
        }
        while (Interlocked.CompareExchange(ref _asked, next, asked) != asked);
    }

    /// <summary>Takes the strongest request. False: there is none.</summary>
    internal bool TryTake(out BreakHow how)
    {
        how = (BreakHow)Interlocked.Exchange(ref _asked, None);
        return (int)how != None;
    }

    /// <summary>Drops the request: it was for a Run that has ended without a Start.</summary>
    internal void Forget() => Volatile.Write(ref _asked, None);

    /// <summary>Returns whether a Stop must be passed to libev, and counts it if so.</summary>
    internal bool MayTell(BreakHow how)
    {
        if (how == BreakHow.Cancel)
        {
            return !_isFinal;
        }

        Told++;
        return true;
    }
}
