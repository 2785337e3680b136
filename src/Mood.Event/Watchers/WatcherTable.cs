using System;
using System.Collections.Generic;

namespace Mood.Event;

/// <summary>
/// The watchers a loop keeps alive: those that are active or pending, each in a slot of its own, whose number its native
/// memory carries. It is how an event finds its watcher, and what the garbage collector follows. An array and not a list
/// through the watchers: leaving it must not touch its neighbours, whose memory is far away where there are many.
/// </summary>
internal sealed class WatcherTable
{
    private const int None = 0; // the number of no slot

    private Slot[] _slots = new Slot[8];

    // the slot that was freed last, or None; it knows the one before
    private int _free;

    // how many slots were ever in use, None among them
    private int _end = 1;

    internal Watcher? this[int slot] => _slots[slot].Watcher;

    /// <summary>Gives the watcher a slot.</summary>
    internal int Add(Watcher watcher)
    {
        int slot = _free;

        if (slot == None)
        {
            slot = _end;

            if (slot == _slots.Length)
            {
                Array.Resize(ref _slots, slot * 2);
            }

            _end++;
        }

        ref Slot free = ref _slots[slot];
        _free = free.NextFree;
        free = new Slot { Watcher = watcher };
        return slot;
    }

    internal void Remove(int slot)
    {
        _slots[slot] = new Slot { NextFree = _free };
        _free = slot;
    }

    /// <summary>Disposes all of them, the youngest slot first.</summary>
    internal void DisposeAll()
    {
        for (int slot = _end; --slot > None;)
        {
            _slots[slot].Watcher?.Dispose();
        }
    }

#if NET8_0_OR_GREATER
    /// <summary>Those that somebody awaits.</summary>
    internal List<Watcher> OfWaits()
    {
        var found = new List<Watcher>();

        for (int slot = None + 1; slot < _end; slot++)
        {
            if (_slots[slot].Watcher is { Data: Wait } watcher)
            {
                found.Add(watcher);
            }
        }

        return found;
    }
#endif

    private struct Slot
    {
        internal Watcher? Watcher;
        internal int NextFree;
    }
}
