using System.IO;

namespace Mood.Event;

/// <content>The permissions. netstandard2.0 has no UnixFileMode.</content>
public readonly partial record struct FileStatus
{
    /// <summary>The permissions, with the set-user-id, set-group-id and sticky bits: <see cref="Mode"/> without the type of the
    /// file. None if the path does not exist.</summary>
    public UnixFileMode Permissions => (UnixFileMode)(Mode & 0xfff); // the values of UnixFileMode are the bits of st_mode
}
