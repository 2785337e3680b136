using System;
using System.Threading;

namespace Mood.Event;

/// <summary>Those of a PostQueue's items that have one form. Add and Take are called under its gate.</summary>
internal abstract class PostLane
{
    /// <summary>Calls the next item of what was taken. Throws nothing.</summary>
    internal abstract void RunNext(Loop loop);

    /// <summary>When everything taken before was called: what has come in is the new batch.</summary>
    internal abstract void Take();

    /// <summary>Numbers the types of states, for a queue to find their lanes.</summary>
    internal static class Number<TState>
    {
        internal static readonly int Value = Numbers.Next();
    }

    /// <summary>Actions by themselves.</summary>
    internal sealed class Actions : PostLane
    {
        private readonly Backlog<Action> _items = new();

        internal void Add(Action action) => _items.Add(action);

        internal override void Take() => _items.Take();

        internal override void RunNext(Loop loop)
        {
            Action action = _items.Next();

            try
            {
                action();
            }
#pragma warning disable CA1031 // any exception: it is the loop's to decide what becomes of it
            catch (Exception e)
#pragma warning restore CA1031
            {
                loop.OnPostedException(action, e);
            }
        }
    }

    /// <summary>Actions with states of one type.</summary>
    internal sealed class States<TState> : PostLane
    {
        private readonly Backlog<Item> _items = new();

        internal void Add(Action<TState> action, TState state) => _items.Add(new Item { Action = action, State = state });

        internal override void Take() => _items.Take();

        internal override void RunNext(Loop loop)
        {
            Item item = _items.Next();

            try
            {
                item.Action(item.State);
            }
#pragma warning disable CA1031 // any exception: it is the loop's to decide what becomes of it
            catch (Exception e)
#pragma warning restore CA1031
            {
                loop.OnPostedException(item.Action, e);
            }
        }

        private struct Item
        {
            internal Action<TState> Action;
            internal TState State;
        }
    }

    private static class Numbers
    {
        private static int s_last = -1;

        internal static int Next() => Interlocked.Increment(ref s_last);
    }
}
