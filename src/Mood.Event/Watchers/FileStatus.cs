using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>What lstat(2) says of a path.</summary>
public readonly record struct FileStatus
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

    /// <summary>Whether there is such a path. If not, everything else is zero.</summary>
    public bool Exists => LinkCount != 0;

    /// <summary>Type and permissions (st_mode).</summary>
    public uint Mode { get; }

    /// <summary>Hard links (st_nlink).</summary>
    public uint LinkCount { get; }

    /// <summary>The owner (st_uid).</summary>
    public uint UserId { get; }

    /// <summary>The owning group (st_gid).</summary>
    public uint GroupId { get; }

    /// <summary>Bytes (st_size).</summary>
    public long Size { get; }

    /// <summary>The device the file lies on (st_dev).</summary>
    public long Device { get; }

    /// <summary>The file's number on its device (st_ino).</summary>
    public long Inode { get; }

    /// <summary>The device that the file is, for a device file (st_rdev).</summary>
    public long DeviceType { get; }

    /// <summary>When it was last read (st_atime), UTC.</summary>
    public DateTimeOffset LastAccessTime { get; }

    /// <summary>When its content last changed (st_mtime), UTC.</summary>
    public DateTimeOffset LastWriteTime { get; }

    /// <summary>When its content or status last changed (st_ctime), UTC.</summary>
    public DateTimeOffset LastChangeTime { get; }

    // a file may carry any time, DateTimeOffset only the years 1 to 9999
    private static DateTimeOffset Time(long seconds, int nanos) =>
        seconds < -62135596800 ? DateTimeOffset.MinValue
        : seconds > 253402300799 ? DateTimeOffset.MaxValue
        : DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
}
