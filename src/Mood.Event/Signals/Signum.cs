using System.Globalization;

namespace Mood.Event;

/// <summary>The numbers of the POSIX signals on this platform; -1 for a signal that it does not have.</summary>
/// <exception cref="System.PlatformNotSupportedException">There is no native library for this system.</exception>
public static partial class Signum
{
    /// <summary>Hangup.</summary>
    public static int SIGHUP => Number(0);

    /// <summary>Interrupt, Ctrl+C.</summary>
    public static int SIGINT => Number(1);

    /// <summary>Quit from the terminal.</summary>
    public static int SIGQUIT => Number(2);

    /// <summary>Illegal instruction.</summary>
    public static int SIGILL => Number(3);

    /// <summary>Trap.</summary>
    public static int SIGTRAP => Number(4);

    /// <summary>Abort.</summary>
    public static int SIGABRT => Number(5);

    /// <summary>Bus error.</summary>
    public static int SIGBUS => Number(6);

    /// <summary>Arithmetic fault.</summary>
    public static int SIGFPE => Number(7);

    /// <summary>Kill; cannot be caught.</summary>
    public static int SIGKILL => Number(8);

    /// <summary>First signal for programs.</summary>
    public static int SIGUSR1 => Number(9);

    /// <summary>Invalid memory access.</summary>
    public static int SIGSEGV => Number(10);

    /// <summary>Second signal for programs.</summary>
    public static int SIGUSR2 => Number(11);

    /// <summary>Write to a pipe without a reader; ignored by .NET.</summary>
    public static int SIGPIPE => Number(12);

    /// <summary>Alarm clock.</summary>
    public static int SIGALRM => Number(13);

    /// <summary>Termination.</summary>
    public static int SIGTERM => Number(14);

    /// <summary>A child changed its state.</summary>
    public static int SIGCHLD => Number(15);

    /// <summary>Continue if stopped.</summary>
    public static int SIGCONT => Number(16);

    /// <summary>Stop; cannot be caught.</summary>
    public static int SIGSTOP => Number(17);

    /// <summary>Stop from the terminal.</summary>
    public static int SIGTSTP => Number(18);

    /// <summary>Terminal input in the background.</summary>
    public static int SIGTTIN => Number(19);

    /// <summary>Terminal output in the background.</summary>
    public static int SIGTTOU => Number(20);

    /// <summary>Urgent data on a socket.</summary>
    public static int SIGURG => Number(21);

    /// <summary>CPU time limit.</summary>
    public static int SIGXCPU => Number(22);

    /// <summary>File size limit.</summary>
    public static int SIGXFSZ => Number(23);

    /// <summary>Virtual alarm clock.</summary>
    public static int SIGVTALRM => Number(24);

    /// <summary>Profiling timer.</summary>
    public static int SIGPROF => Number(25);

    /// <summary>The terminal's size changed.</summary>
    public static int SIGWINCH => Number(26);

    /// <summary>I/O is possible.</summary>
    public static int SIGIO => Number(27);

    /// <summary>POSIX's other name for <see cref="SIGIO"/>.</summary>
    public static int SIGPOLL => SIGIO;

    /// <summary>Bad system call.</summary>
    public static int SIGSYS => Number(28);

    /// <summary>Power failure, Linux.</summary>
    public static int SIGPWR => Number(29);

    /// <summary>The first real-time signal, Linux; used by .NET itself.</summary>
    public static int SIGRTMIN => Number(30);

    /// <summary>The last real-time signal, Linux.</summary>
    public static int SIGRTMAX => Number(31);

    /// <summary>The signals that stop a program. On Windows, SIGHUP says that the console was closed.</summary>
    internal static int[] StopSignals => Platform.IsWindows ? [SIGINT, SIGTERM, SIGHUP] : [SIGINT, SIGTERM];

    // In the order of Number's index. SIGRTMIN and SIGRTMAX are left out: a number between them has no name of its own.
    private static readonly string[] s_names =
    [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "CHLD", "CONT", "STOP",
        "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "SYS", "PWR",
    ];

    /// <summary>The name of a signal for messages: "SIGTERM (15)", or only the number of a signal without a name.</summary>
    internal static string Describe(int signum)
    {
        string number = signum.ToString(CultureInfo.InvariantCulture);

        for (int i = 0; i < s_names.Length; i++)
        {
            if (signum > 0 && Number(i) == signum)
            {
                return $"SIG{s_names[i]} ({number})";
            }
        }

        return number;
    }

    // Not a field initializer: the runtime would wrap its exception in another one, and the message would be lost.
    private static int Number(int index)
    {
        Library.Initialize();
        return Native.mood_signal_number(index);
    }
}
