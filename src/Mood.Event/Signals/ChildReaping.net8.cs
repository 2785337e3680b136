using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// Makes the runtime reap the ended children of System.Diagnostics.Process, and tells child.c when it has done so. A child that
/// had ended before and was not reaped then does not belong to Process.
/// <para>
/// The runtime has one thread that handles signals one by one. For each SIGCHLD it first reaps every child of Process that has
/// ended. Then it takes the list of registrations and queues their calls to the thread pool. The first call of a new
/// registration may belong to a SIGCHLD whose reaping began before the registration. The second call belongs to a SIGCHLD that
/// the runtime began to handle afterwards. So the second call means that the reaping is done. A SIGCHLD that others sent counts
/// too, because it has the same effect.
/// </para>
/// </summary>
internal sealed class ChildReaping
{
    // The child of another loop than the default loop, or null. OnSignal reaps and closes it.
    private readonly PidfdHandle? _child;
    private PosixSignalRegistration? _registration; // written by Begin; read by DisposeWhenOver after both ends
    private int _calls; // interlocked: several threads of the pool count it
    private int _ends; // interlocked: 1 after the first of Begin and the second call, 2 after both

    private ChildReaping(PidfdHandle? child) => _child = child;

    /// <summary>Begins the reaping. Later a thread of the pool calls mood_child_passed. False: it cannot begin. Throws nothing.</summary>
    internal static bool Begin() => BeginCore(null);

    /// <summary>Begins the reaping for one zombie, which is reaped after it unless it belongs to Process. The reaping owns the
    /// pidfd from now on. Throws nothing.</summary>
    internal static void Begin(PidfdHandle child)
    {
        if (!BeginCore(child))
        {
            child.Dispose();
        }
    }

    private static bool BeginCore(PidfdHandle? child)
    {
        var reaping = new ChildReaping(child);

        try
        {
            Uninterrupted.Run(
                static r => r._registration = PosixSignalRegistration.Create((PosixSignal)Signum.SIGCHLD, r.OnSignal), reaping);
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below. The next look at the children tries again.
        catch
#pragma warning restore CA1031
        {
            return false;
        }

        reaping.DisposeWhenOver();
        Native.mood_signal_raise(Signum.SIGCHLD);
        Native.mood_signal_raise(Signum.SIGCHLD);
        return true;
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _calls) == 2)
        {
            DisposeWhenOver();

            if (_child is not null)
            {
                _child.Reap();
                _child.Dispose();
                return;
            }

            if (Native.mood_child_passed(1) != 0 && !Begin())
            {
                _ = Native.mood_child_passed(0);
            }
        }
    }

    private void DisposeWhenOver()
    {
        if (Interlocked.Increment(ref _ends) == 2)
        {
            Uninterrupted.Run(static registration => registration.Dispose(), _registration!);
        }
    }
}
