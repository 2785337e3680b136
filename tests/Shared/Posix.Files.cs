using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>Terminals, and the renaming of files.</content>
internal static unsafe partial class Posix
{
    /// <summary>
    /// Makes a pseudo terminal: Master is the side of the keyboard and the screen, Terminal is the side of a program. Both fds are
    /// non-blocking.
    /// </summary>
    internal static (int Master, int Terminal) OpenTerminal()
    {
        const int O_RDWR = 2, O_NOCTTY = 0x100;
        int master = posix_openpt(O_RDWR | O_NOCTTY);
        Check(master >= 0, nameof(posix_openpt));
        Check(grantpt(master) == 0, nameof(grantpt));
        Check(unlockpt(master) == 0, nameof(unlockpt));
        byte* name = stackalloc byte[128];
        Check(ptsname_r(master, name, 128) == 0, nameof(ptsname_r));
        int terminal = open(name, O_RDWR | O_NOCTTY);
        Check(terminal >= 0, nameof(open));
        SetNonBlocking(master);
        SetNonBlocking(terminal);
        return (master, terminal);
    }

    /// <summary>Makes the terminal pass bytes on unchanged, without waiting for the end of a line.</summary>
    internal static void MakeRaw(int terminal)
    {
        byte* termios = stackalloc byte[256]; // larger than struct termios of every libc
        Check(tcgetattr(terminal, termios) == 0, nameof(tcgetattr));
        cfmakeraw(termios);
        Check(tcsetattr(terminal, 0, termios) == 0, nameof(tcsetattr));
    }

    /// <summary>
    /// Makes a read of the terminal return whole lines (on) or single keys (off), as <c>stty icanon</c> does.
    /// </summary>
    internal static void SetCanonical(int terminal, bool on)
    {
        const int TCSANOW = 0, LocalModes = 3;
        const uint ICANON = 2;
        uint* mode = stackalloc uint[64]; // larger than struct termios of every libc
        Check(tcgetattr(terminal, mode) == 0, nameof(tcgetattr));
        mode[LocalModes] = on ? mode[LocalModes] | ICANON : mode[LocalModes] & ~ICANON;
        Check(tcsetattr(terminal, TCSANOW, mode) == 0, nameof(tcsetattr));
    }

    /// <summary>Renames a file or a symbolic link over another one. File.Move refuses a link to a directory.</summary>
    internal static void Rename(string from, string to) => Check(rename(from, to) == 0, nameof(rename));

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);

    [LibraryImport("libc")]
    private static partial int posix_openpt(int flags);

    [LibraryImport("libc")]
    private static partial int grantpt(int fd);

    [LibraryImport("libc")]
    private static partial int unlockpt(int fd);

    [LibraryImport("libc")]
    private static partial int ptsname_r(int fd, byte* name, nint size);

    [LibraryImport("libc")]
    private static partial int tcgetattr(int fd, byte* termios);

    [LibraryImport("libc")]
    private static partial int tcsetattr(int fd, int actions, byte* termios);

    [LibraryImport("libc")]
    private static partial void cfmakeraw(byte* termios);

    [LibraryImport("libc")]
    private static partial int open(byte* path, int flags);

    [LibraryImport("libc")]
    private static partial int tcgetattr(int fd, uint* mode);

    [LibraryImport("libc")]
    private static partial int tcsetattr(int fd, int when, uint* mode);
}
