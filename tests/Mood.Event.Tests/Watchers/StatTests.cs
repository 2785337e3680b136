using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The members of Stat, and the changes of a file that it reports. StatPathTests has changes of the path.</summary>
public sealed class StatTests : LoopTestBase
{
    // The shortest interval that libev accepts.
    private const double MinInterval = 0.1074891;

    private static readonly Action<Stat, Events> s_nothing = (_, _) => { };

    private readonly string _directory = Directory.CreateTempSubdirectory("mood-event-").FullName;

    public static TheoryData<double> NotFinite => new(double.NaN, double.PositiveInfinity, double.NegativeInfinity);

    /// <summary>Every backend, with and without inotify.</summary>
    public static TheoryData<Backends, LoopFlags> AllWays
    {
        get
        {
            var data = new TheoryData<Backends, LoopFlags>();

            foreach (Backends backend in AllBackends)
            {
                data.Add(backend, LoopFlags.Auto);
                data.Add(backend, LoopFlags.NoInotify);
            }

            return data;
        }
    }

    [Fact]
    public void A_stat_watcher_starts_and_stops()
    {
        Loop loop = NewLoop();
        WatcherContract.StartsAndStops(new Stat(loop, FilePath(), 0, s_nothing), loop);
    }

    [Fact]
    public void Constructors_and_factories_take_the_same_parameters()
    {
        Loop loop = NewLoop();
        object data = new();
        string path = FilePath();
        Stat[] stats =
        [
            new Stat(loop, path, 1.5, s_nothing, data, 1),
            new Stat(loop, path, TimeSpan.FromSeconds(1.5), s_nothing, data, 1),
            loop.Stat(path, 1.5, s_nothing, data, 1),
            loop.Stat(path, TimeSpan.FromSeconds(1.5), s_nothing, data, 1),
        ];

        foreach (Stat stat in stats)
        {
            WatcherContract.Has(stat, data, 1);
            Assert.Same(loop, stat.Loop);
            Assert.Same(s_nothing, stat.Callback);
            Assert.Equal((path, 1.5), (stat.Path, stat.Interval));
            Assert.Equal(default, stat.Attr);
            Assert.Equal(default, stat.Prev);
            stat.Dispose();
        }
    }

    [Fact]
    public void Null_is_refused()
    {
        Loop loop = NewLoop();
        string path = FilePath();
        Assert.Throws<ArgumentNullException>("loop", () => new Stat(null!, path, 0, s_nothing));
        Assert.Throws<ArgumentNullException>("loop", () => new Stat(null!, path, TimeSpan.Zero, s_nothing));
        Assert.Throws<ArgumentNullException>("path", () => new Stat(loop, null!, 0, s_nothing));
        Assert.Throws<ArgumentNullException>("callback", () => new Stat(loop, path, 0, null!));

        Stat stat = loop.Stat(path, 1, s_nothing);
        Assert.Throws<ArgumentNullException>("path", () => stat.Set(null!, 2));
        Assert.Throws<ArgumentNullException>(() => stat.Callback = null);
        Assert.Equal((path, 1), (stat.Path, stat.Interval));
        Assert.Same(s_nothing, stat.Callback);
        stat.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("a\0b")]
    public void A_path_that_is_empty_or_holds_a_nul_is_refused(string bad)
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentException>("path", () => loop.Stat(bad, 0, s_nothing));
        string path = FilePath();
        Stat stat = loop.Stat(path, 1, s_nothing);
        Assert.Throws<ArgumentException>("path", () => stat.Set(bad, 2));
        Assert.Throws<ArgumentException>("path", () => stat.Set(bad, TimeSpan.Zero));
        Assert.Equal((path, 1), (stat.Path, stat.Interval));
        stat.Dispose();
    }

    [Theory, MemberData(nameof(NotFinite))]
    public void Interval_must_be_finite(double bad)
    {
        Loop loop = NewLoop();
        string path = FilePath();
        Assert.Throws<ArgumentOutOfRangeException>("interval", () => loop.Stat(path, bad, s_nothing));
        Stat stat = loop.Stat(path, 1, s_nothing);
        Assert.Throws<ArgumentOutOfRangeException>("interval", () => stat.Set("other", bad));
        Assert.Equal((path, 1), (stat.Path, stat.Interval));
        stat.Start();
        Assert.Equal((path, 1), (stat.Path, stat.Interval));
    }

    [Theory]
    [InlineData(-1, MinInterval)]
    [InlineData(0.01, MinInterval)]
    [InlineData(0, 0)]
    [InlineData(0.5, 0.5)]
    public void Start_raises_an_interval_that_is_too_short(double interval, double used)
    {
        using Stat stat = NewLoop().Stat(FilePath(), interval, s_nothing);
        Assert.Equal(interval, stat.Interval);
        stat.Start();
        Assert.Equal(used, stat.Interval);
    }

    [Fact]
    public void A_disposed_loop_refuses_a_stat()
    {
        Loop loop = NewLoop();
        string path = FilePath();
        Stat stat = loop.Stat(path, 1, s_nothing);
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Stat(path, 0, s_nothing));
        Assert.Throws<ObjectDisposedException>(stat.Start);
        Assert.Throws<ObjectDisposedException>(stat.Refresh);
        Assert.Throws<ObjectDisposedException>(() => stat.Set(path, 2));
        Assert.Equal((path, 1), (stat.Path, stat.Interval));
        stat.Dispose();
    }

    [Fact]
    public void A_disposed_watcher_refuses_everything_but_its_getters()
    {
        string path = FilePath();
        File.WriteAllText(path, "");
        Stat stat = NewLoop().Stat(path, 1, s_nothing);
        WatcherContract.Dispose(stat);
        Assert.Throws<ObjectDisposedException>(() => stat.Set(path, 1));
        Assert.Throws<ObjectDisposedException>(() => stat.Set(path, TimeSpan.Zero));
        Assert.Throws<ObjectDisposedException>(stat.Refresh);
        Assert.Equal((path, 1), (stat.Path, stat.Interval));
        Assert.Equal(default, stat.Attr);
        Assert.Equal(default, stat.Prev);
    }

    [Fact]
    public void Events_can_be_fed_and_invoked()
    {
        Events seen = Events.None;
        using Stat stat = NewLoop().Stat(FilePath(), 0, (_, e) => seen = e);
        WatcherContract.FeedsAndInvokes(stat, () => seen);
    }

    [Fact]
    public void Set_takes_another_path_and_another_interval()
    {
        string first = FilePath(), second = FilePath("b");
        File.WriteAllText(first, "1");
        File.WriteAllText(second, "22");
        using Stat stat = NewLoop().Stat(first, 1, s_nothing);
        stat.Refresh();
        Assert.Equal(1, stat.Attr.Size);
        stat.Set(second, 2);
        Assert.Equal((second, 2), (stat.Path, stat.Interval));
        stat.Refresh();
        Assert.Equal(2, stat.Attr.Size);
        stat.Set(first, TimeSpan.FromSeconds(3));
        Assert.Equal((first, 3), (stat.Path, stat.Interval));
        stat.Start();
        Assert.Equal(1, stat.Attr.Size);
    }

    [Fact]
    public void Set_is_refused_while_active_or_pending_and_changes_nothing()
    {
        string path = FilePath(), other = FilePath("b");
        File.WriteAllText(path, "1");
        File.WriteAllText(other, "22");
        using Stat stat = NewLoop().Stat(path, 1, s_nothing);

        void Refused()
        {
            Assert.Throws<InvalidOperationException>(() => stat.Set(other, 2));
            Assert.Throws<InvalidOperationException>(() => stat.Set(other, TimeSpan.Zero));
            Assert.Equal((path, 1), (stat.Path, stat.Interval));
            stat.Refresh();
            Assert.Equal(1, stat.Attr.Size);
        }

        stat.Start();
        Refused();
        stat.Stop();
        stat.Feed(Events.Custom);
        Refused();
        stat.Clear();
        stat.Set(other, 2);
        Assert.Equal((other, 2), (stat.Path, stat.Interval));
    }

    [Theory, MemberData(nameof(AllWays))]
    public void A_file_is_created_changed_and_deleted(Backends backend, LoopFlags flags)
    {
        Loop loop = NewLoop(backend, flags);
        string path = FilePath();
        var log = new List<(bool Was, bool Is, long Before, long Now, Events Events)>();
        Stat stat = loop.Stat(path, MinInterval, (w, e) =>
        {
            log.Add((w.Prev.Exists, w.Attr.Exists, w.Prev.Size, w.Attr.Size, e));
            loop.Stop();
        });
        stat.Start();
        Assert.Equal(0u, stat.Attr.LinkCount);

        File.Create(path).Dispose();
        Assert.True(loop.Start());
        File.AppendAllText(path, "hello");
        Assert.True(loop.Start());
        File.Delete(path);
        Assert.True(loop.Start());

        Assert.Equal(
            [
                (false, true, 0, 0, Events.Stat),
                (true, true, 0, 5, Events.Stat),
                (true, false, 5, 0, Events.Stat),
            ],
            log);
        Assert.True(stat.IsActive);
    }

    [Theory, MemberData(nameof(AllWays))]
    public void A_file_is_replaced_by_another_one(Backends backend, LoopFlags flags)
    {
        Loop loop = NewLoop(backend, flags);
        string path = FilePath(), other = FilePath("b");
        File.WriteAllText(path, "old");
        File.WriteAllText(other, "newer");
        var log = new List<(FileStatus Prev, FileStatus Attr)>();
        Stat stat = loop.Stat(path, MinInterval, (w, _) =>
        {
            log.Add((w.Prev, w.Attr));

            if (w.Attr.Size == 5)
            {
                loop.Stop();
            }
        });
        stat.Start();
        FileStatus old = stat.Attr;
        File.Move(other, path, overwrite: true);
        Assert.True(loop.Start());
        Assert.Equal(old, log[0].Prev);
        Assert.NotEqual(old.Inode, log[^1].Attr.Inode);
        Assert.Equal(stat.Attr, log[^1].Attr);
    }

    [Fact]
    public void Polling_reports_a_change_after_the_interval()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(flags: LoopFlags.NoInotify);
        string path = FilePath();
        int calls = 0;
        Stat stat = loop.Stat(path, 2, (_, _) => calls++);
        stat.Start();
        File.WriteAllText(path, "x");
        Assert.True(clock.Run(1.9));
        Assert.Equal(0, calls);
        Assert.False(stat.Attr.Exists);
        clock.Run(0.2);
        Assert.Equal(1, calls);
        Assert.True(stat.Attr.Exists);
        clock.Run(2.1);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void With_interval_0_libev_polls_at_its_default()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(flags: LoopFlags.NoInotify);
        string path = FilePath();
        int calls = 0;
        loop.Stat(path, 0, (_, _) => calls++).Start();
        File.WriteAllText(path, "x");
        clock.Run(5);
        Assert.Equal(0, calls);
        clock.Run(0.01);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_change_that_Refresh_reads_causes_no_callback()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(flags: LoopFlags.NoInotify);
        string path = FilePath();
        int calls = 0;
        Stat stat = loop.Stat(path, 1, (_, _) => calls++);
        stat.Start();
        File.WriteAllText(path, "x");
        Assert.False(stat.Attr.Exists);
        stat.Refresh();
        Assert.True(stat.Attr.Exists);
        Assert.Equal(1, stat.Attr.Size);
        Assert.False(stat.Prev.Exists);
        clock.Run(1.1);
        Assert.Equal(0, calls);

        File.Delete(path);
        clock.Run(1.1);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_change_while_the_watcher_was_stopped_causes_no_callback()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(flags: LoopFlags.NoInotify);
        string path = FilePath();
        int calls = 0;
        Stat stat = loop.Stat(path, 1, (_, _) => calls++);
        stat.Start();
        stat.Stop();
        File.WriteAllText(path, "x");
        clock.Run(1.1);
        Assert.False(stat.Attr.Exists);
        stat.Start();
        Assert.True(stat.Attr.Exists);
        clock.Run(1.1);
        Assert.Equal(0, calls);
    }

    [Theory, MemberData(nameof(AllWays))]
    public void Two_watchers_of_one_file_are_independent(Backends backend, LoopFlags flags)
    {
        Loop loop = NewLoop(backend, flags);
        string path = FilePath();
        File.WriteAllText(path, "");
        int first = 0, second = 0;
        Stat one = loop.Stat(path, MinInterval, (_, _) => first++);
        Stat two = loop.Stat(path, MinInterval, (_, _) =>
        {
            second++;
            loop.Stop();
        }, priority: -1);
        one.Start();
        two.Start();
        File.AppendAllText(path, "1");
        Assert.True(loop.Start());

        while (first == 0)
        {
            Assert.True(loop.Start(RunFlags.Once)); // the timers of the two watchers may expire in different iterations
        }

        Assert.Equal((1, 1), (first, second));
        one.Dispose();
        File.AppendAllText(path, "2");
        Assert.True(loop.Start());
        Assert.Equal((1, 2), (first, second));
    }

    [Theory, MemberData(nameof(AllWays))]
    public void With_KeepAlive_false_a_stat_does_not_keep_the_loop_running(Backends backend, LoopFlags flags)
    {
        Loop loop = NewLoop(backend, flags);
        Stat stat = loop.Stat(FilePath(), MinInterval, s_nothing);
        stat.Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        stat.KeepAlive = false;
        Assert.False(loop.Start());
        stat.Stop();
        Assert.False(loop.Start());
        stat.Start();
        Assert.False(loop.Start());
        stat.KeepAlive = true;
        Assert.True(loop.Start(RunFlags.NoWait));
        stat.Stop();
        Assert.False(loop.Start());
        stat.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_change_before_a_Reset_is_reported(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string[] paths = [FilePath("one"), FilePath("two"), FilePath("three")];
        var seen = new List<string>();

        foreach (string path in paths)
        {
            File.WriteAllText(path, "four");
            loop.Stat(path, 0, (w, _) =>
            {
                seen.Add(w.Path);
                w.Stop();
            }).Start();
        }

        loop.Start(RunFlags.NoWait);
        File.AppendAllText(paths[0], "more");
        File.Delete(paths[1]);
        loop.Reset();
        using Fork fork = loop.Fork((w, _) =>
        {
            File.AppendAllText(paths[2], "more"); // before Reset replaces inotify
            w.Stop();
        });
        fork.Start();
        Assert.False(loop.Start());
        Assert.Equal(paths.Order(), seen.Order());
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_change_between_the_first_Stat_and_a_Reset_is_reported(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string path = FilePath();
        File.WriteAllText(path, "four");
        int calls = 0;
        loop.Reset();
        loop.Stat(path, 0, (w, _) =>
        {
            calls++;
            w.Stop();
        }).Start();
        using Fork fork = loop.Fork((w, _) =>
        {
            File.AppendAllText(path, "more"); // inotify exists already, and Reset replaces it after this callback
            w.Stop();
        });
        fork.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    // epoll reports a closed file, because the file has a duplicate. Then the loop replaces its files without a Reset.
    [Theory, MemberData(nameof(AllBackends))]
    public void A_change_before_the_loop_replaces_its_files_by_itself_is_reported(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string path = FilePath();
        File.WriteAllText(path, "four");
        (int read, int write) = Posix.Pipe();
        (int other, int otherWrite) = Posix.Pipe();
        int duplicate = Posix.Duplicate(read), calls = 0;
        loop.Stat(path, 1000, (w, _) =>
        {
            calls++;
            w.Stop();
        }).Start();
        Io io = loop.Io(read, Events.Read, (_, _) => { });
        io.Start();
        loop.Start(RunFlags.NoWait);
        io.Stop();
        loop.Start(RunFlags.NoWait);
        Posix.Replace(read, with: other);
        using Check check = loop.Check((w, _) =>
        {
            File.AppendAllText(path, "more"); // after the loop has read the events of inotify, and before it replaces inotify
            w.Stop();
        });
        check.Start();

        try
        {
            io.Start();
            Posix.Write(write);
            loop.Start(RunFlags.NoWait);

            for (double end = loop.Now(update: true) + 2; calls == 0 && loop.Now(update: true) < end;)
            {
                loop.Start(RunFlags.NoWait);
            }

            Assert.Equal(1, calls);
        }
        finally
        {
            loop.Dispose();
            Posix.Close(read, write, other, otherWrite, duplicate);
        }
    }

    [Theory, MemberData(nameof(EmbeddableBackends))]
    public void A_change_before_a_Reset_of_the_outer_loop_is_reported(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        string path = FilePath();
        File.WriteAllText(path, "four");
        int calls = 0;
        using Embed embed = outer.Embed(inner);
        embed.Start();
        inner.Stat(path, 0, (_, _) =>
        {
            calls++;
            outer.Stop();
        }).Start();
        outer.Start(RunFlags.NoWait);
        File.AppendAllText(path, "more");
        outer.Reset();
        outer.Start();
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_path_is_encoded_as_utf8()
    {
        string path = FilePath("ä-€-\U0001F600");
        File.WriteAllText(path, "four");
        using Stat stat = NewLoop().Stat(path, 0, s_nothing);
        stat.Start();
        Assert.Equal(4, stat.Attr.Size);
    }

    [Fact]
    public void A_stat_of_a_symbolic_link_watches_the_link_itself()
    {
        string path = FilePath();
        File.CreateSymbolicLink(path, "nowhere");
        using Stat stat = NewLoop().Stat(path, 0, s_nothing);
        stat.Start();
        Assert.True(stat.Attr.Exists);
        Assert.Equal("nowhere".Length, stat.Attr.Size);
    }

    [Fact]
    public void A_stat_may_dispose_itself_in_its_callback()
    {
        Loop loop = NewLoop();
        string path = FilePath();
        int calls = 0;
        Stat stat = loop.Stat(path, MinInterval, (w, _) =>
        {
            calls++;
            w.Dispose();
        });
        stat.Start();
        File.WriteAllText(path, "x");
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_stat_may_be_set_to_another_path_in_its_callback()
    {
        Loop loop = NewLoop();
        string path = FilePath(), other = FilePath("b");
        var log = new List<string>();
        Stat stat = loop.Stat(path, MinInterval, (w, _) =>
        {
            log.Add(w.Path);
            w.Stop();

            if (log.Count == 1)
            {
                w.Set(other, MinInterval);
                w.Start();
                File.WriteAllText(other, "x");
            }
        });
        stat.Start();
        File.WriteAllText(path, "x");
        Assert.False(loop.Start());
        Assert.Equal([path, other], log);
        stat.Dispose();
    }

    protected override void Dispose(bool disposing)
    {
        Directory.Delete(_directory, recursive: true);
        base.Dispose(disposing);
    }

    private string FilePath(string name = "a") => Path.Combine(_directory, name);
}
