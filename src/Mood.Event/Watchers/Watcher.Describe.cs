using System.Diagnostics;

namespace Mood.Event;

/// <content>Text for people.</content>
[DebuggerDisplay("{ToString(),nq}")]
public abstract partial class Watcher
{
    /// <summary>Whether the watcher is disposed, or its constructor has not finished.</summary>
    internal bool IsFreed => Memory == 0;

    /// <summary>Whether the library made the watcher for itself: for an await, or a TimeProvider.</summary>
    internal bool IsInternal => CallbackMethod?.DeclaringType?.Assembly == typeof(Watcher).Assembly;

    /// <summary>For the watcher of an await: "awaited by ChatServer.ServeAsync". For a timer of a TimeProvider: a text that says what the
    /// timer does. Otherwise null.</summary>
    internal string? Waiting
    {
        get
        {
            string? waiting = null;
            GetWaiting(ref waiting);
            return waiting;
        }
    }

    /// <summary>Describes the watcher: its kind and parameters, state, callback and <see cref="Data"/>. For example "Timer every 1 s,
    /// due in 0.31 s, active, ChatServer.OnTick, data: room 7". The text is for people, and may change between versions.</summary>
    /// <remarks>Any thread. While the loop runs on another thread, the text contains only the kind. Inside the ToString of a
    /// Data, the texts of watchers omit Data.</remarks>
    /// <returns>The description.</returns>
    public override string ToString() =>
        Loop.TryRead(() => Description.Of(this))?.ToString() ?? Description.Brief(this);

    /// <summary>The awaiter that the watcher will resume (<see cref="MethodName.OfWaiter"/>), or null.</summary>
    internal object? Waiter
    {
        get
        {
            object? waiter = null;
            GetWaiter(ref waiter);
            return waiter;
        }
    }

    // Only net8.0 has awaitables.
    partial void GetWaiter(ref object? waiter);

    partial void GetWaiting(ref string? waiting);
}
