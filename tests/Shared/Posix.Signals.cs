using System;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <content>Signal dispositions and masks, the numbers of fds, the states of children.</content>
internal static unsafe partial class Posix
{
    internal const nint SIG_DFL = 0, SIG_IGN = 1;

    // larger than struct sigaction and sigset_t of every libc; the handler comes first in all of them
    private const int Words = 64;

    /// <summary>The process's handler of a signal as sigaction names it: SIG_DFL, SIG_IGN or an address.</summary>
    internal static nint Disposition(int signum)
    {
        nint* action = stackalloc nint[Words];
        Assert.Equal(0, sigaction(signum, 0, action));
        return action[0];
    }

    /// <summary>Blocks or unblocks a signal in this thread.</summary>
    internal static void Mask(int signum, bool block)
    {
        const int SIG_BLOCK = 0, SIG_UNBLOCK = 1;
        ulong* set = stackalloc ulong[Words];
        new Span<ulong>(set, Words).Clear();
        set[0] = 1UL << (signum - 1);
        Assert.Equal(0, pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, set, null));
    }

    /// <summary>The signals that this thread blocks: one bit each, from 1.</summary>
    internal static ulong Blocked()
    {
        ulong* set = stackalloc ulong[Words];
        Assert.Equal(0, pthread_sigmask(0, null, set));
        return set[0];
    }

    /// <summary>
    /// Waits until the runtime has handed out every signal this process got so far: it does so one after the other.
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
        Assert.True(passed.Wait(TimeSpan.FromSeconds(10)));
    }

    internal static bool IsOpen(int fd)
    {
        const int F_GETFD = 1;
        return fcntl(fd, F_GETFD, 0) >= 0;
    }

    /// <summary>Closes the number and gives it to another open file, with no moment in between.</summary>
    internal static void Replace(int number, int with) => Assert.Equal(number, dup2(with, number));

    /// <summary>Writes until the pipe takes no more.</summary>
    internal static void Fill(int fd)
    {
        byte* block = stackalloc byte[4096];

        while (write(fd, block, 4096) > 0)
        {
        }
    }

    /// <summary>Reads until the pipe gives no more.</summary>
    internal static void Drain(int fd)
    {
        byte* block = stackalloc byte[4096];

        while (read(fd, block, 4096) > 0)
        {
        }
    }

    /// <summary>Whether the process has ended and nobody has waited for it.</summary>
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

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sigaction(int signum, nint action, nint* old);

    [LibraryImport("libc")]
    private static partial int pthread_sigmask(int how, ulong* set, ulong* old);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup2(int from, int to);

    /// <summary>Sends this thread a signal.</summary>
    internal static void RaiseHere(int signum) => Assert.Equal(0, raise(signum));

    [LibraryImport("libc")]
    private static partial int raise(int signum);
}
