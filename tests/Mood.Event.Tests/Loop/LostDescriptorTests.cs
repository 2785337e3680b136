using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// A program may close the loop's own file descriptors, as a daemon that closes all. Other files may then get the numbers. Reset makes the
/// loop work again, and neither Reset nor Dispose touches those files.
/// </summary>
public sealed class LostDescriptorTests : FdTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Reset_makes_new_descriptors_that_may_have_the_old_numbers(Backends backend)
    {
        (Loop loop, List<int> own, Func<bool> check) = NewUsedLoop(backend);
        Posix.Close([.. own]);
        loop.Reset();
        Assert.True(check());
        loop.Reset();
        Assert.True(check());
        Assert.True(own.Exists(Posix.IsOpen)); // a new fd has a lost number, because the kernel gives out the lowest free one
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Reset_and_Dispose_do_not_close_the_files_that_got_the_old_numbers(Backends backend)
    {
        (Loop loop, List<int> own, Func<bool> check) = NewUsedLoop(backend);
        (int read, int write) = NewPipe();
        own.ForEach(fd => Posix.Replace(fd, with: write));

        try
        {
            loop.Reset();
            Assert.True(check());
            AssertUntouched();
            loop.Dispose();
            AssertUntouched();
        }
        finally
        {
            Posix.Close([.. own]);
        }

        void AssertUntouched()
        {
            Assert.Equal(-1, Posix.Read(read)); // nothing was written to the other file as a wake

            foreach (int fd in own)
            {
                Posix.Write(fd, (byte)fd);
                Assert.Equal((byte)fd, Posix.Read(read));
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Dispose_without_a_Reset_does_not_close_the_files_that_got_the_old_numbers(Backends backend)
    {
        (Loop loop, List<int> own, _) = NewUsedLoop(backend);
        (int read, int write) = NewPipe();
        own.ForEach(fd => Posix.Replace(fd, with: write));
        loop.Dispose();

        foreach (int fd in own)
        {
            Posix.Write(fd, (byte)fd);
            Assert.Equal((byte)fd, Posix.Read(read));
            Posix.Close(fd);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Reset_of_a_loop_does_not_close_descriptors_of_another_loop_that_got_the_old_numbers(Backends backend)
    {
        (Loop lost, List<int> own, Func<bool> check) = NewUsedLoop(backend);
        Posix.Close([.. own]);
        (Loop next, _, Func<bool> checkNext) = NewUsedLoop(backend);
        lost.Reset();
        Assert.True(check());
        Assert.True(checkNext());
        lost.Dispose();
        Assert.True(checkNext());
        next.Dispose();
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_reserve_for_a_Reset_is_made_again_after_it_was_closed(Backends backend)
    {
        (Loop loop, _, Func<bool> check) = NewUsedLoop(backend);
        List<int> before = Numbers();
        loop.Reset();
        int reserve = Assert.Single(Numbers().Except(before), fd => Target(fd).EndsWith("[eventfd]", StringComparison.Ordinal));
        (int read, int write) = NewPipe();
        Posix.Replace(reserve, with: write);
        loop.Reset();
        Assert.True(check());
        loop.Dispose();
        Posix.Write(reserve);
        Assert.Equal(1, Posix.Read(read));
        Posix.Close(reserve);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void No_program_that_the_process_starts_inherits_a_descriptor_of_a_loop(Backends backend)
    {
        const int O_CLOEXEC = 0x80000;
        (Loop loop, List<int> own, Func<bool> check) = NewUsedLoop(backend);
        List<int> others = [.. Numbers().Except(own)];

        for (int i = 0; i < 3; i++)
        {
            AssertCloseOnExec();
            loop.Reset();
            AssertCloseOnExec();
            Assert.True(check());
        }

        void AssertCloseOnExec()
        {
            List<int> descriptors = [.. Numbers().Except(others).Where(fd => Target(fd).StartsWith("anon_inode:", StringComparison.Ordinal))];
            Assert.True(descriptors.Count >= own.Count);
            Assert.All(descriptors, fd => Assert.True((FlagsOf(fd) & O_CLOEXEC) != 0, Target(fd)));
        }
    }

    [Theory]
    [InlineData(Backends.Epoll)]
    [InlineData(Backends.LinuxAio)]
    public void A_lost_epoll_fd_that_the_system_refuses_to_replace_is_an_error_of_each_Start_until_it_is_replaced(Backends backend)
    {
        (Loop loop, List<int> own, Func<bool> check) = NewUsedLoop(backend);
        (_, int write) = NewPipe();
        int forks = 0;
        Fork fork = loop.Fork((_, _) => forks++);
        fork.Start();
        own.ForEach(fd => Posix.Replace(fd, with: write));

        try
        {
            loop.Reset(); // makes the eventfd
            Posix.WithFdsLeft(0, () =>
            {
                for (int i = 0; i < 3; i++)
                {
                    EventException e = Assert.Throws<EventException>(() => loop.Start());
                    Assert.Equal(24, e.NativeErrorCode); // EMFILE
                }
            });
            Assert.True(check());
            Assert.Equal(1, forks); // one for the Reset, and none for the later attempts
        }
        finally
        {
            Posix.Close([.. own]);
        }
    }

    /// <summary>
    /// Makes a loop with every kind of fd that a loop can have. Own is their numbers. Check checks that an Io, an Async, a Stat and a Periodic
    /// work.
    /// </summary>
    private (Loop Loop, List<int> Own, Func<bool> Check) NewUsedLoop(Backends backend)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers(); // otherwise a finalizer could close an fd of the list, and the loop could get its number
        List<int> before = Numbers();
        Loop loop = NewLoop(backend);
        string path = Path.GetTempFileName();
        Stat stat = loop.Stat(path, 0.11, (_, _) => { });
        stat.Start();
        int ticks = 0, sends = 0, reads = 0;
        Periodic periodic = loop.Periodic(0, 0.02, (_, _) => ticks++);
        periodic.Start();
        Async async = loop.Async((_, _) => sends++);
        async.Start();
        List<int> own = [.. Numbers().Except(before).Where(fd => Target(fd).StartsWith("anon_inode:", StringComparison.Ordinal))];
        Assert.True(own.Count >= 3, string.Join(' ', own.Select(Target)));
        (int read, int write) = NewPipe();
        Io io = loop.Io(read, Events.Read, (w, _) =>
        {
            Posix.Read(w.Fd);
            reads++;
        });
        io.Start();
        long size = 0;
        Assert.True(Check());
        return (loop, own, Check);

        bool Check()
        {
            (ticks, sends, reads) = (0, 0, 0);
            File.AppendAllText(path, "x");
            size++;
            async.Send();
            Posix.Write(write);

            while (ticks == 0 || sends == 0 || reads == 0 || stat.Attr.Size < size)
            {
                loop.Start(RunFlags.Once);
            }

            return (sends, reads) == (1, 1);
        }
    }

    private static int FlagsOf(int fd)
    {
        const string Name = "flags:";
        string line = File.ReadLines($"/proc/self/fdinfo/{fd}").First(l => l.StartsWith(Name, StringComparison.Ordinal));
        return Convert.ToInt32(line[Name.Length..].Trim(), fromBase: 8);
    }

    private static string Target(int fd) => new FileInfo($"/proc/self/fd/{fd}").LinkTarget ?? "";

    // The list of the directory has the fd that reads the directory too. That fd is closed after the listing and has no target then.
    private static List<int> Numbers() =>
    [
        .. Directory.GetFiles("/proc/self/fd")
            .Select(f => int.Parse(Path.GetFileName(f), CultureInfo.InvariantCulture))
            .Where(fd => Target(fd).Length > 0),
    ];
}
