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
        Reschedule = (nint)(delegate* unmanaged[Cdecl]<nint, double, double>)&OnReschedule,
    };
#else
    // the delegates must live as long as native code may call them: for ever
    private static readonly EventCallback s_event = OnEvent;
    private static readonly LoopCallback s_pending = OnPending, s_wake = OnWake;
    private static readonly RescheduleCallback s_reschedule = OnReschedule;

    internal static Native.Callbacks Callbacks => new()
    {
        Event = Marshal.GetFunctionPointerForDelegate(s_event),
        Pending = Marshal.GetFunctionPointerForDelegate(s_pending),
        Wake = Marshal.GetFunctionPointerForDelegate(s_wake),
        Reschedule = Marshal.GetFunctionPointerForDelegate(s_reschedule),
    };

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void EventCallback(nint loop, nint w, int revents);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void LoopCallback(nint data);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate double RescheduleCallback(nint w, double now);
#endif

    // A null target: the object was collected, and its native memory is about to follow. Nothing is left to be told.
#if NET8_0_OR_GREATER
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
#endif
    private static void OnEvent(nint loop, nint w, int revents) =>
        Target<Watcher>(Native.Data(w))?.OnEvent(revents);

#if NET8_0_OR_GREATER
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
#endif
    private static void OnPending(nint data) => Target<Loop>(data)?.OnPending();

#if NET8_0_OR_GREATER
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
#endif
    private static void OnWake(nint data) => Target<Loop>(data)?.OnWake();

#if NET8_0_OR_GREATER
    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
#endif
    private static double OnReschedule(nint w, double now) =>
        Target<Scheduler>(Native.Data(w))?.OnReschedule(now) ?? Scheduler.Never;

    /// <summary>The object behind a weak handle.</summary>
    internal static T? Target<T>(nint handle)
        where T : class =>
#if NET8_0_OR_GREATER
        System.Runtime.CompilerServices.Unsafe.As<T?>(GCHandle.FromIntPtr(handle).Target);
#else
        (T?)GCHandle.FromIntPtr(handle).Target;
#endif
}
