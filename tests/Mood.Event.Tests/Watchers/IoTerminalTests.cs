using System;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>An Io of a terminal, on every backend.</summary>
public sealed class IoTerminalTests : FdTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_key_arrives_after_the_mode_of_the_terminal_was_changed(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int master, int terminal) = Posix.OpenTerminal();

        try
        {
            int keys = 0, others = 0;
            (int read, int write) = NewPipe();
            loop.Io(terminal, Events.Read, (w, _) =>
            {
                Assert.Equal('k', Posix.Read(w.Fd));
                keys++;
            }).Start();
            loop.Io(read, Events.Read, (w, _) =>
            {
                Posix.Read(w.Fd);
                others++;
            }).Start();

            // Switches to canonical mode and back, as a shell does when a program is stopped and continued.
            for (int i = 1; i <= 10; i++)
            {
                var thread = new Thread(() =>
                {
                    Thread.Sleep(5); // gives the loop the time to begin its wait
                    Posix.SetCanonical(terminal, on: true);
                    Thread.Sleep(1);
                    Posix.SetCanonical(terminal, on: false);
                    Thread.Sleep(1);
                    Posix.Write(master, (byte)'k');
                    Posix.Write(write);
                });
                thread.Start();

                try
                {
                    while (keys < i || others < i)
                    {
                        Assert.True(loop.Start(RunFlags.Once));
                    }
                }
                finally
                {
                    thread.Join();
                }

                Assert.Equal((i, i), (keys, others));
            }
        }
        finally
        {
            loop.Dispose();
            Posix.Close(terminal, master);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_mode_may_be_changed_in_a_callback_and_while_the_loop_does_not_run(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int master, int terminal) = Posix.OpenTerminal();

        try
        {
            Posix.SetCanonical(terminal, on: false);
            int keys = 0;
            loop.Io(terminal, Events.Read, (w, _) =>
            {
                keys += Posix.Read(w.Fd) == 'k' ? 1 : 0;
                Posix.SetCanonical(terminal, on: true);
                Posix.SetCanonical(terminal, on: false);
            }).Start();

            for (int i = 1; i <= 5; i++)
            {
                loop.Start(RunFlags.NoWait);
                Posix.SetCanonical(terminal, on: true);
                Posix.SetCanonical(terminal, on: false);
                loop.Start(RunFlags.NoWait);
                Posix.Write(master, (byte)'k');

                while (keys < i)
                {
                    Assert.True(loop.Start(RunFlags.Once));
                }
            }

            RunFor(loop, 0.02);
            Assert.Equal(5, keys);
        }
        finally
        {
            loop.Dispose();
            Posix.Close(terminal, master);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_terminal_that_is_hung_up_is_readable(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int master, int terminal) = Posix.OpenTerminal();

        try
        {
            int calls = 0;
            loop.Io(terminal, Events.Read, (w, _) =>
            {
                calls++;
                w.Stop();
            }).Start();
            loop.Start(RunFlags.NoWait);
            loop.Timer(0.01, 0, (_, _) => Posix.Close(master)).Start();
            Assert.False(loop.Start());
            Assert.Equal(1, calls);
        }
        finally
        {
            loop.Dispose();
            Posix.Close(terminal);
        }
    }
}
