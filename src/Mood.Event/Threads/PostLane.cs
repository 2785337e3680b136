using System;
using System.Collections.Generic;
using System.Reflection;
using System.Threading;

namespace Mood.Event;

/// <summary>The part of a PostQueue that holds the actions without a state, or the actions with a state of one type. Add and Take are
/// called inside the queue's gate.</summary>
internal abstract class PostLane
{
    /// <summary>Calls the next item of the batch. Throws nothing.</summary>
    internal abstract void RunNext(Loop loop);

    /// <summary>Adds the functions of all items that wait to a list. The loop's thread, inside the gate.</summary>
    internal abstract void CopyTo(List<Delegate> functions);

    /// <summary>Makes a new batch of the items that were added since the last batch. The last batch must be finished.</summary>
    internal abstract void Take();

    /// <summary>The index of the lane for states of type TState, in every queue. It is negative if the type can be unloaded
    /// (AssemblyLoadContext). Such a type has no lane, because a lane lives as long as its queue and would keep the type in memory. The
    /// queue then uses <see cref="Posted"/>.</summary>
    internal static class Number<TState>
    {
        internal static readonly int Value = Numbers.CanBeUnloaded(typeof(TState)) ? -1 : Numbers.Next();
    }

    /// <summary>Wraps an action and its state, if the type of the state can be unloaded. The queue posts the action Call, and the Posted as
    /// its state. So the item is in the lane of Posted, and no lane refers to the type.</summary>
    internal abstract class Posted
    {
        /// <summary>Calls the action of a Posted.</summary>
        internal static Action<Posted> Call { get; } = static posted => posted.Run();

        internal abstract Delegate Function { get; }

        internal static Posted Of<TState>(Action<TState> action, TState state) => new Item<TState>(action, state);

        private protected abstract void Run();

        private sealed class Item<TState>(Action<TState> action, TState state) : Posted
        {
            internal override Delegate Function => action;

            private protected override void Run() => action(state);
        }
    }

    /// <summary>Actions without a state.</summary>
    internal sealed class Actions : PostLane
    {
        private readonly Backlog<Action> _items = new();

        internal void Add(Action action) => _items.Add(action);

        internal override void CopyTo(List<Delegate> functions) => _items.ForEach(functions.Add);

        internal override void Take() => _items.Take();

        internal override void RunNext(Loop loop)
        {
            Action action = _items.Next();
            CallbackGauge? gauge = loop.Gauge;
            gauge?.Before(action);

            try
            {
                action();
            }
#pragma warning disable CA1031 // any exception: the loop handles it
            catch (Exception e)
#pragma warning restore CA1031
            {
                loop.OnPostedException(action, e);
            }

            gauge?.After();
        }
    }

    /// <summary>Actions with a state of one type.</summary>
    internal sealed class States<TState> : PostLane
    {
        private readonly Backlog<Item> _items = new();

        internal void Add(Action<TState> action, TState state) => _items.Add(new Item { Action = action, State = state });

        internal override void CopyTo(List<Delegate> functions) =>
            _items.ForEach(item => functions.Add(FunctionOf(item)));

        internal override void Take() => _items.Take();

        internal override void RunNext(Loop loop)
        {
            Item item = _items.Next();
            CallbackGauge? gauge = loop.Gauge;
            gauge?.Before(FunctionOf(item));

            try
            {
                item.Action(item.State);
            }
#pragma warning disable CA1031 // any exception: the loop handles it
            catch (Exception e)
#pragma warning restore CA1031
            {
                loop.OnPostedException(FunctionOf(item), e);
            }

            gauge?.After();
        }

        // The function that the program has passed. For InvokeAsync and Spawn (a Call), and for a Posted, Action is the library's own.
        private static Delegate FunctionOf(in Item item) => item.State is Call call ? call.Function
            : item.State is Posted posted ? posted.Function
            : item.Action;

        private struct Item
        {
            internal Action<TState> Action;
            internal TState State;
        }
    }

    private static class Numbers
    {
        // The getter of MemberInfo.IsCollectible, which is not in netstandard2.0. Null: the runtime has no such property. It is a delegate,
        // because the runtime generates code when a property is read through reflection repeatedly.
        private static readonly Func<MemberInfo, bool>? s_isCollectible = (Func<MemberInfo, bool>?)typeof(MemberInfo)
            .GetProperty("IsCollectible")?.GetMethod?.CreateDelegate(typeof(Func<MemberInfo, bool>));

        // Whether the library itself can be unloaded. Then IsCollectible is true for its own types too. They must have lanes all the same,
        // because Posted is one of them. So CanBeUnloaded is false for all types then.
        private static readonly bool s_isLibraryCollectible = IsCollectible(typeof(PostLane));

        private static int s_last = -1;

        internal static bool CanBeUnloaded(Type type) => !s_isLibraryCollectible && IsCollectible(type);

        internal static int Next() => Interlocked.Increment(ref s_last);

        private static bool IsCollectible(Type type) => s_isCollectible?.Invoke(type) == true;
    }
}
