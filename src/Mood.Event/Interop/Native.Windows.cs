using System.Runtime.InteropServices;
using System.Text;

namespace Mood.Event;

/// <content>Calls that only Windows needs.</content>
internal static unsafe partial class Native
{
    /// <summary>The system's text for an errno.</summary>
    internal static string ErrorText(int error)
    {
        const int size = 128;
        byte* text = stackalloc byte[size];
        return Encoding.UTF8.GetString(text, mood_error_text(error, text, size));
    }

    /// <summary>The exit code of the child, or null if it is not known.</summary>
    internal static int? ChildCode(nint w)
    {
        int code;
        return mood_child_code(w, &code) != 0 ? code : null;
    }

    /// <summary>Makes a child watcher watch the process of a handle.</summary>
    internal static int SetChildProcess(nint w, SafeHandle process)
    {
        bool held = false;

        try
        {
            process.DangerousAddRef(ref held);
            return mood_child_process(w, (long)process.DangerousGetHandle());
        }
        finally
        {
            if (held)
            {
                process.DangerousRelease();
            }
        }
    }
}
