using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mood.Event.Handles;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Watches a file descriptor for being readable or writable (ev_io). Level triggered: it is called in every iteration
/// in which the fd is ready.
/// <para>
/// Stop an Io before its fd is closed. Given as a <see cref="SafeHandle"/>, the fd stays open while the Io is active;
/// given as a <see cref="Socket"/>, an Io whose socket was disposed gets no event any more and stops itself at the next
/// one for that number. Given as a bare number, libev may or may not notice; where it does, the loop stops with an
/// <see cref="EventException"/>.
/// </para>
/// </summary>
public sealed class Io : Watcher<Io>
{
    private FileDescriptor _fd;
    private Events _events;

    /// <summary>Makes an Io; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="fd">An open file descriptor.</param>
    /// <param name="events"><see cref="Events.Read"/>, <see cref="Events.Write"/>, both, or <see cref="Events.None"/>
    /// (active but never called).</param>
    /// <param name="callback">Called when the fd is ready.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fd"/> is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="fd"/> is not open, or <paramref name="events"/> holds other
    /// bits.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Io(Loop loop, int fd, Events events, Action<Io, Events> callback, object? data = null, int priority = 0)
        : this(loop, FileDescriptor.From(fd, nameof(fd)), events, callback, data, priority)
    {
    }

    /// <inheritdoc cref="Io(Loop, int, Events, Action{Io, Events}, object, int)"/>
    /// <param name="handle">An open file, pipe or socket; kept open while the Io is active.</param>
    public Io(Loop loop, SafeHandle handle, Events events, Action<Io, Events> callback, object? data = null, int priority = 0)
        : this(loop, FileDescriptor.From(handle, nameof(handle)), events, callback, data, priority)
    {
    }

    /// <inheritdoc cref="Io(Loop, int, Events, Action{Io, Events}, object, int)"/>
    /// <param name="socket">An open socket.</param>
    public Io(Loop loop, Socket socket, Events events, Action<Io, Events> callback, object? data = null, int priority = 0)
        : this(loop, FileDescriptor.From(socket, nameof(socket)), events, callback, data, priority)
    {
    }

    private Io(Loop loop, FileDescriptor fd, Events events, Action<Io, Events> callback, object? data, int priority)
        : base(loop, callback, data)
    {
        Validate.IoEvents(events, nameof(events));
        Create(Native.Kind.Io, priority);
        SetCore(fd, events);
    }

    /// <summary>For a <see cref="Wait"/>, which gives it an fd with <see cref="Watch"/> and takes it away again.</summary>
    internal Io(Loop loop, Action<Io, Events> callback, Wait wait)
        : base(loop, callback, wait) => Create(Native.Kind.Io, priority: 0);

    /// <summary>The file descriptor's number.</summary>
    public int Fd => _fd.Number;

    /// <summary>What is watched for. May be set while active, with effect at once.</summary>
    /// <exception cref="ArgumentException">Set to other bits than Read and Write.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public Events Events
    {
        get => _events;
        set
        {
            using Loop.Claim claim = Use();
            Validate.IoEvents(value, nameof(value));

            if (value == _events)
            {
                return;
            }

            bool active = Active;

            if (active)
            {
                Native.mood_watcher_stop(Memory);
            }

            _events = value;
            Native.mood_io_set(Memory, _fd.Number, (int)value);

            if (active)
            {
                _ = Native.mood_watcher_start(Memory);
            }

            GC.KeepAlive(this);
        }
    }

    /// <summary>Watches another fd, or for other events.</summary>
    /// <param name="fd">An open file descriptor.</param>
    /// <param name="events">Read, Write, both or None.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fd"/> is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="fd"/> is not open, or <paramref name="events"/> holds other
    /// bits.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(int fd, Events events)
    {
        using Loop.Claim claim = UseSettable(nameof(Fd));
        SetCore(FileDescriptor.From(fd, nameof(fd)), events);
    }

    /// <inheritdoc cref="Set(int, Events)"/>
    /// <param name="handle">An open file, pipe or socket; kept open while the Io is active.</param>
    /// <param name="events">Read, Write, both or None.</param>
    public void Set(SafeHandle handle, Events events)
    {
        using Loop.Claim claim = UseSettable(nameof(Fd));
        SetCore(FileDescriptor.From(handle, nameof(handle)), events);
    }

    /// <inheritdoc cref="Set(int, Events)"/>
    /// <param name="socket">An open socket.</param>
    /// <param name="events">Read, Write, both or None.</param>
    public void Set(Socket socket, Events events)
    {
        using Loop.Claim claim = UseSettable(nameof(Fd));
        SetCore(FileDescriptor.From(socket, nameof(socket)), events);
    }

    internal void Watch(FileDescriptor fd, Events events)
    {
        using Loop.Claim claim = UseSettable(nameof(Fd));
        SetCore(fd, events);
        Start();
    }

    internal void Unwatch()
    {
        Stop();
        _fd = default; // waits are kept, and what they waited for must not be
    }

    private protected override void StartCore()
    {
        int error = _fd.Check();

        if (error < 0)
        {
            throw Error.Event_ClosedFd(_fd.Number, -error);
        }

        _fd.Hold();
        _ = Native.mood_watcher_start(Memory);
    }

    private protected override void OnStopped() => _fd.Release();

    private protected override void Call(Events revents)
    {
        if (_fd.IsClosed)
        {
            Stop(); // the number is somebody else's by now, and so is the event
            Tell(new ObjectDisposedException(typeof(Socket).FullName));
            return;
        }

        base.Call(revents);
    }

    private protected override void OnError(int revents)
    {
        if (_fd.IsClosed)
        {
            Tell(new ObjectDisposedException(typeof(Socket).FullName));
            return;
        }

        int error = Native.mood_fd_check(_fd.Number);
        EventException exception = Error.Event_ClosedFd(_fd.Number, error < 0 ? -error : 0);
        Loop.Fail(exception);
        Tell(exception);
    }

    // whoever awaits it would wait for ever
    private void Tell(Exception exception) => (Data as Wait)?.Fail(exception);

    private void SetCore(FileDescriptor fd, Events events)
    {
        _events = Validate.IoEvents(events, nameof(events));
        _fd = fd;
        Native.mood_io_set(Memory, fd.Number, (int)events);
        GC.KeepAlive(this);
    }
}
