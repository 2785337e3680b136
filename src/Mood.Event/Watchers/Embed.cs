using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Runs another loop's io inside this one (ev_embed): when the other loop's backend has events, it runs one iteration.
/// Its timers are not watched. The other loop must have one of <see cref="Ev.EmbeddableBackends"/> and is used by this
/// loop's thread.
/// </summary>
public sealed class Embed : Watcher<Embed>
{
    /// <summary>Makes an embed watcher; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="other">The loop to embed.</param>
    /// <param name="callback">Called when the other loop has events, and should call <see cref="Sweep"/>; null to sweep
    /// by itself. An exception that stops the other loop then stops this one too.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="EventException"><paramref name="other"/> is <paramref name="loop"/>, or its backend cannot be
    /// embedded.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="other"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">A loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">A loop runs on another thread.</exception>
    public Embed(Loop loop, Loop other, Action<Embed, Events>? callback = null, object? data = null, int priority = 0)
        : base(loop, callback, data)
    {
        Other = CheckOther(other);
        Create(Native.Kind.Embed, priority);
    }

    /// <summary>The loop that is embedded.</summary>
    public Loop Other { get; private set; }

    private protected override bool IsCallbackOptional => true;

    /// <summary>Embeds another loop.</summary>
    /// <param name="other">The loop to embed.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="EventException"><paramref name="other"/> is this watcher's loop, or its backend cannot be
    /// embedded.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="other"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or a loop is disposed.</exception>
    public void Set(Loop other)
    {
        using Loop.Claim claim = UseSettable(nameof(Other));
        Other = CheckOther(other);
    }

    /// <summary>Runs the other loop, without waiting, as long as it has something to do at once (ev_embed_sweep).</summary>
    /// <exception cref="ObjectDisposedException">The watcher or a loop is disposed.</exception>
    public void Sweep()
    {
        using Loop.Claim claim = Use();
        RunOther();
    }

    private protected override void StartCore()
    {
        CheckOther(Other);

        for (Loop? outer = Loop; outer is not null; outer = outer.Embedder?.Loop)
        {
            if (outer == Other)
            {
                throw Error.Event_EmbedCycle();
            }
        }

        if (Other.Embedder is not null)
        {
            throw Error.Event_EmbedTwice();
        }

        bool inside = Other.IsHere;
        using Loop.Claim claim = Other.Change();

        // if nobody is inside this loop, the next one to run it need not be the thread that is inside the other
        if (inside && !Loop.IsRunning)
        {
            throw Error.InvalidOperation_Running();
        }

        Native.mood_embed_set(Memory, Other.Handle.Pointer);
        _ = Native.mood_watcher_start(Memory);
        Other.Embedder = this;
    }

    private protected override void OnStopped() => Other.Embedder = null;

    /// <summary>See native/embed.c for what is reported: Prepare and Fork are never the program's business.</summary>
    private protected override void Call(Events revents)
    {
        if (Callback is not null && (revents & (Events.Prepare | Events.Fork)) == 0)
        {
            base.Call(revents);
            return;
        }

        try
        {
            RunOther();
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            Loop.OnException(this, e, fatal: true);
        }
    }

    // Until it has nothing to do at once, or this loop would wait although the other one does not want to. A Prepare in
    // there may stop it before it gets anywhere: then the next iteration of this loop tries again.
    private void RunOther()
    {
        uint iteration;

        do
        {
            iteration = Other.Iteration;
            Other.Start(RunFlags.NoWait);
        }
        while (Active && Other.Iteration != iteration && Native.mood_loop_changes(Other.Handle.Pointer) != 0);

        if (Active)
        {
            Native.mood_embed_renew(Memory);
            GC.KeepAlive(this);
        }
    }

    private Loop CheckOther(Loop other)
    {
        using Loop.Claim claim = Validate.NotNull(other, nameof(other)).Change();

        if (other == Loop)
        {
            throw Error.Event_EmbedItself();
        }

        return (other.Backend & Ev.EmbeddableBackends) != 0 ? other : throw Error.Event_EmbedBackend(other.Backend);
    }
}
