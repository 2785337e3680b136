using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <summary>The watchers that a loop keeps alive: those that are active or pending.</summary>
/// <remarks>
/// Each watcher has a slot. Its native memory contains the slot's number, with which the loop finds the watcher of an event. The
/// table is also the reference that keeps the watchers alive. It is an array and not a linked list of watchers. Removal from a
/// linked list writes to the two neighbours, and with many watchers these are cache misses.
/// </remarks>
internal sealed partial class WatcherTable
{
    private const int None = 0; // no watcher has this slot

    // All fields are read and written on the thread that has claimed the loop. HasClosed reads _slots on another thread.
    private Slot[] _slots = new Slot[8];

    // The slot that was freed last, or None. NextFree of a free slot is the slot that was freed before it, or None.
    private int _free;

    // All slots from here on were never in use.
    private int _end = 1;

    /// <summary>How many of the watchers are Ios with a handle that its owner can close. Any thread may read it.</summary>
    internal int ClosableCount { get; private set; }

    /// <summary>The number of watchers. Any thread may read it.</summary>
    internal int Count { get; private set; }

    internal Watcher? this[int slot] => _slots[slot].Watcher;

    /// <summary>Gives the watcher a slot and returns its number.</summary>
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
        Count++;
        return slot;
    }

    internal void Remove(int slot)
    {
        ref Slot freed = ref _slots[slot];

        if (freed.IsClosable)
        {
            ClosableCount--;
        }

        freed = new Slot { NextFree = _free };
        Count--;
        _free = slot;
    }

    /// <summary>Marks the slot's watcher as an Io with a handle that its owner can close.</summary>
    internal void MarkClosable(int slot)
    {
        ref Slot marked = ref _slots[slot];

        if (!marked.IsClosable)
        {
            marked.IsClosable = true;
            ClosableCount++;
        }
    }

    /// <summary>Ends the Ios whose handle was closed. Throws nothing.</summary>
    /// <param name="first">The first slot to look at.</param>
    /// <param name="count">How many slots to look at.</param>
    /// <returns>The slot at which to continue, or 0 after the last slot.</returns>
    internal int Sweep(int first, int count)
    {
        int end = first + count;

        // _slots and _end are read again in each step, because the continuations of the ended waits may change the table
        for (int slot = first; slot < end && slot < _end; slot++)
        {
            if (_slots[slot] is { IsClosable: true, Watcher: Io io })
            {
                io.EndIfClosed();
            }
        }

        return end < _end ? end : 0;
    }

    /// <summary>Whether the handle of an Io was closed. Called on the sweep's thread, so that the loop's thread is woken only when
    /// a handle is closed. If the table changes during the call, the answer may be wrong. The next call corrects it.</summary>
    internal bool HasClosed()
    {
        Slot[] slots = Volatile.Read(ref _slots);

        for (int slot = 0; slot < slots.Length; slot++)
        {
            if (slots[slot].IsClosable && slots[slot].Watcher is Io { IsClosed: true })
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A copy of the table.</summary>
    internal List<Watcher> All()
    {
        var all = new List<Watcher>(Count);

        for (int slot = None + 1; slot < _end; slot++)
        {
            if (_slots[slot].Watcher is Watcher watcher)
            {
                all.Add(watcher);
            }
        }

        return all;
    }

    /// <summary>Disposes every watcher in the table, from the last slot to the first.</summary>
    internal void DisposeAll()
    {
        for (int slot = _end; --slot > None;)
        {
            _slots[slot].Watcher?.Dispose();
        }
    }

    private struct Slot
    {
        internal Watcher? Watcher;
        internal int NextFree;
        internal bool IsClosable;
    }
}
