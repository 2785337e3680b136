using System;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <content>Signal dispositions and masks, and the states of children.</content>
internal static unsafe partial class Posix
{
    internal const nint SIG_DFL = 0, SIG_IGN = 1;

    // Larger than struct sigaction and sigset_t of every libc. The handler is the first field of every struct sigaction.
    private const int Words = 64;

    /// <summary>The disposition of a signal: SIG_DFL, SIG_IGN or the address of a handler.</summary>
    internal static nint Disposition(int signum)
    {
        nint* action = stackalloc nint[Words];
        Check(sigaction(signum, 0, action) == 0, nameof(sigaction));
        return action[0];
    }

    /// <summary>Gives a signal its default action, as a native library may do.</summary>
    internal static void RemoveHandler(int signum) => Check(signal(signum, SIG_DFL) != -1, nameof(signal));

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint signal(int signum, nint handler);

    /// <summary>Blocks or unblocks signals in this thread.</summary>
    internal static void Mask(bool block, params ReadOnlySpan<int> signums)
    {
        const int SIG_BLOCK = 0, SIG_UNBLOCK = 1;
        ulong* set = stackalloc ulong[Words];
        new Span<ulong>(set, Words).Clear();

        foreach (int signum in signums)
        {
            set[0] |= 1UL << (signum - 1);
        }

        Check(pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, set, null) == 0, nameof(pthread_sigmask));
    }

    /// <summary>The signals that this thread blocks: bit N - 1 is signal N.</summary>
    internal static ulong Blocked()
    {
        ulong* set = stackalloc ulong[Words];
        Check(pthread_sigmask(0, null, set) == 0, nameof(pthread_sigmask));
        return set[0];
    }

    /// <summary>
    /// Waits until the runtime has dispatched every signal that this process has received so far. The runtime dispatches signals one after the
    /// other.
    /// </summary>
    internal static void PassSignals()
    {
        using var passed = new ManualResetEventSlim();
        using var last = PosixSignalRegistration.Create((PosixSignal)Signum.SIGUSR2, c =>
        {
            c.Cancel = true;
            passed.Set();
        });
        Raise(Signum.SIGUSR2);

        if (!passed.Wait(TimeSpan.FromSeconds(10)))
        {
            throw new TimeoutException("the runtime has not dispatched SIGUSR2 within 10 s");
        }
    }

    /// <summary>Whether the process has ended and has not been reaped.</summary>
    internal static bool IsZombie(int pid)
    {
        try
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return stat[stat.LastIndexOf(')') + 2] == 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>
    /// Waits until another thread or process has made the condition true. Returns false if the condition is still false after the time.
    /// </summary>
    internal static bool Until(Func<bool> condition, double seconds = 10)
    {
        for (double end = Ev.Time() + seconds; Ev.Time() < end; Thread.Sleep(1))
        {
            if (condition())
            {
                return true;
            }
        }

        return condition();
    }

    /// <summary>Waits until the child is reaped, which may need a thread of the pool. Throws if it is not reaped within 10 s.</summary>
    internal static void AssertReaped(int pid)
    {
        if (!Until(() => !Exists(pid)) || Wait(pid, out _, WNOHANG) != -1)
        {
            throw new InvalidOperationException($"child {pid} is not reaped");
        }
    }

    /// <summary>Makes this process the debugger of another one, without stopping it (PTRACE_SEIZE). False: the system refuses.</summary>
    internal static bool Seize(int pid) => ptrace(0x4206, pid, 0, 0) == 0;

    [LibraryImport("libc")]
    private static partial nint ptrace(nint request, int pid, nint address, nint data);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sigaction(int signum, nint action, nint* old);

    [LibraryImport("libc")]
    private static partial int pthread_sigmask(int how, ulong* set, ulong* old);

    /// <summary>Sends this thread a signal.</summary>
    internal static void RaiseHere(int signum) => Check(raise(signum) == 0, nameof(raise));

    /// <summary>The native identifier of this thread, for <see cref="RaiseIn"/>.</summary>
    internal static nint ThisThread() => pthread_self();

    /// <summary>Sends a signal to a thread, which must not have ended.</summary>
    internal static void RaiseIn(nint thread, int signum) => Check(pthread_kill(thread, signum) == 0, nameof(pthread_kill));

    [LibraryImport("libc")]
    private static partial int raise(int signum);

    [LibraryImport("libc")]
    private static partial nint pthread_self();

    [LibraryImport("libc")]
    private static partial int pthread_kill(nint thread, int signum);
}
