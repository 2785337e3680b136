using System;
using System.Diagnostics;
using Mood.Event.Handles;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called when a child process ends, and with trace also when it is stopped or continued (ev_child). Works in
/// <see cref="Loop.Default"/> only. It stays active after the child ended; stop or dispose it.
/// <para>
/// Children that System.Diagnostics.Process started stay its own: they are looked at, never reaped. A child given by its
/// pid is reaped once the runtime has had its turn and left it, and before the callback is called.
/// Pid 0 means every child of this process. It sees a child that Process started only while that one lives at a moment
/// the loop looks (when the watcher starts, and at every SIGCHLD), and mostly without its status: see
/// <see cref="IsGone"/>.
/// </para>
/// <para>It always has the highest <see cref="Watcher.Priority"/>.</para>
/// </summary>
public sealed class Child : Watcher<Child>
{
    private const int Gone = -1;

    private Process? _process;

    /// <summary>Makes a child watcher; it is not started.</summary>
    /// <param name="loop">The default loop.</param>
    /// <param name="pid">The child's pid, or 0 for every child.</param>
    /// <param name="trace">Whether to call for stopped and continued children too.</param>
    /// <param name="callback">Called when the child's state changed.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">Without effect: it is always the highest.</param>
    /// <exception cref="EventException"><paramref name="loop"/> is not the default loop.</exception>
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
    /// Makes a watcher of a child that <see cref="Process"/> started; it is not started. The child is never reaped, and
    /// the Process notices its end as ever. Where the runtime is faster, the status is Process.ExitCode.
    /// </summary>
    /// <param name="loop">The default loop.</param>
    /// <param name="process">A process that was started and not disposed.</param>
    /// <param name="trace">Whether to call when it is stopped and continued too.</param>
    /// <param name="callback">Called when the child's state changed.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">Without effect: it is always the highest.</param>
    /// <exception cref="EventException"><paramref name="loop"/> is not the default loop.</exception>
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
        if (!Loop.IsDefault)
        {
            throw Error.Event_NotDefault();
        }

        Create(Native.Kind.Child, priority);
        SetCore(pid, process, trace);
    }

    /// <summary>The pid that is watched; 0: every child.</summary>
    public int Pid { get; private set; }

    /// <summary>The pid of the child that the last event was about; 0 before the first.</summary>
    public int RPid { get; private set; }

    /// <summary>The last event's wait status as waitpid gives it (in Linux's encoding), or -1 when the child
    /// <see cref="IsGone"/>; 0 before the first event.</summary>
    public int RStatus { get; private set; }

    /// <summary>Whether the child has ended: by itself, by a signal, or in a way nobody can tell any more.</summary>
    public bool HasExited => RPid != 0 && !IsStopped && !IsContinued;

    /// <summary>
    /// The exit code, 0 to 255, of a child that ended by itself; otherwise -1. Of a <see cref="Process"/> that a signal
    /// ended it is what the runtime makes of that, 128 + n, where the runtime was faster than the loop: nearly always.
    /// </summary>
    public int ExitCode => HasExited && !IsGone && (RStatus & 0x7f) == 0 ? (RStatus >> 8) & 0xff : -1;

    /// <summary>The number of the signal that ended the child; 0 if none did, or only the runtime knows:
    /// see <see cref="ExitCode"/>.</summary>
    public int TermSignal => HasExited && !IsGone ? RStatus & 0x7f : 0;

    /// <summary>Whether the last event says that the child was stopped.</summary>
    public bool IsStopped => RPid != 0 && !IsGone && (RStatus & 0xff) == 0x7f;

    /// <summary>The number of the signal that stopped the child; 0 if it is not stopped.</summary>
    public int StopSignal => IsStopped ? (RStatus >> 8) & 0xff : 0;

    /// <summary>Whether the last event says that the child was continued.</summary>
    public bool IsContinued => RPid != 0 && RStatus == 0xffff;

    /// <summary>
    /// Whether the child ended and somebody else has taken its status: it was not a child of this process, was waited
    /// for elsewhere, or belongs to a Process object and was watched by its pid.
    /// </summary>
    public bool IsGone => RPid != 0 && RStatus == Gone;

    /// <summary>Watches another child.</summary>
    /// <param name="pid">The child's pid, or 0 for every child.</param>
    /// <param name="trace">Whether to call for stopped and continued children too.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pid"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(int pid, bool trace)
    {
        using Loop.Claim claim = UseSettable(nameof(Pid));
        SetCore(CheckPid(pid), process: null, trace);
    }

    /// <summary>Watches another child that <see cref="Process"/> started.</summary>
    /// <param name="process">A process that was started and not disposed.</param>
    /// <param name="trace">Whether to call when it is stopped and continued too.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentException"><paramref name="process"/> was not started, or is disposed.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="process"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(Process process, bool trace)
    {
        using Loop.Claim claim = UseSettable(nameof(Pid));
        SetCore(CheckProcess(process), process, trace);
    }

    private protected override void StartCore()
    {
        try
        {
            SignalRegistrations.Acquire(Loop.Handle, Event.Signum.SIGCHLD);
        }
        catch (Exception e) when (SignalRegistrations.IsRefusal(e))
        {
            throw Error.Event_NoRegistration(Event.Signum.SIGCHLD, e);
        }

        RPid = RStatus = 0;
        _ = Native.mood_watcher_start(Memory);
    }

    private protected override void OnStopped() =>
        SignalRegistrations.Release(Loop.Handle, Event.Signum.SIGCHLD);

    private protected override void SetPriority(int priority)
    {
        // libev reports children at the highest priority whatever is asked for
    }

    private protected override void Call(Events revents)
    {
        if ((revents & Events.Child) != 0)
        {
            (int rpid, int rstatus) = Native.ChildStatus(Memory);
            RPid = rpid;
            RStatus = rstatus == Gone && _process is not null ? StatusOf(_process) : rstatus;
        }

        base.Call(revents);
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

    // The runtime has reaped it: what it remembers is the exit code, which is 128 + n for signal n.
    private static int StatusOf(Process process)
    {
        try
        {
            return process.HasExited ? (process.ExitCode & 0xff) << 8 : Gone;
        }
        catch (Exception e) when (e is InvalidOperationException or NotSupportedException or System.ComponentModel.Win32Exception)
        {
            return Gone; // disposed meanwhile
        }
    }

    private void SetCore(int pid, Process? process, bool trace)
    {
        Pid = pid;
        _process = process;
        RPid = RStatus = 0;
        Native.mood_child_set(Memory, pid, trace ? 1 : 0, keep: process is null ? 0 : 1);
        GC.KeepAlive(this);
    }
}
