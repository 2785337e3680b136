using System;
using System.Runtime.InteropServices;

namespace Mood.Event.Interop;

/// <summary>
/// Where native code enters managed code. Nothing may be thrown from here: what is called catches everything.
/// </summary>
internal static unsafe class Trampoline
{
#if NET8_0_OR_GREATER
    internal static Native.Callbacks Callbacks => new()
    {
        Event = (nint)(delegate* unmanaged[Cdecl]<nint, nint, int, void>)&OnEvent,
        Pending = (nint)(delegate* unmanaged[Cdecl]<nint, void>)&OnPending,
        Wake = (nint)(delegate* unmanaged[Cdecl]<nint, void>)&OnWake,
        Reschedule = (nint)(delegate* unmanaged[Cdecl]<nint, nint, double, double>)&OnReschedule,
        Clock = (nint)(delegate* unmanaged[Cdecl]<nint, double*, void>)&OnClock,
    };
#else
    // the delegates must live as long as native code may call them: for ever
    private static readonly EventCallback s_event = OnEvent;
    private static readonly LoopCallback s_pending = OnPending, s_wake = OnWake;
    private static readonly RescheduleCallback s_reschedule = OnReschedule;
    private static readonly ClockCallback s_clock = OnClock;

    internal static Native.Callbacks Callbacks => new()
    {
        Event = Marshal.GetFunctionPointerForDelegate(s_event),
        Pending = Marshal.GetFunctionPointerForDelegate(s_pending),
        Wake = Marshal.GetFunctionPointerForDelegate(s_wake),
        Reschedule = Marshal.GetFunctionPointerForDelegate(s_reschedule),
        Clock = Marshal.GetFunctionPointerForDelegate(s_clock),
    };

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void EventCallback(nint data, nint w, int revents);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void LoopCallback(nint data);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate double RescheduleCallback(nint data, nint w, double now);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void ClockCallback(nint data, double* times);
#endif

#if NET8_0_OR_GREATER
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
#endif
    private static void OnEvent(nint data, nint w, int revents) =>
        Target(data)?.Watchers[Native.Id(w)]?.OnAnyEvent(revents);

#if NET8_0_OR_GREATER
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
#endif
    private static void OnPending(nint data) => Target(data)?.OnPending();

#if NET8_0_OR_GREATER
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
#endif
    private static void OnWake(nint data) => Target(data)?.OnWake();

#if NET8_0_OR_GREATER
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
#endif
    private static double OnReschedule(nint data, nint w, double now) =>
        (Target(data)?.Watchers[Native.Id(w)] as Scheduler)?.OnReschedule(now) ?? Scheduler.Never;

#if NET8_0_OR_GREATER
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
#endif
    private static void OnClock(nint data, double* times) => Target(data)?.Clock?.Read(out times[0], out times[1]);

    // null: the loop was collected, and its native side is about to follow. Nobody is left to be told.
    private static Loop? Target(nint data) =>
#if NET8_0_OR_GREATER
        System.Runtime.CompilerServices.Unsafe.As<Loop?>(GCHandle.FromIntPtr(data).Target);
#else
        (Loop?)GCHandle.FromIntPtr(data).Target;
#endif
}
