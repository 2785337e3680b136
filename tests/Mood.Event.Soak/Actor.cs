using System;

namespace Mood.Event.Soak;

/// <summary>
/// A watcher and a model of it. The model says which operations are allowed, and what must result from them. Act runs outside the
/// loop, in an order that depends on the seed only. Callbacks use random numbers of their own, because the moments of their calls
/// do not depend on the seed only.
/// </summary>
internal abstract class Actor(int seed) : IDisposable
{
    /// <summary>The random numbers of Act.</summary>
    protected Random Random { get; } = new(seed);

    /// <summary>The random numbers of callbacks.</summary>
    protected Random Chance { get; } = new(~seed);

    /// <summary>The work of this actor on the thread pool.</summary>
    public Helpers Helpers { get; } = new();

    /// <summary>The number of calls of the watcher's callback.</summary>
    public int Calls { get; protected set; }

    /// <summary>Does a random operation.</summary>
    public abstract void Act();

    /// <summary>Whether every expected event has come.</summary>
    public abstract bool IsDone { get; }

    /// <summary>The expected events that have not come, for the message of a failure.</summary>
    public abstract string Owes { get; }

    public abstract void Dispose();

    protected static void Demand(bool condition, string what)
    {
        if (!condition)
        {
            throw new SoakException(what);
        }
    }
}
