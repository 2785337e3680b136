using System.Runtime.InteropServices;
using System.Text;
#if NET8_0_OR_GREATER
using System.Runtime.CompilerServices;
#endif

namespace Mood.Event.Interop;

// SuppressGCTransition, here and for watchers: only what reads or writes fields, takes no lock and calls nobody.
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

#if NET8_0_OR_GREATER
    [SuppressGCTransition]
#endif
    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_loop_now(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_now_update(nint loop);

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

#if NET8_0_OR_GREATER
    [SuppressGCTransition]
#endif
    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint mood_loop_iteration(nint loop);

#if NET8_0_OR_GREATER
    [SuppressGCTransition]
#endif
    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint mood_loop_depth(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_pending(nint loop);

    // not SuppressGCTransition: such a call makes the runtime look for the library when it compiles the caller, and this
    // caller is Loop's constructor, which says first that there is none
    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint mood_loop_backend(nint loop);

#if NET8_0_OR_GREATER
    [SuppressGCTransition]
#endif
    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_changes(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_io_interval(nint loop, double seconds);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_timeout_interval(nint loop, double seconds);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_clock(nint loop, int manual, double monotonic, double realtime);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_loop_manual(nint loop);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_loop_due(nint loop, double* monotonic);

    /// <summary>When a loop on a manual clock has its next timer, infinity for none, and whether it has work before that.</summary>
    internal static double Due(nint loop, out bool busy)
    {
        double monotonic;
        busy = mood_loop_due(loop, &monotonic) != 0;
        return monotonic;
    }

    /// <summary>Takes the failure that native code recorded: its errno (-1 where there is none), or 0.</summary>
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
