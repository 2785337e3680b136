namespace Mood.Event;

/// <summary>Tells <see cref="Loop.Stop"/> which calls of <see cref="Loop.Start"/> to end. The values are libev's EVBREAK_* constants.</summary>
public enum BreakHow
{
    /// <summary>None: cancels an earlier Stop that has not taken effect yet (EVBREAK_CANCEL).</summary>
    Cancel = 0,

    /// <summary>The innermost Start (EVBREAK_ONE).</summary>
    One = 1,

    /// <summary>All nested Starts (EVBREAK_ALL).</summary>
    All = 2,
}
