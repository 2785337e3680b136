using System.Collections.Generic;

namespace Mood.Event;

/// <content>Waits.</content>
internal sealed partial class WatcherTable
{
    /// <summary>The active or pending watchers that serve a wait.</summary>
    internal List<Watcher> OfWaits()
    {
        var found = new List<Watcher>();

        for (int slot = None + 1; slot < _end; slot++)
        {
            if (_slots[slot].Watcher is { Wait: not null } watcher)
            {
                found.Add(watcher);
            }
        }

        return found;
    }
}
