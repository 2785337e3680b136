using System;
using System.Runtime.CompilerServices;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Mood.Event;

/// <content>One factory method per kind of watcher, with the parameters of its constructor.</content>
public sealed partial class Loop
{
    /// <inheritdoc cref="Event.Io.Io(Loop, int, Events, Action{Io, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Io Io(int fd, Events events, Action<Io, Events> callback, object? data = null, int priority = 0) =>
        new(this, fd, events, callback, data, priority);

    /// <inheritdoc cref="Event.Io.Io(Loop, SafeHandle, Events, Action{Io, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Io Io(
        SafeHandle handle, Events events, Action<Io, Events> callback, object? data = null, int priority = 0) =>
        new(this, handle, events, callback, data, priority);

    /// <inheritdoc cref="Event.Io.Io(Loop, Socket, Events, Action{Io, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Io Io(Socket socket, Events events, Action<Io, Events> callback, object? data = null, int priority = 0) =>
        new(this, socket, events, callback, data, priority);

    /// <inheritdoc cref="Event.Timer.Timer(Loop, double, double, Action{Timer, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Timer Timer(
        double after, double repeat, Action<Timer, Events> callback, object? data = null, int priority = 0) =>
        new(this, after, repeat, callback, data, priority);

    /// <inheritdoc cref="Event.Timer.Timer(Loop, TimeSpan, TimeSpan, Action{Timer, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Timer Timer(
        TimeSpan after, TimeSpan repeat, Action<Timer, Events> callback, object? data = null, int priority = 0) =>
        new(this, after, repeat, callback, data, priority);

    /// <inheritdoc cref="Event.Periodic.Periodic(Loop, double, double, Action{Periodic, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Periodic Periodic(
        double offset, double interval, Action<Periodic, Events> callback, object? data = null, int priority = 0) =>
        new(this, offset, interval, callback, data, priority);

    /// <inheritdoc cref="Event.Periodic.Periodic(Loop, TimeSpan, TimeSpan, Action{Periodic, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Periodic Periodic(
        TimeSpan offset, TimeSpan interval, Action<Periodic, Events> callback, object? data = null, int priority = 0) =>
        new(this, offset, interval, callback, data, priority);

    /// <inheritdoc cref="Event.Periodic.Periodic(Loop, DateTimeOffset, Action{Periodic, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Periodic Periodic(
        DateTimeOffset at, Action<Periodic, Events> callback, object? data = null, int priority = 0) =>
        new(this, at, callback, data, priority);

    /// <inheritdoc cref="Event.Scheduler.Scheduler(Loop, Func{Scheduler, double, double}, Action{Scheduler, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Scheduler Scheduler(
        Func<Scheduler, double, double> reschedule, Action<Scheduler, Events> callback, object? data = null, int priority = 0) =>
        new(this, reschedule, callback, data, priority);

    /// <inheritdoc cref="Event.Scheduler.Scheduler(Loop, Func{Scheduler, DateTimeOffset, DateTimeOffset?}, Action{Scheduler, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    [OverloadResolutionPriority(-1)]
    public Scheduler Scheduler(
        Func<Scheduler, DateTimeOffset, DateTimeOffset?> reschedule,
        Action<Scheduler, Events> callback,
        object? data = null,
        int priority = 0) =>
        new(this, reschedule, callback, data, priority);

    /// <inheritdoc cref="Event.Signal.Signal(Loop, int, Action{Signal, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Signal Signal(int signum, Action<Signal, Events> callback, object? data = null, int priority = 0) =>
        new(this, signum, callback, data, priority);

    /// <inheritdoc cref="Event.Child.Child(Loop, int, bool, Action{Child, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Child Child(int pid, bool trace, Action<Child, Events> callback, object? data = null, int priority = 0) =>
        new(this, pid, trace, callback, data, priority);

    /// <inheritdoc cref="Event.Child.Child(Loop, Process, bool, Action{Child, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Child Child(
        Process process, bool trace, Action<Child, Events> callback, object? data = null, int priority = 0) =>
        new(this, process, trace, callback, data, priority);

    /// <inheritdoc cref="Event.Stat.Stat(Loop, string, double, Action{Stat, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Stat Stat(
        string path, double interval, Action<Stat, Events> callback, object? data = null, int priority = 0) =>
        new(this, path, interval, callback, data, priority);

    /// <inheritdoc cref="Event.Stat.Stat(Loop, string, TimeSpan, Action{Stat, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Stat Stat(
        string path, TimeSpan interval, Action<Stat, Events> callback, object? data = null, int priority = 0) =>
        new(this, path, interval, callback, data, priority);

    /// <inheritdoc cref="Event.Idle.Idle(Loop, Action{Idle, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Idle Idle(Action<Idle, Events>? callback = null, object? data = null, int priority = 0) =>
        new(this, callback, data, priority);

    /// <inheritdoc cref="Event.Prepare.Prepare(Loop, Action{Prepare, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Prepare Prepare(Action<Prepare, Events> callback, object? data = null, int priority = 0) =>
        new(this, callback, data, priority);

    /// <inheritdoc cref="Event.Check.Check(Loop, Action{Check, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Check Check(Action<Check, Events> callback, object? data = null, int priority = 0) =>
        new(this, callback, data, priority);

    /// <inheritdoc cref="Event.Embed.Embed(Loop, Loop, Action{Embed, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    [UnsupportedOSPlatform("windows")]
    public Embed Embed(Loop other, Action<Embed, Events>? callback = null, object? data = null, int priority = 0) =>
        new(this, other, callback, data, priority);

    /// <inheritdoc cref="Event.Fork.Fork(Loop, Action{Fork, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    [UnsupportedOSPlatform("windows")]
    public Fork Fork(Action<Fork, Events> callback, object? data = null, int priority = 0) =>
        new(this, callback, data, priority);

    /// <inheritdoc cref="Event.Async.Async(Loop, Action{Async, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Async Async(Action<Async, Events> callback, object? data = null, int priority = 0) =>
        new(this, callback, data, priority);
}
