using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>Function pointers: an upcall through one costs 9 ns, through a delegate 12 to 14.</content>
internal static unsafe partial class Trampoline
{
    internal static Native.Callbacks Callbacks => new()
    {
        Event = (nint)(delegate* unmanaged[Cdecl]<nint, nint, int, void>)&OnEvent,
        Pending = (nint)(delegate* unmanaged[Cdecl]<nint, void>)&OnPending,
        Wake = (nint)(delegate* unmanaged[Cdecl]<nint, void>)&OnWake,
        Reschedule = (nint)(delegate* unmanaged[Cdecl]<nint, nint, double, double>)&OnReschedule,
        Clock = (nint)(delegate* unmanaged[Cdecl]<nint, double*, void>)&OnClock,
        Reap = (nint)(delegate* unmanaged[Cdecl]<nint, int>)&OnReap,
    };

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEvent(nint data, nint w, int revents) => Event(data, w, revents);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnPending(nint data) => Pending(data);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnWake(nint data) => Wake(data);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double OnReschedule(nint data, nint w, double now) => Reschedule(data, w, now);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnClock(nint data, double* times) => Clock(data, times);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnReap(nint data) => Loop.OnReap() ? 0 : -1;
}
