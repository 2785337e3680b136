using System;
using System.Diagnostics;
using System.IO;
using System.IO.Pipes;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Features that Windows lacks are refused at once, and the exception says why.</summary>
public sealed class WindowsRefusalTests : LoopTestBase
{
    private static readonly Backends[] s_others = [Backends.Select, Backends.Poll, Backends.Kqueue, Backends.LinuxAio, Backends.IoUring, Backends.Port];

    [Fact]
    public void Fork_and_Embed_are_refused()
    {
        Loop loop = NewLoop(), other = NewLoop();
        Assert.Contains("fork", Refused(() => _ = new Fork(loop, (_, _) => { })), StringComparison.Ordinal);
        Assert.Contains("embedded", Refused(() => _ = new Embed(loop, other)), StringComparison.Ordinal);
        Refused(() => loop.Fork((_, _) => { }));
        Refused(() => loop.Embed(other));
    }

    [Fact]
    public void A_child_of_every_process_and_a_trace_are_refused()
    {
        Loop loop = NewDefaultLoop();
        using Process self = Process.GetCurrentProcess();
        Refused(() => loop.Child(0, false, (_, _) => { }));
        Refused(() => loop.Child(self.Id, true, (_, _) => { }));
        Refused(() => loop.Child(self, true, (_, _) => { }));
        Child child = loop.Child(self.Id, false, (_, _) => { });
        Refused(() => child.Set(0, false));
        Refused(() => child.Set(self, true));
    }

    [Fact]
    public void Other_backends_are_refused_and_not_listed()
    {
        Assert.Equal((Backends.Epoll, Backends.Epoll, Backends.Auto), (Ev.SupportedBackends, Ev.RecommendedBackends, Ev.EmbeddableBackends));
        Assert.Equal(Backends.Epoll, NewLoop().Backend);

        foreach (Backends backend in s_others)
        {
            Assert.Contains("Epoll", Assert.Throws<EventException>(() => new Loop(LoopFlags.NoEnv, backend)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Only_sockets_can_be_watched()
    {
        Loop loop = NewLoop();
        string path = Path.GetTempFileName();

        using (SafeFileHandle file = File.OpenHandle(path))
        using (var pipe = new AnonymousPipeServerStream(PipeDirection.Out))
        {
            NoSocket(() => loop.Io(file, Events.Read, (_, _) => { }));
            NoSocket(() => loop.Io(pipe.SafePipeHandle, Events.Write, (_, _) => { }));
            NoSocket(() => loop.Io(3, Events.Read, (_, _) => { }));
            Refused(() => _ = new LoopStream(loop, file, FileAccess.Read));
        }

        File.Delete(path);
    }

    [Fact]
    public void A_number_and_a_handle_of_a_socket_can_be_watched()
    {
        Loop loop = NewLoop();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        int calls = 0;
        loop.Io((int)socket.Handle, Events.Write, Count).Start();
        loop.Io((SafeHandle)socket.SafeHandle, Events.Write, Count).Start();
        loop.Io(socket, Events.Write, Count).Start();
        Assert.False(loop.Start());
        Assert.Equal(3, calls);

        void Count(Io io, Events revents)
        {
            calls++;
            io.Stop();
        }
    }

    [Theory, InlineData(9, "Bad file descriptor"), InlineData(13, "Permission denied")]
    public void An_errno_has_the_text_of_the_C_library(int error, string text) => Assert.Equal(text, Platform.Describe(error));

    private static string Refused(Action action) => Assert.Throws<PlatformNotSupportedException>(action).Message;

    private static void NoSocket(Action action) =>
        Assert.Contains("can wait for sockets only", Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
}
