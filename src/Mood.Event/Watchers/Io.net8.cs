using System;

namespace Mood.Event;

/// <content>The Io of a wait.</content>
public sealed partial class Io
{
    /// <summary>Creates the Io of a wait. <see cref="Watch"/> sets its fd, and <see cref="Unwatch"/> clears it.</summary>
    internal Io(Loop loop, Action<Io, Events> callback, Wait wait)
        : base(loop, callback, data: null)
    {
        Wait = wait;
        Create(Native.Kind.Io, priority: 0);
    }

    /// <summary>Whether the Io may stay active between two waits: only if its fd is a socket's. The handle of a socket owns its
    /// number, so no other file gets the number while the handle is open.</summary>
    internal bool IsRenewable => _fd.IsSocket;

    /// <summary>Whether the Io is active and watches for the same events of the same open socket.</summary>
    internal bool IsWatching(FileDescriptor fd, Events events) => _fd.IsSameSocket(fd) && Events == events && Active;

    internal void Watch(FileDescriptor fd, Events events)
    {
        using Loop.Claim claim = UseSettable(nameof(Fd));
        SetCore(fd, events);
        Start();
    }

    internal void Unwatch()
    {
        Stop();
        _fd = default; // the wait is reused, and must not keep the last handle alive
    }

    partial void LookForWait(ref bool isAwaited) => isAwaited = Wait is not null;

    partial void EndWait(Exception exception) => Wait?.Fail(exception);

    partial void EndWaitOfClosedHandle(FileDescriptor fd) => Wait?.Fail(fd.ClosedException());
}
