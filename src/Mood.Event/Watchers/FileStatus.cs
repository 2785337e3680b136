using System;

namespace Mood.Event;

/// <summary>The status of a path, as lstat(2) reports it. The status of a symbolic link is that of the link.</summary>
public readonly partial record struct FileStatus
{
    internal FileStatus(in Native.FileStatusMemory status)
    {
        LinkCount = status.LinkCount;
        Mode = status.Mode;
        UserId = status.User;
        GroupId = status.Group;
        Size = status.Size;
        Device = status.Device;
        Inode = status.Inode;
        DeviceType = status.DeviceType;

        if (Exists)
        {
            LastAccessTime = Time(status.AccessedSeconds, status.AccessedNanos);
            LastWriteTime = Time(status.ModifiedSeconds, status.ModifiedNanos);
            LastChangeTime = Time(status.ChangedSeconds, status.ChangedNanos);
        }
    }

    /// <summary>Whether the path exists. If it does not, all other properties have their default values.</summary>
    public bool Exists => LinkCount != 0;

    /// <summary>The type and the permissions, as bits (st_mode).</summary>
    public uint Mode { get; }

    /// <summary>The number of hard links (st_nlink).</summary>
    public uint LinkCount { get; }

    /// <summary>The user id of the owner (st_uid).</summary>
    public uint UserId { get; }

    /// <summary>The id of the owning group (st_gid).</summary>
    public uint GroupId { get; }

    /// <summary>The size in bytes (st_size).</summary>
    public long Size { get; }

    /// <summary>The id of the device that contains the file (st_dev).</summary>
    public long Device { get; }

    /// <summary>The inode: the file's number on its device (st_ino).</summary>
    public long Inode { get; }

    /// <summary>For a device file, the id of the device that it represents (st_rdev). Otherwise 0.</summary>
    public long DeviceType { get; }

    /// <summary>The time of the last read of the content (st_atime), in UTC.</summary>
    public DateTimeOffset LastAccessTime { get; }

    /// <summary>The time of the last change of the content (st_mtime), in UTC.</summary>
    public DateTimeOffset LastWriteTime { get; }

    /// <summary>The time of the last change of the content or the status (st_ctime), in UTC.</summary>
    public DateTimeOffset LastChangeTime { get; }

    // A file may have any time. DateTimeOffset covers the years 1 to 9999, so times outside are clamped to its first or last
    // value.
    private static DateTimeOffset Time(long seconds, int nanos) =>
        seconds < -62135596800 ? DateTimeOffset.MinValue
        : seconds > 253402300799 ? DateTimeOffset.MaxValue
        : DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
}
