using System;
using System.Collections.Generic;
using System.Reflection;
using System.Threading;

namespace Mood.Event;

/// <summary>The items of a PostQueue that have no state, or those that have a state of one type. Add and Take are called inside the
/// queue's gate.</summary>
internal abstract class PostLane
{
    /// <summary>Calls the next item of the batch. Throws nothing.</summary>
    internal abstract void RunNext(Loop loop);

    /// <summary>Adds the functions of all items that wait to a list. The loop's thread, inside the gate.</summary>
    internal abstract void CopyTo(List<Delegate> functions);

    /// <summary>Makes a new batch of the items that were added since the last batch. The last batch must be finished.</summary>
    internal abstract void Take();

    /// <summary>The number of a type of state, by which a queue finds the lane of the type. It is negative if the type can be unloaded
    /// (AssemblyLoadContext): a lane stays as long as its queue, and would keep the type in memory. See <see cref="Posted"/>.</summary>
    internal static class Number<TState>
    {
        internal static readonly int Value = Numbers.CanBeUnloaded(typeof(TState)) ? -1 : Numbers.Next();
    }

    /// <summary>An action with its state, as the state of another action. So the lane knows neither type.</summary>
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

        // A Call is an InvokeAsync or a Spawn. The library's action calls its function, or that of a Posted.
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
        // MemberInfo.IsCollectible, which netstandard2.0 has no name for. A delegate, because the runtime makes code for a property that
        // is read by reflection more than once.
        private static readonly Func<MemberInfo, bool>? s_isCollectible = (Func<MemberInfo, bool>?)typeof(MemberInfo)
            .GetProperty("IsCollectible")?.GetMethod?.CreateDelegate(typeof(Func<MemberInfo, bool>));

        // Whether the library itself can be unloaded. Then its own types can be too, but they must have lanes: a Posted is one of them.
        private static readonly bool s_isLibraryCollectible = IsCollectible(typeof(PostLane));

        private static int s_last = -1;

        internal static bool CanBeUnloaded(Type type) => !s_isLibraryCollectible && IsCollectible(type);

        internal static int Next() => Interlocked.Increment(ref s_last);

        private static bool IsCollectible(Type type) => s_isCollectible?.Invoke(type) == true;
    }
}
