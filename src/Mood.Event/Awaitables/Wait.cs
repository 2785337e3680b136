using System;

namespace Mood.Event;

/// <summary>
/// An awaitable that a watcher carries as its Data, so that whoever ends the watcher, an error of libev or the end of the
/// loop, finds the awaiter who would wait for ever.
/// </summary>
internal abstract class Wait
{
    /// <summary>The one that was left in the pool before this one.</summary>
    internal Wait? Next { get; set; }

    /// <summary>Disposes the watcher. The wait is idle, and is not used again.</summary>
    internal abstract void Free();

    /// <summary>Ends the wait with an exception. Of one that is over it does nothing.</summary>
    internal abstract void Fail(Exception exception);
}
