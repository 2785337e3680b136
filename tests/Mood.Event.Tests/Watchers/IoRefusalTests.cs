using System;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Io and FeedFdEvent refuse bad arguments, and a refusal changes nothing.</summary>
public sealed class IoRefusalTests : FdTestBase
{
    public static TheoryData<Events> BadMasks =>
    [
        Events.Timer, Events.Read | Events.Custom, Events.Undefined, Events.Error, (Events)4, (Events)0x80, Events.Write | Events.Async,
    ];

    [Fact]
    public void Null_is_refused()
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read;
        Refused<ArgumentNullException>("loop", () => new Io(null!, fd, Events.Read, (_, _) => { }));
        Refused<ArgumentNullException>("callback", () => new Io(loop, fd, Events.Read, null!));
        Refused<ArgumentNullException>("handle", () => new Io(loop, (SafeHandle)null!, Events.Read, (_, _) => { }));
        Refused<ArgumentNullException>("socket", () => new Io(loop, (Socket)null!, Events.Read, (_, _) => { }));

        using Io io = loop.Io(fd, Events.Read, (_, _) => { });
        Refused<ArgumentNullException>("handle", () => io.Set((SafeHandle)null!, Events.Read));
        Refused<ArgumentNullException>("socket", () => io.Set((Socket)null!, Events.Read));
        Assert.Throws<ArgumentNullException>(() => io.Callback = null);
        Assert.NotNull(io.Callback);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void A_negative_fd_is_refused(int fd)
    {
        Loop loop = NewLoop();
        Refused<ArgumentOutOfRangeException>("fd", () => loop.Io(fd, Events.Read, (_, _) => { }));
        CheckUnchanged(loop, io => Refused<ArgumentOutOfRangeException>("fd", () => io.Set(fd, Events.Write)));
    }

    [Fact]
    public void A_closed_fd_is_refused()
    {
        Loop loop = NewLoop();

        foreach (int fd in new[] { NewPipe().Read + 500, int.MaxValue }) // no later pipe gets these numbers
        {
            Refused<ArgumentException>("fd", () => loop.Io(fd, Events.Read, (_, _) => { }));
            CheckUnchanged(loop, io => Refused<ArgumentException>("fd", () => io.Set(fd, Events.Write)));
        }
    }

    /// <summary>libev computes the size of an array from the number, with ints. From 2^27 on it ended the process, or wrote outside the
    /// array.</summary>
    [Theory]
    [InlineData(1 << 24)]
    [InlineData(1 << 28)]
    [InlineData(int.MaxValue)]
    public void A_number_that_libev_cannot_compute_with_is_refused_even_if_it_is_open(int fd)
    {
        Loop loop = NewLoop();
        using var handle = new SafeFileHandle(fd, ownsHandle: false);
        using var pipe = new SafePipeHandle(fd, ownsHandle: false);

        // The exception names the limit, so the number is refused before the system is asked for it.
        static void RefusedForSize(string parameter, Action action) => Assert.Contains(
            "below 16777216", Assert.Throws<ArgumentException>(parameter, action).Message, StringComparison.Ordinal);

        RefusedForSize("fd", () => loop.Io(fd, Events.Read, (_, _) => { }));
        RefusedForSize("handle", () => loop.Io(handle, Events.Read, (_, _) => { }));
        RefusedForSize("handle", () => loop.Io(pipe, Events.Read, (_, _) => { }));
        RefusedForSize("fd", () => _ = loop.WaitAsync(fd, Events.Read));
        CheckUnchanged(loop, io => RefusedForSize("fd", () => io.Set(fd, Events.Write)));
        CheckUnchanged(loop, io => RefusedForSize("handle", () => io.Set(handle, Events.Write)));
    }

    [Fact]
    public void A_closed_or_invalid_handle_is_refused()
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read;
        SafeFileHandle disposed = Adopt(fd);
        disposed.Dispose();
        using var invalid = new SafeFileHandle(-1, ownsHandle: false);

        foreach (SafeFileHandle handle in new[] { disposed, invalid })
        {
            Refused<ArgumentException>("handle", () => loop.Io(handle, Events.Read, (_, _) => { }));
            CheckUnchanged(loop, io => Refused<ArgumentException>("handle", () => io.Set(handle, Events.Write)));
        }
    }

    [Fact]
    public void A_handle_that_holds_no_fd_is_refused()
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read;
        using var pointer = new PointerHandle((nint)(0x1_0000_0000L + fd));
        Assert.ThrowsAny<ArgumentException>(() => loop.Io(pointer, Events.Read, (_, _) => { }));
        CheckUnchanged(loop, io => Assert.ThrowsAny<ArgumentException>(() => io.Set(pointer, Events.Write)));
    }

    [Fact]
    public void A_disposed_socket_is_refused()
    {
        Loop loop = NewLoop();
        (Socket client, _) = NewConnection();
        client.Dispose();
        Refused<ArgumentException>("socket", () => loop.Io(client, Events.Read, (_, _) => { }));
        CheckUnchanged(loop, io => Refused<ArgumentException>("socket", () => io.Set(client, Events.Write)));
    }

    [Theory]
    [MemberData(nameof(BadMasks))]
    public void Events_other_than_read_and_write_are_refused(Events events)
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read;
        Refused<ArgumentException>("events", () => loop.Io(fd, events, (_, _) => { }));
        CheckUnchanged(loop, io => Refused<ArgumentException>("events", () => io.Set(fd, events)));
        CheckUnchanged(loop, io => Refused<ArgumentException>("value", () => io.Events = events));
    }

    [Fact]
    public void A_refused_event_mask_does_not_change_an_active_io()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Io io = loop.Io(NewReadablePipe().Read, Events.Read, (_, _) => calls++);
        io.Start();
        Assert.Throws<ArgumentException>(() => io.Events = Events.Timer);
        Assert.Equal(Events.Read, io.Events);
        Assert.True(io.IsActive);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_refused_io_leaves_nothing_behind()
    {
        Loop loop = NewLoop();
        (int Loops, int Watchers) before = Live();
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.Io(-1, Events.Read, (_, _) => { }));
        Assert.Throws<ArgumentException>(() => loop.Io(NewPipe().Read, Events.Timer, (_, _) => { }));
        Assert.Throws<ArgumentNullException>(() => loop.Io(NewPipe().Read, Events.Read, null!));
        Assert.Equal(before, Live());
    }

    [Fact]
    public void FeedFdEvent_refuses_bad_input()
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read;
        (Socket client, _) = NewConnection();
        Refused<ArgumentException>("revents", () => loop.FeedFdEvent(fd, Events.Timer));
        Refused<ArgumentException>("revents", () => loop.FeedFdEvent(client, Events.Error));
        Refused<ArgumentException>("revents", () => loop.FeedFdEvent(client.SafeHandle, Events.Undefined));
        Refused<ArgumentNullException>("handle", () => loop.FeedFdEvent((SafeHandle)null!, Events.Read));
        Refused<ArgumentNullException>("socket", () => loop.FeedFdEvent((Socket)null!, Events.Read));
        client.Dispose();
        Refused<ArgumentException>("socket", () => loop.FeedFdEvent(client, Events.Read));
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.FeedFdEvent(fd, Events.Read));
    }

    private static void Refused<T>(string parameter, Action action)
        where T : ArgumentException => Assert.Equal(parameter, Assert.Throws<T>(action).ParamName);

    private static void Refused<T>(string parameter, Func<object> action)
        where T : ArgumentException => Assert.Equal(parameter, Assert.Throws<T>(action).ParamName);

    /// <summary>Checks that a refusal has changed nothing: the io still reads its own pipe.</summary>
    private void CheckUnchanged(Loop loop, Action<Io> refused)
    {
        (int read, int write) = NewPipe();
        int calls = 0;
        using Io io = loop.Io(read, Events.Read, (w, _) => calls++);
        refused(io);
        Assert.Equal(read, io.Fd);
        Assert.Equal(Events.Read, io.Events);
        Assert.False(io.IsActive);
        io.Start();
        Posix.Write(write);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
    }

    private sealed class PointerHandle : SafeHandle
    {
        internal PointerHandle(nint pointer)
            : base(0, ownsHandle: false) => SetHandle(pointer);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => true;
    }

    private SafeFileHandle Adopt(int fd)
    {
        Disown(fd);
        return new SafeFileHandle(fd, ownsHandle: true);
    }
}
