using System;
using System.Runtime.Versioning;

namespace Mood.Event;

/// <summary>
/// Runs the watchers of another loop inside this one (ev_embed). Whenever the other loop has events, the Embed runs it without
/// waiting.
/// </summary>
/// <remarks>
/// Io, Async, Signal and Child watchers of the other loop work. Its timers do not run by themselves: Timer, Periodic and Scheduler
/// watchers fire only in iterations that other events cause. The other loop must use one of <see cref="Ev.EmbeddableBackends"/> and
/// belongs to the thread of this loop while the Embed is active.
/// </remarks>
public sealed class Embed : Watcher<Embed>
{
    // How often the other loop is run at most, one run directly after the other.
    private const int MaxRuns = 10;

    /// <summary>Creates an Embed. It is not started.</summary>
    /// <param name="loop">The loop that runs the other one.</param>
    /// <param name="other">The loop to embed.</param>
    /// <param name="callback">Called when the other loop has events. It should call <see cref="Sweep"/>. With null, the Embed
    /// calls Sweep itself. Then a fatal exception of the other loop also ends this loop's Start.</param>
    /// <param name="data">The initial value of <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial value of <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="EventException"><paramref name="other"/> is <paramref name="loop"/>, or its backend cannot be
    /// embedded.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="other"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">A loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">A loop runs on another thread.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows, where no loop can be embedded.</exception>
    [UnsupportedOSPlatform("windows")]
    public Embed(Loop loop, Loop other, Action<Embed, Events>? callback = null, object? data = null, int priority = 0)
        : base(loop, callback, data)
    {
        Platform.CheckEmbed();
        Other = CheckOther(other);
        Create(Native.Kind.Embed, priority);
    }

    /// <summary>The embedded loop.</summary>
    public Loop Other { get; private set; }

    private protected override bool IsCallbackOptional => true;

    /// <summary>Changes the loop to embed. The watcher must be inactive and not pending.</summary>
    /// <param name="other">The loop to embed.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending, or a loop runs on another thread.</exception>
    /// <exception cref="EventException"><paramref name="other"/> is this watcher's loop, or its backend cannot be
    /// embedded.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="other"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or a loop is disposed.</exception>
    public void Set(Loop other)
    {
        using Loop.Claim claim = UseSettable(nameof(Other));
        Other = CheckOther(other);
    }

    /// <summary>Runs one iteration of the other loop without waiting (ev_embed_sweep). Up to nine further iterations follow
    /// if a callback has started, stopped or changed an Io, or if the other loop was reset or woken.</summary>
    /// <exception cref="InvalidOperationException">A loop runs on another thread.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or a loop is disposed.</exception>
    public void Sweep()
    {
        using Loop.Claim claim = Use();
        Loop.ExtendClaim(); // for the callbacks of the other loop
        using Loop.Claim itself = Loop.ClaimItself();
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

        using Loop.Claim itself = Loop.ClaimItself(); // inside Callback the loops around this one are lent, and owned again from here on
        CheckFree(); // first, because the loop around the other one may run on another thread, and then the claim throws
        bool isHere = Other.IsHere;
        using Loop.Claim claim = Other.ClaimToChange();
        CheckFree(); // another thread may have embedded it just before the claim

        // While this thread is inside the other loop, it must own the loops around it. Otherwise another thread could take one of these, and
        // with it the other loop.
        for (Loop? outer = Loop; outer is not null && (isHere || Other.IsLentAtRest); outer = outer.Embedder?.Loop)
        {
            if (!outer.IsHereAround(Other))
            {
                throw Error.InvalidOperation_Running();
            }
        }

        Native.mood_embed_set(Memory, Other.Handle.Pointer);
        int error = Native.mood_watcher_start(Memory);

        if (error < 0)
        {
            throw Error.Event_EmbedRefused(-error);
        }

        Other.Embedder = this;
        Other.OnEmbedded();
    }

    private protected override void OnStopped() => Other.Embedder = null;

    private protected override void OnError(int revents) => Loop.Fail(Error.Event_EmbedLost(Other, Native.mood_watcher_error(Memory)));

    private protected override Action<Embed, Events>? Stored { get; set; }

    /// <summary>native/embed.c decides which events are reported. Prepare and Fork events only make the other loop run, and do
    /// not call the callback.</summary>
    private protected override void Call(Events revents)
    {
        if (Callback is not null && (revents & (Events.Prepare | Events.Fork)) == 0)
        {
            Stored?.Invoke(this, revents);
            return;
        }

        if (Other.IsEnding)
        {
            Stop(); // the outermost Start of the other loop disposes it
            return;
        }

        // That thread is in a callback of the other loop, and below it in Callback of this loop. It goes on with the other loop later.
        if (Other.IsElsewhere)
        {
            return;
        }

        try
        {
            RunOther();
        }
#pragma warning disable CA1031 // no exception may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            Loop.OnException(this, e, fatal: true);
        }
    }

    // Runs the other loop until neither it nor a loop embedded in it has work that is due now. Otherwise this loop would wait
    // although there is work. A Prepare may stop one of these loops in each run. Then the runs make no progress, and this loop's next
    // iteration tries again. A callback may also make new work in each run. Then this loop's own watchers must have their turn.
    private void RunOther()
    {
        uint iteration;
        int before, changes = 0, runs = 0;

        do
        {
            before = changes;
            iteration = Other.Iteration;
            Other.Start(RunFlags.NoWait);
            changes = Active ? Native.mood_loop_changes(Other.Handle.Pointer) : 0;
        }
        while (changes != 0 && changes != before && Other.Iteration != iteration && ++runs < MaxRuns);

        // After MaxRuns the work that is left is not marked as seen. So this loop does not wait, and its next iteration goes on.
        if (Active && runs < MaxRuns)
        {
            Native.mood_embed_renew(Memory);
            GC.KeepAlive(this);
        }
    }

    private void CheckFree()
    {
        if (Other.Embedder is not null)
        {
            throw Error.Event_EmbedTwice();
        }
    }

    private Loop CheckOther(Loop other)
    {
        Validate.NotNull(other, nameof(other));
        Loop.ExtendClaim(); // this thread may have to wait for the claim of the other loop
        using Loop.Claim claim = other.ClaimToChange();

        if (other == Loop)
        {
            throw Error.Event_EmbedItself();
        }

        return (other.Backend & Ev.EmbeddableBackends) != 0 ? other : throw Error.Event_EmbedBackend(other.Backend, Ev.EmbeddableBackends);
    }
}
