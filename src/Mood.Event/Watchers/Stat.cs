using System;

namespace Mood.Event;

/// <summary>
/// Calls back when the status of a path changes: size, times, mode, owner, or whether the path exists (ev_stat).
/// </summary>
/// <remarks>
/// Where the kernel has inotify, a change of the file itself is reported at once. inotify watches a file and not a path, so the
/// watcher also reads the status once per <see cref="Interval"/>. A change of any other part of the path is therefore reported
/// within the interval: a symbolic link or a directory in the path that is replaced or renamed, or a file system that is mounted.
/// The status is read on the loop's thread, which blocks until the file system answers. Times are compared in whole seconds.
/// In a loop that is embedded (<see cref="Mood.Event.Embed"/>) timers do not run, and only inotify reports changes.
/// </remarks>
public sealed class Stat : Watcher<Stat>
{
    private double _interval;

    /// <summary>Creates a watcher of a path. It is not started.</summary>
    /// <param name="loop">The loop of the watcher.</param>
    /// <param name="path">The path, which need not exist. If it names a symbolic link, the link itself is watched; links in its
    /// directories are followed. A relative path is resolved at <see cref="Watcher.Start"/>: a later change of the
    /// process's current directory has no effect until the watcher is started again.</param>
    /// <param name="interval">The interval at which the status is read, in seconds. 0 is libev's default, 5.0074891. Start raises any
    /// other value to at least 0.1074891.</param>
    /// <param name="callback">The callback. It runs on the loop's thread after a change.</param>
    /// <param name="data">The initial value of <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial value of <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a NUL character.</exception>
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

    /// <summary>Creates a watcher of a path, with an interval that is a <see cref="TimeSpan"/>. It is not started.</summary>
    /// <param name="loop">The loop of the watcher.</param>
    /// <param name="path">The path, which need not exist. See
    /// <see cref="Stat(Loop, string, double, Action{Stat, Events}, object, int)"/>.</param>
    /// <param name="interval">The interval at which the status is read. <see cref="TimeSpan.Zero"/> is libev's default, about 5 s. Start
    /// raises any other value to at least 0.1074891 s.</param>
    /// <param name="callback">The callback. It runs on the loop's thread after a change.</param>
    /// <param name="data">The initial value of <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial value of <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a NUL character.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="interval"/> is
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/>, <paramref name="path"/> or
    /// <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Stat(
        Loop loop, string path, TimeSpan interval, Action<Stat, Events> callback, object? data = null, int priority = 0)
        : this(loop, path, Validate.Time(interval, nameof(interval)), callback, data, priority)
    {
    }

    /// <summary>The path that was passed to the constructor or <see cref="Set(string, double)"/>.</summary>
    public string Path { get; private set; }

    /// <summary>The interval at which the status is read, in seconds. 0 is libev's default, 5.0074891. After Start any other value is
    /// at least 0.1074891.</summary>
    public double Interval
    {
        get
        {
            using Loop.Claim claim = Loop.ClaimToRead();
            return _interval;
        }
    }

    /// <summary>The status when libev last read it: at Start, after a change, or in <see cref="Refresh"/>.</summary>
    public FileStatus Attr => Status(previous: false);

    /// <summary>The status before the last change.</summary>
    public FileStatus Prev => Status(previous: true);

    /// <summary>Changes the path and the interval. The watcher must be inactive and not pending.</summary>
    /// <param name="path">The path, which need not exist. A relative path is resolved at <see cref="Watcher.Start"/>.</param>
    /// <param name="interval">The interval at which the status is read, in seconds. 0 is libev's default.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending, or its loop runs on another thread.</exception>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a NUL character.</exception>
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

    /// <summary>Changes the path and the interval, which is a <see cref="TimeSpan"/>. The watcher must be inactive and not pending.</summary>
    /// <param name="path">The path, which need not exist. A relative path is resolved at <see cref="Watcher.Start"/>.</param>
    /// <param name="interval">The interval at which the status is read. <see cref="TimeSpan.Zero"/> is libev's default.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending, or its loop runs on another thread.</exception>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a NUL character.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="interval"/> is
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="path"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(string path, TimeSpan interval) => Set(path, Validate.Time(interval, nameof(interval)));

    /// <summary>
    /// Reads the status into <see cref="Attr"/> now (ev_stat_stat). A change that Refresh finds causes no callback. On an inactive
    /// watcher a relative path is resolved first.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Refresh()
    {
        using Loop.Claim claim = Use();

        if (!Active)
        {
            SetCore(Path, _interval);
        }

        Native.mood_stat_refresh(Memory);
        GC.KeepAlive(this);
    }

    private protected override void StartCore()
    {
        SetCore(Path, _interval); // the current directory may have changed since the path was set
        base.StartCore();

        if (_interval != 0)
        {
            _interval = Native.mood_stat_interval(Memory);
        }
    }

    private static string CheckPath(string path) =>
        Validate.NotNull(path, nameof(path)).Length == 0 || path.AsSpan().IndexOf('\0') >= 0
            ? throw Error.Argument_Path(nameof(path))
            : path;

    private FileStatus Status(bool previous)
    {
        using Loop.Claim claim = Loop.ClaimToRead();

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
            throw Error.Event_Native(-error, "The path of a Stat could not be copied");
        }

        Path = path;
        _interval = interval;
        GC.KeepAlive(this);
    }
}
