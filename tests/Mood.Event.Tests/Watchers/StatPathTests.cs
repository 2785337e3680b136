using System;
using System.IO;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>A Stat reports a change of any part of its path within the interval, with and without inotify.</summary>
public sealed class StatPathTests : LoopTestBase
{
    private const double Interval = 0.11;

    private readonly string _directory = Directory.CreateTempSubdirectory("mood-event-").FullName;

    public static TheoryData<Backends, LoopFlags> AllWays => StatTests.AllWays;

    [Theory, MemberData(nameof(AllWays))]
    public void A_symbolic_link_to_a_directory_in_the_path_is_replaced(Backends backend, LoopFlags flags)
    {
        Write("r1/file", "one");
        Write("r2/file", "second");
        File.CreateSymbolicLink(At("current"), "r1");
        Expect(backend, flags, "current/file", 6, () =>
        {
            // Kubernetes updates a ConfigMap in this way.
            File.CreateSymbolicLink(At("next"), "r2");
            Posix.Rename(At("next"), At("current"));
        });
    }

    [Theory, MemberData(nameof(AllWays))]
    public void A_directory_in_the_path_is_replaced(Backends backend, LoopFlags flags)
    {
        Write("a/b/c/file", "one");
        Write("other/b/c/file", "second");
        Expect(backend, flags, "a/b/c/file", 6, () =>
        {
            Directory.Move(At("a"), At("old"));
            Directory.Move(At("other"), At("a"));
        });
    }

    [Theory, MemberData(nameof(AllWays))]
    public void A_dangling_link_in_the_path_gets_its_target(Backends backend, LoopFlags flags)
    {
        File.CreateSymbolicLink(At("current"), "r1");
        Expect(backend, flags, "current/file", 3, () =>
        {
            Write("new/file", "one");
            Directory.Move(At("new"), At("r1"));
        });
    }

    [Theory, MemberData(nameof(AllWays))]
    public void A_link_in_the_path_loses_its_target(Backends backend, LoopFlags flags)
    {
        Write("r1/file", "one");
        File.CreateSymbolicLink(At("current"), "r1");
        Expect(backend, flags, "current/file", 0, () => Directory.Move(At("r1"), At("old")));
    }

    [Theory, MemberData(nameof(AllWays))]
    public void A_link_that_is_watched_itself_is_replaced(Backends backend, LoopFlags flags)
    {
        File.CreateSymbolicLink(At("current"), "r1");
        Expect(backend, flags, "current", 6, () =>
        {
            File.CreateSymbolicLink(At("next"), "second");
            Posix.Rename(At("next"), At("current"));
        });
    }

    [Theory, MemberData(nameof(AllWays))]
    public void The_new_file_is_watched_after_a_link_was_replaced(Backends backend, LoopFlags flags)
    {
        Write("r1/file", "one");
        Write("r2/file", "second");
        File.CreateSymbolicLink(At("current"), "r1");
        Loop loop = NewLoop(backend, flags);
        using Stat stat = loop.Stat(At("current/file"), Interval, (_, _) => loop.Stop());
        stat.Start();
        File.CreateSymbolicLink(At("next"), "r2");
        Posix.Rename(At("next"), At("current"));
        Assert.True(loop.Start());
        Assert.Equal(6, stat.Attr.Size);
        Write("r2/file", "changed again");
        Assert.True(loop.Start());
        Assert.Equal((6, 13), (stat.Prev.Size, stat.Attr.Size));
    }

    [Theory, MemberData(nameof(AllWays))]
    public void A_relative_path_is_resolved_at_Start(Backends backend, LoopFlags flags)
    {
        Write("here/file", "one");
        Write("there/file", "second");
        Loop loop = NewLoop(backend, flags);
        string before = Directory.GetCurrentDirectory();

        try
        {
            Directory.SetCurrentDirectory(At("there"));
            int calls = 0;
            using Stat stat = loop.Stat("file", Interval, (_, _) =>
            {
                calls++;
                loop.Stop();
            });
            stat.Refresh();
            Assert.Equal(6, stat.Attr.Size);
            Directory.SetCurrentDirectory(At("here"));
            stat.Refresh(); // resolves the path again, because the Stat is inactive
            Assert.Equal(3, stat.Attr.Size);
            stat.Start();
            Directory.SetCurrentDirectory(At("there"));
            RunFor(loop, 3 * Interval);
            stat.Refresh();
            Assert.Equal((0, 3L, "file"), (calls, stat.Attr.Size, stat.Path));

            Write("here/file", "changed");
            Assert.True(loop.Start());
            Assert.Equal((1, 7L), (calls, stat.Attr.Size));

            stat.Stop();
            stat.Start();
            Assert.Equal(6, stat.Attr.Size);
        }
        finally
        {
            Directory.SetCurrentDirectory(before);
        }
    }

    [Fact]
    public void After_the_current_directory_was_deleted_only_an_absolute_path_exists()
    {
        Write("gone/file", "one");
        Write("file", "second");
        Loop loop = NewLoop();
        string before = Directory.GetCurrentDirectory();

        try
        {
            Directory.SetCurrentDirectory(At("gone"));
            Directory.Delete(At("gone"), recursive: true);
            using Stat relative = loop.Stat("file", 0, (_, _) => { }), absolute = loop.Stat(At("file"), 0, (_, _) => { });
            relative.Start();
            absolute.Start();
            Assert.Equal((false, true), (relative.Attr.Exists, absolute.Attr.Exists));
        }
        finally
        {
            Directory.SetCurrentDirectory(before);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_infinite_interval_is_refused_and_changes_nothing(bool isSet)
    {
        Loop loop = NewLoop();
        TimeSpan infinite = System.Threading.Timeout.InfiniteTimeSpan;

        if (!isSet)
        {
            Assert.Throws<ArgumentOutOfRangeException>("interval", () => loop.Stat(At("file"), infinite, (_, _) => { }));
            return;
        }

        using Stat stat = loop.Stat(At("file"), TimeSpan.FromSeconds(2), (_, _) => { });
        Assert.Throws<ArgumentOutOfRangeException>("interval", () => stat.Set("other", infinite));
        Assert.Equal((At("file"), 2.0), (stat.Path, stat.Interval));
    }

    protected override void Dispose(bool disposing)
    {
        Directory.Delete(_directory, recursive: true);
        base.Dispose(disposing);
    }

    /// <summary>Checks that the change is reported with the file's new size. A size of 0 means that the file is gone.</summary>
    private void Expect(Backends backend, LoopFlags flags, string path, long size, Action change)
    {
        Loop loop = NewLoop(backend, flags);
        int calls = 0;
        using Stat stat = loop.Stat(At(path), Interval, (_, _) =>
        {
            calls++;
            loop.Stop();
        });
        stat.Start();
        loop.Start(RunFlags.NoWait);
        change();
        using Timer late = loop.Timer(20 * Interval, 0, (_, _) => loop.Stop()); // allows more than the interval, because the machine may be busy
        late.Start();

        while (stat.Attr.Size != size && late.IsActive)
        {
            loop.Start(RunFlags.Once);
        }

        Assert.InRange(calls, 1, 2); // two, if the Stat reads the status in the middle of the change
        Assert.Equal((size, size != 0), (stat.Attr.Size, stat.Attr.Exists));
    }

    private static void RunFor(Loop loop, double seconds)
    {
        using Timer timer = loop.Timer(seconds, 0, (_, _) => loop.Stop());
        timer.Start();
        loop.Start();
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllText(At(path), text);
    }

    private string At(string path) => Path.Combine(_directory, path);
}
