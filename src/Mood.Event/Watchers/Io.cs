using System;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>
/// Watches a file descriptor for being readable or writable (ev_io). It is level-triggered: the callback is called in every
/// iteration in which the fd is ready.
/// </summary>
/// <remarks>
/// <para>Stop an Io before you close its fd. What happens otherwise depends on how the fd was passed:</para>
/// <list type="bullet">
/// <item><description>As a <see cref="Microsoft.Win32.SafeHandles.SafeFileHandle"/>: the fd stays open while the Io is active, even
/// if the handle is disposed.</description></item>
/// <item><description>As a <see cref="Socket"/> or any other <see cref="SafeHandle"/>: Dispose closes the fd. The callback is not
/// called any more, and the Io is stopped within a second.</description></item>
/// <item><description>As a number: the backends Poll and Select always notice that the fd is closed. They stop the Io, and
/// <see cref="Loop.Start"/> throws an <see cref="EventException"/>. On other backends the Io may stay active for
/// ever.</description></item>
/// </list>
/// </remarks>
public sealed partial class Io : Watcher<Io>
{
    private FileDescriptor _fd;
    private Events _events;

    // null until a handle is held for the first time
    private IoHandleReference? _reference;

    /// <summary>Creates an Io. It is not started.</summary>
    /// <param name="loop">The loop that the Io belongs to.</param>
    /// <param name="fd">An open file descriptor.</param>
    /// <param name="events"><see cref="Events.Read"/>, <see cref="Events.Write"/>, both, or <see cref="Events.None"/>
    /// (active, but never called).</param>
    /// <param name="callback">Called when the fd is ready.</param>
    /// <param name="data">The initial value of <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial value of <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fd"/> is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="fd"/> is not open, or <paramref name="events"/> holds other
    /// bits than Read and Write.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Io(Loop loop, int fd, Events events, Action<Io, Events> callback, object? data = null, int priority = 0)
        : this(loop, FileDescriptor.From(fd, nameof(fd)), events, callback, data, priority)
    {
    }

    /// <inheritdoc cref="Io(Loop, int, Events, Action{Io, Events}, object, int)"/>
    /// <param name="handle">An open file, pipe or socket. See <see cref="Io"/> for what happens when it is disposed.</param>
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

    /// <summary>The number of the file descriptor.</summary>
    public int Fd => _fd.Number;

    /// <summary>The events that the Io watches for: Read, Write, both or None. It may be set while the Io is active, and takes
    /// effect at once.</summary>
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
    /// <exception cref="InvalidOperationException">The watcher is active or pending, or the loop runs on another
    /// thread.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fd"/> is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="fd"/> is not open, or <paramref name="events"/> holds other
    /// bits than Read and Write.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(int fd, Events events)
    {
        using Loop.Claim claim = UseSettable(nameof(Fd));
        SetCore(FileDescriptor.From(fd, nameof(fd)), events);
    }

    /// <inheritdoc cref="Set(int, Events)"/>
    /// <param name="handle">An open file, pipe or socket. See <see cref="Io"/> for what happens when it is disposed.</param>
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

    /// <summary>Whether the handle was closed. Any thread: the fd may change meanwhile, so it is copied once.</summary>
    internal bool IsClosed
    {
        get
        {
            FileDescriptor fd = _fd;
            return fd.IsClosed;
        }
    }

    /// <summary>Stops an active Io whose handle was closed, and ends its wait. Throws nothing.</summary>
    internal void EndIfClosed()
    {
        if (Active && _fd.IsClosed)
        {
            try
            {
                EndClosed();
            }
#pragma warning disable CA1031 // any exception: the other Ios of a sweep must be looked at too
            catch (Exception e)
#pragma warning restore CA1031
            {
                OnException(e);
            }
        }
    }

    private protected override void StartCore()
    {
        int error = _fd.Check();

        if (error < 0)
        {
            throw Error.Event_ClosedFd(_fd.Number, -error);
        }

        if (_fd.HandleToHold is SafeHandle handle)
        {
            (_reference ??= new IoHandleReference()).Take(handle);
        }
        else if (_fd.CanClose)
        {
            MarkClosable();
            Loop.NeedSweep();
        }

        _ = Native.mood_watcher_start(Memory);
    }

    private protected override void OnStopped() => _reference?.Release();

    private protected override Action<Io, Events>? Stored { get; set; }

    [MethodImpl(PendingQueue.Optimized)]
    private protected override void Call(Events revents)
    {
        // the handle was closed, so the number and the event may belong to another file
        if (_fd.IsClosed)
        {
            EndClosed();
            return;
        }

        Stored?.Invoke(this, revents);
    }

    private protected override void OnError(int revents)
    {
        if (_fd.IsClosed)
        {
            EndWaitOfClosedHandle(_fd);
            return;
        }

        int error = Native.mood_fd_check(_fd.Number), refusal = Native.mood_watcher_error(Memory);
        EventException exception = error < 0 ? Error.Event_ClosedFd(_fd.Number, -error)
            : refusal is 0 or Native.EBADF ? Error.Event_LostFd(_fd.Number)
            : Error.Event_RefusedFd(_fd.Number, refusal);
        GC.KeepAlive(this);
        bool isAwaited = false;
        LookForWait(ref isAwaited);

        if (error < 0 || !_fd.HasOwner)
        {
            Loop.Fail(exception);
        }
        else if (!isAwaited)
        {
            // The system refuses to watch an open file, for example because of a limit. The loop can go on: a server loses this connection only.
            Loop.OnException(this, exception, fatal: false);
        }

        EndWait(exception);
    }

    /// <summary>Whether this Io serves a wait.</summary>
    partial void LookForWait(ref bool isAwaited);

    /// <summary>Ends the wait that this Io serves, which would never end otherwise. Does nothing if there is none.</summary>
    partial void EndWait(Exception exception);

    /// <summary>Ends the wait with the exception that names the owner of a closed handle.</summary>
    partial void EndWaitOfClosedHandle(FileDescriptor fd);

    private void EndClosed()
    {
        FileDescriptor fd = _fd;
        Stop();
        EndWaitOfClosedHandle(fd);
    }

    private void SetCore(FileDescriptor fd, Events events)
    {
        _events = Validate.IoEvents(events, nameof(events));
        _fd = fd;
        Native.mood_io_set(Memory, fd.Number, (int)events);
        GC.KeepAlive(this);
    }
}
