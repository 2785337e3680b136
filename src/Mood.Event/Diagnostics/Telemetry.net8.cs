using System;
using System.Collections.Generic;
using System.Runtime.Loader;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// The loops that the meter and the event source know. Both are created one second after the first loop, on a thread of their own.
/// Creating them takes milliseconds and must not delay the first event of a program. A timer of the runtime cannot be used: if no file
/// descriptor is free when it is due, the runtime cannot start the pool's threads, and ends the process. Listeners are user code, and
/// their exceptions must not reach a loop.
/// </summary>
internal static class Telemetry
{
    private const int Delay = 1000;

    private static readonly Gate s_gate = new();

    // Held while the meter and the event source are made. Listeners are called meanwhile, so no loop may need it.
    private static readonly Gate s_making = new();

    // Under s_gate. Weak: telemetry must not keep loops alive.
    private static readonly List<WeakReference<Loop>> s_loops = [];

    // Under s_gate: the number of entries at which dead entries are removed.
    private static int s_full = 16;

    // Set when the load context is being unloaded: the thread must not wait any longer.
    private static readonly ManualResetEventSlim s_ending = new();

    // Set once under s_making.
    private static bool s_isMade;

    // 1 once the exception of a listener was written to standard error. Any thread.
    private static int s_reported;

    // Set once under s_gate.
    private static bool s_hasBegun;

    /// <summary>
    /// Whether a listener has ever enabled the event source, which sets it. Any thread. It is not a member of LoopEventSource: to use that
    /// type, the runtime opens the assembly of its base class, and the first Start of a process may have no free file descriptor.
    /// </summary>
    internal static bool IsTraced { get; set; }

    /// <summary>Makes the loop visible to listeners. Throws nothing.</summary>
    internal static void Add(Loop loop)
    {
        using (s_gate.Enter())
        {
            if (s_loops.Count >= s_full)
            {
                s_loops.RemoveAll(static loop => !loop.TryGetTarget(out Loop? target) || target.IsClosed);
                s_full = Math.Max(16, s_loops.Count * 2);
            }

            s_loops.Add(new WeakReference<Loop>(loop));

            if (!s_hasBegun)
            {
                s_hasBegun = true;
                Guarded(Begin);
            }
        }

        if (LoopMeter.IsLagWanted)
        {
            loop.Measure();
        }
    }

    /// <summary>Makes the meter and the event source, unless they are made. Throws nothing.</summary>
    internal static void Make()
    {
        using (s_making.Enter())
        {
            if (s_isMade)
            {
                return;
            }

            s_isMade = true;
            Guarded(LoopMeter.Make);
            Guarded(LoopEventSource.Make);
        }

        if (LoopMeter.IsLagWanted)
        {
            foreach (Loop loop in Loops())
            {
                loop.Measure();
            }
        }
    }

    /// <summary>The loops that are not disposed.</summary>
    internal static List<Loop> Loops()
    {
        using (s_gate.Enter())
        {
            var loops = new List<Loop>(s_loops.Count);

            foreach (WeakReference<Loop> reference in s_loops)
            {
                if (reference.TryGetTarget(out Loop? loop) && !loop.IsClosed)
                {
                    loops.Add(loop);
                }
            }

            return loops;
        }
    }

    internal static string NameOf(Loop loop) => loop.Name ?? (loop.IsDefault ? "default" : "unnamed");

    /// <summary>Calls code that may call a listener. Throws nothing.</summary>
    internal static void Guarded(Action action) => Guarded(static action => action(), action);

    /// <inheritdoc cref="Guarded(Action)"/>
    internal static void Guarded<T>(Action<T> action, T state)
    {
        try
        {
            action(state);
        }
#pragma warning disable CA1031 // any exception: a listener threw it
        catch (Exception e)
#pragma warning restore CA1031
        {
            Report(e);
        }
    }

    /// <summary>Writes an exception of a listener to standard error, but only the first one, because a listener may throw in every
    /// iteration.</summary>
    internal static void Report(Exception e)
    {
        if (Interlocked.Exchange(ref s_reported, 1) == 0)
        {
            Loop.Write($"a listener of the meter or the event source has thrown: {Description.ShortTextOf(e)}");
        }
    }

    private static void Begin()
    {
        // The runtime's lists of meters and event sources would keep the context from being unloaded, also if the unloading begins
        // before they are made.
        if (AssemblyLoadContext.GetLoadContext(typeof(Telemetry).Assembly) is { IsCollectible: true } context)
        {
            context.Unloading += static _ => End();
        }

        try
        {
            BackgroundThread.Start(new Thread(Wait) { IsBackground = true, Name = "Mood.Event telemetry" });
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            s_hasBegun = false; // the system refuses to start a thread now: the next loop tries again
        }
    }

    private static void Wait()
    {
        // Loads the assemblies while file descriptors are likely to be free.
        Guarded(static () => _ = typeof(System.Diagnostics.Metrics.Meter).TypeHandle);
        Guarded(static () => _ = typeof(System.Diagnostics.Tracing.EventSource).TypeHandle);
        s_ending.Wait(Delay);
        Make();
    }

    // The load context is being unloaded.
    private static void End()
    {
        s_ending.Set();

        using (s_making.Enter())
        {
            s_isMade = true; // a Make that comes later does nothing
        }

        LoopMeter.End();
        LoopEventSource.End();
    }
}
