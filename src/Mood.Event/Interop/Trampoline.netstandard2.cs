using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>Delegates: netstandard2.0 has no UnmanagedCallersOnly.</content>
internal static unsafe partial class Trampoline
{
    // Native code calls these delegates as long as the process lives. The fields keep them from being collected.
    private static readonly EventCallback s_event = Event;
    private static readonly LoopCallback s_pending = Pending, s_wake = Wake;
    private static readonly RescheduleCallback s_reschedule = Reschedule;
    private static readonly ClockCallback s_clock = Clock;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void EventCallback(nint data, nint w, int revents);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void LoopCallback(nint data);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate double RescheduleCallback(nint data, nint w, double now);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void ClockCallback(nint data, double* times);

    internal static Native.Callbacks Callbacks => new()
    {
        Event = Marshal.GetFunctionPointerForDelegate(s_event),
        Pending = Marshal.GetFunctionPointerForDelegate(s_pending),
        Wake = Marshal.GetFunctionPointerForDelegate(s_wake),
        Reschedule = Marshal.GetFunctionPointerForDelegate(s_reschedule),
        Clock = Marshal.GetFunctionPointerForDelegate(s_clock),
    };
}
