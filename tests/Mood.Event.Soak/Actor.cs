using System;

namespace Mood.Event.Soak;

/// <summary>
/// One watcher with its model: what may be done to it, and what must come of it. Act happens outside the loop, in an order
/// that only the seed decides; what callbacks do by chance has numbers of its own, or their timing would change that order.
/// </summary>
internal abstract class Actor(int seed) : IDisposable
{
    /// <summary>For Act.</summary>
    protected Random Random { get; } = new(seed);

    /// <summary>For callbacks.</summary>
    protected Random Chance { get; } = new(~seed);

    /// <summary>What the pool does for this actor.</summary>
    public Helpers Helpers { get; } = new();

    /// <summary>How often the watcher's callback was called.</summary>
    public int Calls { get; protected set; }

    /// <summary>Does something, chosen by the seed.</summary>
    public abstract void Act();

    /// <summary>Whether everything that must happen has happened.</summary>
    public abstract bool IsDone { get; }

    /// <summary>What is owed, for the message when it does not come.</summary>
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
