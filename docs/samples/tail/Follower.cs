using System;
using System.IO;
using Mood.Event;

namespace Tail;

/// <summary>Copies what is added to a file.</summary>
internal sealed class Follower : IDisposable
{
    private const int Lines = 10, Block = 64 * 1024;

    private readonly string _path;
    private readonly Stream _output;
    private readonly Stat _stat;
    private readonly byte[] _buffer = new byte[Block];

    // null: there is no file
    private FileStream? _file;

    // which file _file is. While it is open, no other file gets its inode.
    private (long Device, long Inode) _id;

    public Follower(Loop loop, string path, Stream output)
    {
        (_path, _output) = (path, output);
        _stat = loop.Stat(path, 1, (_, _) => OnChange());
    }

    /// <summary>Copies the last lines, and begins to follow.</summary>
    public void Start()
    {
        _stat.Start(); // before the first read: no change between the two is missed
        Open();

        if (_file is not null)
        {
            _file.Position = Math.Max(0, _file.Length - Block); // lines before that are left out
            int count = _file.ReadAtLeast(_buffer, Block, throwOnEndOfStream: false);
            _output.Write(LastLines(_buffer.AsSpan(0, count)));
        }
    }

    public void Dispose()
    {
        _stat.Dispose();
        _file?.Dispose();
    }

    private void OnChange()
    {
        Copy();

        if (!_stat.Attr.Exists)
        {
            // a program may still write to the file: the rest is copied when another file has the path
            Console.Error.WriteLine($"tail: {_path} is gone");
        }
        else if (_file is null || Identify() != _id)
        {
            Open();
            Copy();
        }
    }

    private void Open()
    {
        _stat.Refresh();

        try
        {
            // If the path has got another file in between, it is not known which of the two was opened. Then it is opened again.
            do
            {
                _file?.Dispose();
                _file = null;
                _id = Identify();
                _file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                _stat.Refresh();
            }
            while (Identify() != _id);
        }
        catch (FileNotFoundException)
        {
            Console.Error.WriteLine($"tail: {_path} does not exist yet");
        }
    }

    private (long Device, long Inode) Identify() => (_stat.Attr.Device, _stat.Attr.Inode);

    private void Copy()
    {
        if (_file is null)
        {
            return;
        }

        if (_file.Length < _file.Position)
        {
            Console.Error.WriteLine($"tail: {_path} was cut");
            _file.Position = 0;
        }

        int count;

        while ((count = _file.Read(_buffer)) > 0)
        {
            _output.Write(_buffer, 0, count);
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
