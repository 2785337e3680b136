using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>
/// The entries from native code into managed code (mood_callbacks). No exception may cross the native frames, so each entry calls one
/// method that catches every exception, such as <see cref="Watcher.OnAnyEvent"/>.
/// </summary>
internal static unsafe partial class Trampoline
{
    private static void Event(nint data, nint w, int revents) => Target(data)?.Watchers[Native.Id(w)]?.OnAnyEvent(revents);

    private static void Pending(nint data) => Target(data)?.OnPending();

    private static void Wake(nint data) => Target(data)?.OnWake();

    private static double Reschedule(nint data, nint w, double now) =>
        (Target(data)?.Watchers[Native.Id(w)] as Scheduler)?.OnReschedule(now) ?? double.PositiveInfinity;

    private static void Clock(nint data, double* times) => Target(data)?.Clock?.Read(out times[0], out times[1]);

    // Null: the loop was collected, and its LoopHandle is about to close the native loop.
    private static Loop? Target(nint data) => Unsafe.As<Loop?>(GCHandle.FromIntPtr(data).Target);
}
