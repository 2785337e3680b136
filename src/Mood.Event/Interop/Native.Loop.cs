using System.Runtime.InteropServices;
using System.Text;

namespace Mood.Event;

// SuppressGCTransition, here and for watchers, is only for functions that read or write fields, take no lock and call nothing.
internal static unsafe partial class Native
{
    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_new(uint flags, int isDefault, Callbacks* host, nint data, nint* loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_close(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_release(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_run(nint loop, int flags);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_break(nint loop, int how);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_halt(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_error(nint loop, byte* text, int size);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern QueueMemory* mood_loop_queue(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_settle(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_wake(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_reset(nint loop);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_loop_now(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_now_update(nint loop);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_stale(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_loop_lag(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_suspend(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_resume(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_ref(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_unref(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_feed_fd(nint loop, int fd, int revents);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_feed_signal(nint loop, int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_verify(nint loop);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint mood_loop_iteration(nint loop);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint mood_loop_depth(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_pending(nint loop);

    // Not SuppressGCTransition: the runtime would look for the library when it compiles the caller. The caller is Loop's
    // constructor, which must be able to throw PlatformNotSupportedException first.
    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint mood_loop_backend(nint loop);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_changes(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_io_interval(nint loop, double seconds);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_timeout_interval(nint loop, double seconds);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_manual(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_stopped(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_due(nint loop, double* monotonic);

    /// <summary>The next due time of a loop on a manual clock (infinity: none), and whether the loop has work before it.</summary>
    internal static double Due(nint loop, out bool busy)
    {
        double monotonic;
        busy = mood_loop_due(loop, &monotonic) != 0;
        return monotonic;
    }

    /// <summary>Takes the failure that native code recorded. The result is its errno, -1 for a failure without one, or 0 for none.</summary>
    internal static int TakeError(nint loop, out string message)
    {
        const int size = 256;
        byte* text = stackalloc byte[size];
        int error = mood_loop_error(loop, text, size);
        int length = 0;

        while (error != 0 && text[length] != 0)
        {
            length++;
        }

        message = Encoding.UTF8.GetString(text, length);
        return error;
    }
}
