using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using Xunit;

namespace Mood.Event.Tests;

public sealed class SignumTests : LoopTestBase
{
    // name, Linux, macOS
    private static readonly (string Name, int Linux, int MacOS)[] s_numbers =
    [
        ("SIGHUP", 1, 1), ("SIGINT", 2, 2), ("SIGQUIT", 3, 3), ("SIGILL", 4, 4), ("SIGTRAP", 5, 5), ("SIGABRT", 6, 6),
        ("SIGBUS", 7, 10), ("SIGFPE", 8, 8), ("SIGKILL", 9, 9), ("SIGUSR1", 10, 30), ("SIGSEGV", 11, 11),
        ("SIGUSR2", 12, 31), ("SIGPIPE", 13, 13), ("SIGALRM", 14, 14), ("SIGTERM", 15, 15), ("SIGCHLD", 17, 20),
        ("SIGCONT", 18, 19), ("SIGSTOP", 19, 17), ("SIGTSTP", 20, 18), ("SIGTTIN", 21, 21), ("SIGTTOU", 22, 22),
        ("SIGURG", 23, 16), ("SIGXCPU", 24, 24), ("SIGXFSZ", 25, 25), ("SIGVTALRM", 26, 26), ("SIGPROF", 27, 27),
        ("SIGWINCH", 28, 28), ("SIGIO", 29, 23), ("SIGPWR", 30, -1), ("SIGSYS", 31, 12),
    ];

    public static TheoryData<string, int> Numbers
    {
        get
        {
            var data = new TheoryData<string, int>();

            foreach ((string name, int linux, int macOS) in s_numbers)
            {
                data.Add(name, OperatingSystem.IsMacOS() ? macOS : linux);
            }

            return data;
        }
    }

    public static TheoryData<PosixSignal, string> PosixSignals
    {
        get
        {
            var data = new TheoryData<PosixSignal, string>();

            foreach (PosixSignal signal in Enum.GetValues<PosixSignal>().Distinct())
            {
                data.Add(signal, signal.ToString());
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Numbers))]
    public void A_name_has_the_number_of_this_platform(string name, int number) => Assert.Equal(number, All()[name]);

    [Fact]
    public void The_real_time_signals_are_those_of_the_C_library()
    {
        if (OperatingSystem.IsMacOS())
        {
            Assert.Equal((-1, -1), (Signum.SIGRTMIN, Signum.SIGRTMAX));
            return;
        }

        // The C library reserves the first two or three real-time signals.
        Assert.InRange(Signum.SIGRTMIN, 34, 35);
        Assert.Equal(64, Signum.SIGRTMAX);
    }

    [Fact]
    public void Every_name_is_tested_and_each_number_has_one_name()
    {
        Dictionary<string, int> all = All();
        Assert.True(all.Remove("SIGPOLL", out int poll));
        Assert.Equal(Signum.SIGIO, poll); // the only name with the number of another one
        Assert.Equal([.. s_numbers.Select(s => s.Name), "SIGRTMIN", "SIGRTMAX"], all.Keys.ToHashSet());
        int[] present = [.. all.Values.Where(number => number >= 0)];
        Assert.Equal(present.Length, present.Distinct().Count());
    }

    [Theory, MemberData(nameof(PosixSignals))]
    public void A_PosixSignal_stands_for_the_signal_of_its_name(PosixSignal signal, string name) =>
        Assert.Equal(All()[name], Signum.From(signal));

    [Fact]
    public void A_PosixSignal_may_be_a_number()
    {
        Assert.Equal(Signum.SIGUSR1, Signum.From((PosixSignal)Signum.SIGUSR1));
        Assert.Equal(0, Signum.From(0));
    }

    private static Dictionary<string, int> All() =>
        typeof(Signum).GetProperties(BindingFlags.Public | BindingFlags.Static).ToDictionary(p => p.Name, p => (int)p.GetValue(null)!);
}
