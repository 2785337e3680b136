using System;
using System.Diagnostics;

namespace Mood.Event;

/// <summary>
/// Calls its callback when a child process ends (ev_child), and with trace also when the child stops or continues. It works in
/// <see cref="Loop.Default"/> only. The watcher stays active after the child has ended: stop or dispose it.
/// </summary>
/// <remarks>
/// <para>A child that System.Diagnostics.Process started belongs to the runtime: the watcher observes it and does not reap it,
/// so that Process.ExitCode and WaitForExit work. Any other child is reaped, normally before the callback is called. If the
/// thread pool has no free thread, the callback is called about 50 milliseconds after the child's end, before the child is
/// reaped.</para>
/// <para>A watcher with pid 0 watches every child of this process. It sees a child of Process only if that child was alive when
/// the loop last listed the children. The loop lists them when the watcher starts, and at each SIGCHLD.</para>
/// <para>The status of a child that the runtime reaped first is known on Linux 6.15 and later. On other systems see
/// <see cref="IsGone"/> and <see cref="ExitCode"/>.</para>
/// <para>Windows has no zombies and no stopped processes. There the watcher has a handle of the process from its constructor on,
/// and may watch any process that the program may open.</para>
/// <para><see cref="Watcher.Priority"/> is always the highest.</para>
/// </remarks>
public sealed partial class Child : Watcher<Child>
{
    /// <summary>The status of a child whose status is lost.</summary>
    internal const int Gone = -1;

    private Process? _process;

    // the exit code that the runtime knows, where the kernel no longer has the status
    private int? _processExitCode;

    // Windows: the exit code, which has 32 bits; null: it is not known
    private int? _code;

    /// <summary>Creates a child watcher. It is not started.</summary>
    /// <param name="loop">The default loop.</param>
    /// <param name="pid">The child's pid, or 0 for every child.</param>
    /// <param name="trace">Whether the callback is also called when a child stops or continues.</param>
    /// <param name="callback">Called on the loop's thread when a child's state has changed.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">Has no effect: the priority is always the highest.</param>
    /// <exception cref="EventException"><paramref name="loop"/> is not the default loop.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows, and <paramref name="trace"/> is true, or the pid is
    /// 0.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pid"/> is negative.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Child(
        Loop loop, int pid, bool trace, Action<Child, Events> callback, object? data = null, int priority = 0)
        : this(loop, CheckPid(pid), process: null, trace, callback, data, priority)
    {
    }

    /// <summary>
    /// Creates a watcher of a child that <see cref="Process"/> started. The watcher is not started. It observes the child's end
    /// and does not reap it, so the Process works as if there were no watcher.
    /// </summary>
    /// <param name="loop">The default loop.</param>
    /// <param name="process">A process that was started and not disposed.</param>
    /// <param name="trace">Whether the callback is also called when the child stops or continues.</param>
    /// <param name="callback">Called when the child's state changed.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">Has no effect: the priority is always the highest.</param>
    /// <exception cref="EventException"><paramref name="loop"/> is not the default loop.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows, and <paramref name="trace"/> is true.</exception>
    /// <exception cref="ArgumentException"><paramref name="process"/> was not started, or is disposed.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/>, <paramref name="process"/> or
    /// <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Child(
        Loop loop, Process process, bool trace, Action<Child, Events> callback, object? data = null, int priority = 0)
        : this(loop, CheckProcess(process), process, trace, callback, data, priority)
    {
    }

    private Child(
        Loop loop, int pid, Process? process, bool trace, Action<Child, Events> callback, object? data, int priority)
        : base(loop, callback, data)
    {
        Platform.CheckChild(pid, trace);

        if (!Loop.IsDefault)
        {
            throw Error.Event_NotDefault();
        }

        Create(Native.Kind.Child, priority);
        SetCore(pid, process, trace);
    }

    /// <summary>The pid of the watched child; 0 means every child.</summary>
    public int Pid { get; private set; }

    /// <summary>The pid of the child that the last event was about; 0 before the first event.</summary>
    public int RPid { get; private set; }

    /// <summary>The last event's wait status, as waitpid gives it in Linux's encoding. It is -1 when the status is not known (see
    /// <see cref="IsGone"/>, <see cref="ExitCode"/>), and 0 before the first event.</summary>
    public int RStatus { get; private set; }

    /// <summary>Whether the last event says that the child has ended.</summary>
    public bool HasExited => RPid != 0 && !IsStopped && !IsContinued;

    /// <summary>
    /// The exit code, 0 to 255, of a child that exited; -1 when it has not ended, was ended by a signal, or
    /// <see cref="IsGone"/>. On Windows an exit code has 32 bits.
    /// </summary>
    /// <remarks>Before Linux 6.15 the kernel forgets the status of a <see cref="Process"/> that the runtime has reaped. Then
    /// ExitCode is the value of Process.ExitCode, <see cref="RStatus"/> is -1 and <see cref="TermSignal"/> is 0. A value n above
    /// 128 is ambiguous: it is exit code n, or signal n - 128.</remarks>
    public int ExitCode => !HasExited ? -1
        : _code is int code ? code
        : RStatus == Gone ? _processExitCode ?? -1
        : (RStatus & 0x7f) == 0 ? (RStatus >> 8) & 0xff : -1;

    /// <summary>The number of the signal that ended the child; 0 when no signal did, or when it is not known (see
    /// <see cref="ExitCode"/>).</summary>
    public int TermSignal => HasExited && RStatus != Gone ? RStatus & 0x7f : 0;

    /// <summary>Whether the last event says that the child was stopped.</summary>
    public bool IsStopped => RPid != 0 && RStatus != Gone && (RStatus & 0xff) == 0x7f;

    /// <summary>The number of the signal that stopped the child; 0 when it is not stopped.</summary>
    public int StopSignal => IsStopped ? (RStatus >> 8) & 0xff : 0;

    /// <summary>Whether the last event says that the child was continued.</summary>
    public bool IsContinued => RPid != 0 && RStatus == 0xffff;

    /// <summary>
    /// Whether the child has ended and its status is lost. Either other code of this process has reaped it and the kernel no
    /// longer reports the status, or it was not a child of this process.
    /// </summary>
    public bool IsGone => RPid != 0 && RStatus == Gone && _processExitCode is null;

    /// <summary>Makes the watcher watch another child (ev_child_set).</summary>
    /// <param name="pid">The child's pid, or 0 for every child.</param>
    /// <param name="trace">Whether the callback is also called when a child stops or continues.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pid"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(int pid, bool trace)
    {
        using Loop.Claim claim = UseSettable(nameof(Pid));
        Platform.CheckChild(CheckPid(pid), trace);
        SetCore(pid, process: null, trace);
    }

    /// <summary>Makes the watcher watch another child, which <see cref="Process"/> started.</summary>
    /// <param name="process">A process that was started and not disposed.</param>
    /// <param name="trace">Whether the callback is also called when the child stops or continues.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentException"><paramref name="process"/> was not started, or is disposed.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="process"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(Process process, bool trace)
    {
        using Loop.Claim claim = UseSettable(nameof(Pid));
        int pid = CheckProcess(process);
        Platform.CheckChild(pid, trace);
        SetCore(pid, process, trace);
    }

    private protected override void StartCore()
    {
        try
        {
            SignalRegistrations.Acquire(Loop.Handle, Event.Signum.SIGCHLD);
        }
        catch (Exception e) when (SignalRegistrations.IsRefusal(e))
        {
            throw Error.Event_NoRegistration(Event.Signum.Describe(Event.Signum.SIGCHLD), e);
        }

        int error = Native.mood_watcher_start(Memory);

        if (error < 0)
        {
            SignalRegistrations.Release(Loop.Handle, Event.Signum.SIGCHLD);
            throw Platform.IsWindows
                ? Error.Event_ProcessRefused(Pid, -error)
                : Error.Event_SignalNotStarted(Event.Signum.Describe(Event.Signum.SIGCHLD), -error);
        }

        Forget();

        // The runtime has reaped the child before the start. Another process may have its pid by now, and must not be watched. Asked after
        // the start, which opens the pidfd: if the child is not reaped even now, the pidfd is that of the child.
        if (_process is not null && !Platform.IsWindows && new ProcessExit(Loop, _process).HasExited)
        {
            Native.mood_child_over(Memory);
            GC.KeepAlive(this);
        }
    }

    private protected override void OnStopped() =>
        SignalRegistrations.Release(Loop.Handle, Event.Signum.SIGCHLD);

    private protected override void SetPriority(int priority)
    {
        // libev reports children at the highest priority, and ignores any other
    }

    private protected override Action<Child, Events>? Stored { get; set; }

    private protected override void Call(Events revents)
    {
        if ((revents & Events.Child) != 0)
        {
            (int rpid, int rstatus) = Native.ChildStatus(Memory);
            SetStatus(rpid, rstatus);
            _code = Platform.IsWindows ? Native.ChildCode(Memory) : null;
        }

        Stored?.Invoke(this, revents);
    }

    private static int CheckPid(int pid) => pid >= 0 ? pid : throw Error.ArgumentOutOfRange_Pid(pid, nameof(pid));

    private static int CheckProcess(Process process)
    {
        Validate.NotNull(process, nameof(process));

        try
        {
            return process.Id;
        }
        catch (InvalidOperationException)
        {
            throw Error.Argument_NotStarted(nameof(process));
        }
    }

    // By its handle, because the handle of a Process always means the same process. The pid may belong to another process by now.
    private void SetProcess(Process process)
    {
        int error = Native.SetChildProcess(Memory, process.SafeHandle);

        if (error < 0)
        {
            throw Error.Event_ProcessRefused(process.Id, -error);
        }
    }

    private void SetStatus(int rpid, int rstatus)
    {
        RPid = rpid;
        RStatus = rstatus;
        _processExitCode = rstatus == Gone && _process is not null ? new ProcessExit(Loop, _process).Code & 0xff : null;

        // The runtime reports signal n as 128 + n, so a code up to 128 is an exit code.
        if (_processExitCode is >= 0 and <= 128)
        {
            RStatus = _processExitCode.Value << 8;
        }
    }

    private void Forget()
    {
        RPid = RStatus = 0;
        _processExitCode = _code = null;
    }

    private void SetCore(int pid, Process? process, bool trace)
    {
        Pid = pid;
        _process = process;
        Forget();
        Native.mood_child_set(Memory, pid, trace ? 1 : 0, keep: process is null ? 0 : 1);

        if (Platform.IsWindows && process is not null)
        {
            SetProcess(process);
        }

        GC.KeepAlive(this);
    }
}
