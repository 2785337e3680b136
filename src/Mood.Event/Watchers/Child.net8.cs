using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>The overload that takes a <see cref="PosixSignal"/>, and the result of a wait for a pidfd.</content>
public sealed partial class Child
{
    /// <summary>Creates the result of a <see cref="PidfdWait"/>, on any loop. It is not started.</summary>
    internal Child(Loop loop, int pid, Process? process)
        : base(loop, static (_, _) => { }, data: null)
    {
        pid = process is null ? CheckPid(pid) : CheckProcess(process);
        Create(Native.Kind.Child, priority: 0);
        SetCore(pid, process, trace: false);
    }

    /// <inheritdoc cref="Kill(int)"/>
    /// <param name="signal">The signal: one of the names, or a number of this platform.</param>
    public bool Kill(PosixSignal signal) => Kill(Event.Signum.From(signal));

    /// <summary>Stores how the process has ended on Windows. The exit code is read with the watcher's own handle.</summary>
    internal void SetExit()
    {
        int? code = Native.ChildCode(Memory);
        SetStatus(Pid, code is int known ? (known & 0xff) << 8 : Gone);
        _code = code;
    }

    /// <summary>Stores how the child has ended.</summary>
    internal void SetExit(int status) => SetStatus(Pid, status);
}
