using System;

namespace Mood.Event;

/// <content>Signals to the child.</content>
public sealed partial class Child
{
    /// <summary>Sends a signal to the child (kill), and never to another process that has the same pid by now.</summary>
    /// <remarks>
    /// <para>The watcher must be active, because only then does the library know which process the pid belongs to.
    /// A stopped watcher that has reported the end of the child (<see cref="HasExited"/>) returns false. Call it on the loop's
    /// thread.</para>
    /// <para>Linux 5.4 and later have pidfds. A pidfd always means the same process. On other systems a child of
    /// System.Diagnostics.Process is refused, because the runtime may reap it at any moment. Use Process.Kill there.</para>
    /// </remarks>
    /// <param name="signum">The number of the signal on this platform: see <see cref="Event.Signum"/>.</param>
    /// <returns>True: the signal is sent. False: the child has ended, or it is not a child of this process.</returns>
    /// <exception cref="ArgumentOutOfRangeException">This platform has no signal <paramref name="signum"/>.</exception>
    /// <exception cref="InvalidOperationException">The watcher is not active and has not reported the end of the child.
    /// Or <see cref="Pid"/> is 0, or the loop runs on another thread.</exception>
    /// <exception cref="EventException">The kernel refused the signal, for example because the child runs as another user. Or the
    /// system has no pidfds, and the child belongs to System.Diagnostics.Process.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows, and the signal is not SIGKILL.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public bool Kill(int signum)
    {
        const int sent = 0, ended = 1, refused = 2;

        if (Memory == 0)
        {
            throw Error.ObjectDisposed_Kill(this);
        }

        using Loop.Claim claim = Use();
        Validate.Signum(signum, nameof(signum));

        if (Pid == 0)
        {
            throw Error.InvalidOperation_KillEvery();
        }

        if (Platform.IsWindows && signum != Event.Signum.SIGKILL)
        {
            throw Error.PlatformNotSupported_KillSignal(Event.Signum.Describe(signum));
        }

        if (!Active)
        {
            // Stop keeps what the last event has told
            return HasExited ? false : throw Error.InvalidOperation_KillInactive(Pid);
        }

        int result = Native.mood_child_kill(Memory, signum);
        GC.KeepAlive(this);
        return result switch
        {
            sent => true,
            ended => false,
            refused => throw Error.Event_KillRefused(Pid),
            _ => throw Error.Event_NotKilled(Pid, signum, -result),
        };
    }
}
