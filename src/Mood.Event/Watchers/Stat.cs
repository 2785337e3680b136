using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called when the status of a path changes: content, times, mode, owner, existence (ev_stat). Uses inotify where the
/// kernel and the file system offer it, and polls elsewhere. The status is read on the loop's thread, which waits for
/// the file system.
/// </summary>
public sealed class Stat : Watcher<Stat>
{
    private double _interval;

    /// <summary>Makes a stat watcher; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="path">The path, which need not exist. A symbolic link is watched itself.</param>
    /// <param name="interval">Seconds between looks where polling is needed; 0: libev's choice (5.0074891). Others are
    /// raised to at least 0.1074891 at Start.</param>
    /// <param name="callback">Called when the status changed.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or holds a NUL character.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="interval"/> is NaN or infinite.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/>, <paramref name="path"/> or
    /// <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Stat(
        Loop loop, string path, double interval, Action<Stat, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data)
    {
        Path = CheckPath(path);
        Validate.Finite(interval, nameof(interval));
        Create(Native.Kind.Stat, priority);
        SetCore(path, interval);
    }

    /// <inheritdoc cref="Stat(Loop, string, double, Action{Stat, Events}, object, int)"/>
    public Stat(
        Loop loop, string path, TimeSpan interval, Action<Stat, Events> callback, object? data = null, int priority = 0)
        : this(loop, path, interval.TotalSeconds, callback, data, priority)
    {
    }

    /// <summary>The path that is watched.</summary>
    public string Path { get; private set; }

    /// <summary>Seconds between looks where polling is needed, as libev uses it: Start may have raised it.</summary>
    public double Interval
    {
        get
        {
            using Loop.Claim claim = Loop.Read();
            return _interval;
        }
    }

    /// <summary>The status libev saw last: at Start, a change, or <see cref="Refresh"/>.</summary>
    public FileStatus Attr => Status(previous: false);

    /// <summary>The status before the last change.</summary>
    public FileStatus Prev => Status(previous: true);

    /// <summary>Watches another path.</summary>
    /// <param name="path">The path, which need not exist.</param>
    /// <param name="interval">Seconds between looks where polling is needed, or 0.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or holds a NUL character.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="interval"/> is NaN or infinite.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="path"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(string path, double interval)
    {
        using Loop.Claim claim = UseSettable(nameof(Path));
        CheckPath(path);
        Validate.Finite(interval, nameof(interval));
        SetCore(path, interval);
    }

    /// <inheritdoc cref="Set(string, double)"/>
    public void Set(string path, TimeSpan interval) => Set(path, interval.TotalSeconds);

    /// <summary>Reads the status into <see cref="Attr"/> now (ev_stat_stat). What changes this way causes no call.</summary>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Refresh()
    {
        using Loop.Claim claim = Use();
        Native.mood_stat_refresh(Memory);
        GC.KeepAlive(this);
    }

    private protected override void StartCore()
    {
        base.StartCore();
        _interval = Native.mood_stat_interval(Memory);
    }

    private static string CheckPath(string path) =>
        Validate.NotNull(path, nameof(path)).Length == 0 || path.AsSpan().IndexOf('\0') >= 0
            ? throw Error.Argument_Path(nameof(path))
            : path;

    private FileStatus Status(bool previous)
    {
        using Loop.Claim claim = Loop.Read();

        if (Memory == 0)
        {
            return default;
        }

        var status = new FileStatus(Native.StatStatus(Memory, previous));
        GC.KeepAlive(this);
        return status;
    }

    private void SetCore(string path, double interval)
    {
        int error = Native.SetStat(Memory, path, interval);

        if (error < 0)
        {
            throw Error.Event_Native(-error, "The path could not be kept");
        }

        Path = path;
        _interval = interval;
        GC.KeepAlive(this);
    }
}
