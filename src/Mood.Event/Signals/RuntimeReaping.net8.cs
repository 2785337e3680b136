using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// Makes the runtime reap the ended children of System.Diagnostics.Process, and tells native/reaping.c when it has done so. If a
/// child ended before this reaping and is still a zombie after it, the child does not belong to Process. A <see cref="Child"/>
/// that was made from a Process is never reaped by this library: see `keep` in native/child.c.
/// <para>
/// The runtime has one thread that handles signals one by one. For each SIGCHLD it first reaps every child of Process that has
/// ended. Then it takes the list of registrations and queues their calls to the thread pool. The first call of a new
/// registration may belong to a SIGCHLD whose reaping began before the registration. The second call belongs to a SIGCHLD that
/// the runtime began to handle afterwards. So the second call means that the reaping is done. A SIGCHLD of another sender counts
/// too, because it has the same effect.
/// </para>
/// </summary>
internal sealed class RuntimeReaping
{
    // The child of another loop than the default loop, or null. OnCall reaps and closes it.
    private readonly PidfdHandle? _child;

    // Written by BeginCore, which may end after the second OnCall has begun. So the later of the two disposes it.
    private PosixSignalRegistration? _registration;

    // Interlocked: the calls of OnCall, which several threads of the pool may make at the same time.
    private int _calls;

    // Interlocked: the calls of DisposeWhenOver, one by BeginCore and one by the second OnCall.
    private int _ends;

    private RuntimeReaping(PidfdHandle? child) => _child = child;

    /// <summary>Begins the reaping for the default loop. A thread of the pool calls mood_child_passed when it is done. False: it
    /// cannot begin. Throws nothing.</summary>
    internal static bool Begin() => BeginCore(null);

    /// <summary>Begins the reaping for one zombie. If the runtime does not reap it, because it does not belong to Process, this
    /// class reaps it afterwards. This class owns the pidfd from now on. Throws nothing.</summary>
    internal static void Begin(PidfdHandle child)
    {
        if (!BeginCore(child))
        {
            child.Dispose();
        }
    }

    private static bool BeginCore(PidfdHandle? child)
    {
        var reaping = new RuntimeReaping(child);

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

        for (int sent = 0; sent < 2; sent++)
        {
            // Another part of the process has removed the runtime's handler. Then the runtime reaps nothing, and no call comes.
            if (Native.mood_signal_raise(Signum.SIGCHLD) == 0)
            {
                reaping.OnCall();
            }
        }

        return true;
    }

    private void OnSignal(PosixSignalContext context) => OnCall();

    private void OnCall()
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
