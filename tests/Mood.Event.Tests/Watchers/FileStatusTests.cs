using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Runtime.Versioning;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The properties of FileStatus. The tests compare them with real files.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class FileStatusTests : LoopTestBase
{
    private const uint IFMT = 0xF000, IFDIR = 0x4000, IFCHR = 0x2000, IFREG = 0x8000, IFLNK = 0xA000;

    private readonly string _directory = Directory.CreateTempSubdirectory("mood-event-").FullName;

    [Fact]
    public void A_path_that_does_not_exist_has_default_values()
    {
        FileStatus status = Read(FilePath());
        Assert.False(status.Exists);
        Assert.Equal(default, status);
        Assert.Equal((0u, 0u, 0u, 0u), (status.LinkCount, status.Mode, status.UserId, status.GroupId));
        Assert.Equal((0L, 0L, 0L, 0L), (status.Size, status.Device, status.Inode, status.DeviceType));
        Assert.Equal(default, status.LastAccessTime);
        Assert.Equal(default, status.LastWriteTime);
        Assert.Equal(default, status.LastChangeTime);
    }

    [Fact]
    public void The_properties_are_those_that_stat_reports()
    {
        string path = FilePath();
        File.WriteAllText(path, "hello");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        File.SetLastWriteTimeUtc(path, new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc).AddTicks(1234567));
        File.SetLastAccessTimeUtc(path, new DateTime(2002, 3, 4, 5, 6, 7, DateTimeKind.Utc).AddTicks(7654321));
        FileStatus status = Read(path);

        Assert.True(status.Exists);
        Assert.Equal(5, status.Size);
        Assert.Equal(1u, status.LinkCount);
        Assert.Equal(IFREG, status.Mode & IFMT);
        Assert.Equal(File.GetUnixFileMode(path), (UnixFileMode)(status.Mode & ~IFMT));
        Assert.Equal(new DateTimeOffset(2001, 2, 3, 4, 5, 6, TimeSpan.Zero).AddTicks(1234567), status.LastWriteTime);
        Assert.Equal(new DateTimeOffset(2002, 3, 4, 5, 6, 7, TimeSpan.Zero).AddTicks(7654321), status.LastAccessTime);
        Assert.InRange(status.LastChangeTime, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddSeconds(1));
        Assert.Equal(0, status.DeviceType);
        Assert.Equal(
            string.Create(CultureInfo.InvariantCulture, $"{status.Device} {status.Inode} {status.UserId} {status.GroupId}"),
            StatOf(path));
    }

    [Fact]
    public void Hard_links_are_one_file()
    {
        string path = FilePath(), link = FilePath("b"), other = FilePath("c");
        File.WriteAllText(path, "hello");
        File.WriteAllText(other, "hello");
        Run("ln", path, link);
        Assert.Equal(2u, Read(path).LinkCount);
        Assert.Equal(Read(path), Read(link));
        Assert.NotEqual(Read(path).Inode, Read(other).Inode);
        Assert.Equal(Read(path).Device, Read(other).Device);
    }

    [Fact]
    public void The_mode_contains_the_type()
    {
        Assert.Equal(IFDIR, Read(_directory).Mode & IFMT);
        string link = FilePath();
        File.CreateSymbolicLink(link, _directory);
        Assert.Equal(IFLNK, Read(link).Mode & IFMT);
        Assert.Equal(IFCHR, Read("/dev/null").Mode & IFMT);
    }

    [Fact]
    public void A_device_file_has_its_device_s_number()
    {
        Assert.NotEqual(0, Read("/dev/null").DeviceType);
        Assert.NotEqual(Read("/dev/null").DeviceType, Read("/dev/zero").DeviceType);

        if (OperatingSystem.IsLinux())
        {
            Assert.Equal((1 << 8) | 3, Read("/dev/null").DeviceType);
        }
    }

    [Fact]
    public void Times_have_the_resolution_of_ticks_before_1970_too()
    {
        FileStatus status = Made(-1, 999_999_999);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddTicks(-1), status.LastWriteTime);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddTicks(-1), status.LastAccessTime);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddTicks(-1), status.LastChangeTime);
        Assert.Equal(TimeSpan.Zero, status.LastWriteTime.Offset);
    }

    [Theory]
    [InlineData(long.MinValue, -62135596800)]
    [InlineData(-62135596801, -62135596800)]
    [InlineData(-62135596800, -62135596800)]
    [InlineData(253402300799, 253402300799)]
    public void A_time_before_the_year_1_is_the_first_DateTimeOffset(long seconds, long expected)
    {
        FileStatus status = Made(seconds, 0);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(expected), status.LastWriteTime);
        Assert.Equal(status.LastWriteTime, status.LastAccessTime);
        Assert.Equal(status.LastWriteTime, status.LastChangeTime);
    }

    [Theory]
    [InlineData(253402300800)]
    [InlineData(long.MaxValue)]
    public void A_time_after_the_year_9999_is_the_last_DateTimeOffset(long seconds) =>
        Assert.Equal(DateTimeOffset.MaxValue, Made(seconds, 999_999_999).LastWriteTime);

    [Fact]
    public void Equal_statuses_are_equal()
    {
        FileStatus one = Made(1, 2), same = Made(1, 2), other = Made(1, 200);
        Assert.True(one == same);
        Assert.Equal(one.GetHashCode(), same.GetHashCode());
        Assert.True(one != other);
        Assert.NotEqual(default, one);
    }

    protected override void Dispose(bool disposing)
    {
        Directory.Delete(_directory, recursive: true);
        base.Dispose(disposing);
    }

    private static FileStatus Made(long seconds, int nanos) => new(new Native.FileStatusMemory
    {
        LinkCount = 1,
        AccessedSeconds = seconds,
        AccessedNanos = nanos,
        ModifiedSeconds = seconds,
        ModifiedNanos = nanos,
        ChangedSeconds = seconds,
        ChangedNanos = nanos,
    });

    private static string StatOf(string path) =>
        OperatingSystem.IsMacOS() ? Run("stat", "-f", "%d %i %u %g", path) : Run("stat", "-c", "%d %i %u %g", path);

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }

    private static FileStatus Read(string path)
    {
        using Loop loop = new(LoopFlags.NoEnv);
        using Stat stat = loop.Stat(path, 0, (_, _) => { });
        stat.Refresh();
        return stat.Attr;
    }

    private string FilePath(string name = "a") => Path.Combine(_directory, name);
}
