using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Several Io watchers in one loop, on every backend.</summary>
public sealed class IoManyTests : FdTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Two_watchers_of_one_fd_are_called_in_the_order_of_their_starts(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int fd = NewReadablePipe().Read;
        string log = "";
        Io a = loop.Io(fd, Events.Read, (_, _) => log += "a"), b = loop.Io(fd, Events.Read, (_, _) => log += "b");
        a.Start();
        b.Start();
        loop.Start(RunFlags.Once);
        Assert.Equal("ab", log);

        a.Stop();
        a.Start();
        log = "";
        loop.Start(RunFlags.Once);
        Assert.Equal("ba", log);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Two_watchers_of_one_fd_get_their_own_events(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Events read = Events.None, write = Events.None;
        Io reader = loop.Io(server, Events.Read, (_, e) => read |= e);
        Io writer = loop.Io(server, Events.Write, (_, e) => write |= e);
        reader.Start();
        writer.Start();
        RunFor(loop, 0.01);
        Assert.Equal((Events.None, Events.Write), (read, write));

        writer.Stop();
        write = Events.None;
        client.Send([1]);
        RunFor(loop, 0.01);
        Assert.Equal((Events.Read, Events.None), (read, write));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_pending_watcher_that_another_watcher_of_the_fd_stops_is_not_called(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string log = "";
        Io? b = null;
        int fd = NewReadablePipe().Read;
        loop.Io(fd, Events.Read, (w, _) =>
        {
            log += b!.IsPending ? "pending " : "?";
            b.Stop();
            log += b.IsPending ? "?" : "stopped";
        }).Start();
        b = loop.Io(fd, Events.Read, (_, _) => log += "b");
        b.Start();
        loop.Start(RunFlags.Once);
        Assert.Equal("pending stopped", log);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_higher_priority_is_called_first(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int fd = NewReadablePipe().Read;
        string log = "";

        foreach (int priority in new[] { 0, -2, 2, 1, -1 })
        {
            loop.Io(fd, Events.Read, (w, _) => log += $"{w.Priority} ", priority: priority).Start();
        }

        loop.Start(RunFlags.Once);
        Assert.Equal("2 1 0 -1 -2 ", log);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Ios_stopped_before_the_loop_runs_are_not_called(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        List<Io> ios = [];

        for (int i = 0; i < 64; i++)
        {
            ios.Add(loop.Io(NewReadablePipe().Read, Events.Read, (_, _) => calls++));
            ios[i].Start();
        }

        ios.ForEach(io => io.Stop());
        Assert.False(loop.Start());
        Assert.Equal(0, calls);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Hundreds_of_fds_are_all_reported(Backends backend)
    {
        Loop loop = NewLoop(backend);
        HashSet<int> expected = [], seen = [];

        for (int i = 0; i < 200; i++)
        {
            (int read, int write) = i % 2 == 0 ? NewReadablePipe() : NewPipe();

            if (i % 2 == 0)
            {
                expected.Add(read);
            }

            loop.Io(read, Events.Read, (w, _) =>
            {
                w.Stop();

                if (seen.Add(w.Fd) && seen.Count == 100)
                {
                    loop.Stop();
                }
            }).Start();
        }

        loop.Start(); // linuxaio needs several iterations, because it enlarges its ring step by step
        RunFor(loop, 0.02);
        Assert.Equal(expected.Order(), seen.Order());
        Assert.True(loop.Start(RunFlags.NoWait));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_exception_in_one_callback_does_not_affect_the_others(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int fd = NewReadablePipe().Read;
        string log = "";
        loop.CallbackException += (_, e) => log += e.Exception.Message;
        loop.Io(fd, Events.Read, (_, _) => throw new InvalidDataException("a")).Start();
        loop.Io(fd, Events.Read, (_, _) => log += "b").Start();
        loop.Start(RunFlags.Once);
        loop.Start(RunFlags.Once);
        Assert.Equal("abab", log);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_message_passes_through_a_ring_of_pipes(Backends backend)
    {
        const int Size = 20, Rounds = 10;
        Loop loop = NewLoop(backend);
        (int Read, int Write)[] pipes = Enumerable.Range(0, Size).Select(_ => NewPipe()).ToArray();
        List<Io> ios = [];
        int passed = 0;

        for (int i = 0; i < Size; i++)
        {
            int next = pipes[(i + 1) % Size].Write;
            Io io = loop.Io(pipes[i].Read, Events.Read, (w, _) =>
            {
                Assert.Equal(1, Posix.Read(w.Fd));

                if (++passed == Size * Rounds)
                {
                    ios.ForEach(o => o.Stop());
                }
                else
                {
                    Posix.Write(next);
                }
            });
            io.Fatal = true;
            io.Start();
            ios.Add(io);
        }

        Posix.Write(pipes[0].Write);
        Assert.False(loop.Start());
        Assert.Equal(Size * Rounds, passed);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void If_many_fds_change_in_one_iteration_all_are_still_reported(Backends backend)
    {
        const int size = 200;
        Loop loop = NewLoop(backend);
        HashSet<int> seen = [];
        var pipes = new (int Read, int Write)[size];
        var ios = new Io[size];

        for (int i = 0; i < size; i++)
        {
            Watch(i);
        }

        Check();

        for (int round = 0; round < 5; round++)
        {
            // Before the next iteration the events change, or the watcher is started again, or another fd gets the number.
            for (int i = 0; i < size; i++)
            {
                switch ((i + round) % 5)
                {
                    case 0:
                        ios[i].Stop();
                        CloseFd(pipes[i].Read);
                        CloseFd(pipes[i].Write);
                        break;
                    case 1:
                        ios[i].Events = Events.None;
                        ios[i].Events = Events.Read;
                        break;
                    case 2:
                        ios[i].Events = Events.Read | Events.Write;
                        break;
                    case 3:
                        ios[i].Stop();
                        ios[i].Start();
                        break;
                    default:
                        break;
                }
            }

            for (int i = 0; i < size; i++)
            {
                if ((i + round) % 5 == 0)
                {
                    Watch(i); // the fd often has a number that was just closed
                }
            }

            Check();

            for (int i = 0; i < size; i++)
            {
                ios[i].Events = Events.Read;
            }

            Check();
        }

        void Watch(int i)
        {
            pipes[i] = NewPipe();
            ios[i] = loop.Io(pipes[i].Read, Events.Read, (w, _) =>
            {
                if (Posix.Read(w.Fd) == 1 && seen.Add(i) && seen.Count == size)
                {
                    loop.Stop();
                }
            });
            ios[i].Start();
        }

        void Check()
        {
            seen.Clear();
            loop.Start(RunFlags.NoWait);
            Assert.Empty(seen);
            Array.ForEach(pipes, p => Posix.Write(p.Write));
            Timer timer = loop.Timer(Patience / 4, 0, (_, _) => loop.Stop());
            timer.Start();
            loop.Start();
            timer.Dispose();
            Assert.Equal(size, seen.Count);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void If_some_fds_are_closed_while_they_are_watched_the_others_are_still_reported(Backends backend)
    {
        const int size = 200;
        Loop loop = NewLoop(backend);
        HashSet<int> seen = [];
        (int Read, int Write)[] pipes = Enumerable.Range(0, size).Select(_ => NewPipe()).ToArray();
        Io[] ios = [.. Enumerable.Range(0, size).Select(i => loop.Io(pipes[i].Read, Events.Read, (w, _) =>
        {
            Posix.Read(w.Fd);
            seen.Add(i);
        }))];
        Array.ForEach(ios, io => io.Start());
        loop.Start(RunFlags.NoWait);

        // Some fds are registered, the mask of some registered ones has changed, and some are not registered yet.
        for (int i = 0; i < size; i++)
        {
            ios[i].Stop();

            if (i % 3 != 0)
            {
                ios[i].Start();
            }
        }

        int[] closed = [.. Enumerable.Range(0, size).Where(i => i % 7 == 1)];
        Array.ForEach(closed, i => CloseFd(pipes[i].Read));
        int[] expected = [.. Enumerable.Range(0, size).Where(i => i % 3 != 0 && i % 7 != 1)];
        Array.ForEach(expected, i => Posix.Write(pipes[i].Write));

        // Each closed fd may be reported by a Start of its own.
        for (double end = Ev.Time() + (Patience / 4); seen.Count < expected.Length && Ev.Time() < end;)
        {
            Exception? e = Record.Exception(() => loop.Start(RunFlags.NoWait));
            Assert.True(e is null or EventException);
        }

        Assert.Equal(expected, seen.Order());
        Array.ForEach(ios, io => io.Stop());
        loop.Verify();
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_loop_does_not_keep_the_file_of_a_stopped_io_open(Backends backend)
    {
        const int size = 100;
        Loop loop = NewLoop(backend), other = NewLoop(Backends.Poll);
        (int Read, int Write)[] pipes = Enumerable.Range(0, size).Select(_ => NewPipe()).ToArray();
        Io[] ios = [.. pipes.Select(p => loop.Io(p.Read, Events.Read, (_, _) => { }))];
        Array.ForEach(ios, io => io.Start());
        loop.Start(RunFlags.NoWait);
        Array.ForEach(ios, io => io.Stop());
        loop.Start(RunFlags.NoWait);
        loop.Start(RunFlags.NoWait);
        int ended = 0;

        // A full pipe becomes writable only when its last reader is closed.
        foreach ((int read, int write) in pipes)
        {
            Posix.Fill(write);
            CloseFd(read);
            other.Io(write, Events.Write, (w, _) =>
            {
                ended++;
                w.Stop();
            }).Start();
        }

        Timer late = other.Timer(Patience / 4, 0, (_, _) => other.Stop());
        late.KeepAlive = false;
        late.Start();
        other.Start();
        Assert.Equal(size, ended);
    }
}
