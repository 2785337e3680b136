namespace Mood.Event;

/// <summary>How long <see cref="Loop.Start"/> runs. The values are libev's EVRUN_* constants.</summary>
public enum RunFlags
{
    /// <summary>Until no active watcher keeps the loop alive, or until <see cref="Loop.Stop"/>.</summary>
    Default = 0,

    /// <summary>One iteration. It handles the events that have already arrived, and does not wait (EVRUN_NOWAIT).</summary>
    NoWait = 1,

    /// <summary>One iteration. It waits until there is an event, and handles it (EVRUN_ONCE).</summary>
    Once = 2,
}
