using System;
using System.IO;
using Mood.Event;

namespace Tail;

/// <summary>Copies what is added to a file.</summary>
internal sealed class Follower(string path, Stream output) : IDisposable
{
    private const int Lines = 10, Block = 64 * 1024;

    private readonly byte[] _buffer = new byte[Block];

    // null: the file does not exist
    private FileStream? _file;

    /// <summary>Copies the last lines.</summary>
    public void Begin()
    {
        Open();

        if (_file is not null)
        {
            _file.Position = Math.Max(0, _file.Length - Block); // lines before that are left out
            int count = _file.ReadAtLeast(_buffer, Block, throwOnEndOfStream: false);
            output.Write(LastLines(_buffer.AsSpan(0, count)));
        }
    }

    public void OnChange(FileStatus before, FileStatus now)
    {
        Copy();

        // another file has the path now
        if (before.Inode != now.Inode || before.Device != now.Device)
        {
            _file?.Dispose();
            _file = null;
            Open();
            Copy();
        }
    }

    public void Dispose() => _file?.Dispose();

    private void Open()
    {
        try
        {
            _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            Console.Error.WriteLine($"tail: {path} does not exist yet");
        }
    }

    private void Copy()
    {
        if (_file is null)
        {
            return;
        }

        if (_file.Length < _file.Position)
        {
            Console.Error.WriteLine($"tail: {path} was cut");
            _file.Position = 0;
        }

        int count;

        while ((count = _file.Read(_buffer)) > 0)
        {
            output.Write(_buffer, 0, count);
        }
    }

    private static ReadOnlySpan<byte> LastLines(ReadOnlySpan<byte> bytes)
    {
        int start = bytes.Length;

        // each line ends with a newline, the last one too, if it is complete
        for (int lines = 0; lines <= Lines && start > 0; start--)
        {
            if (bytes[start - 1] == '\n' && ++lines > Lines)
            {
                break;
            }
        }

        return bytes[start..];
    }
}
