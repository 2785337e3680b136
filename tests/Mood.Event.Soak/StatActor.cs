using System;
using System.IO;

namespace Mood.Event.Soak;

/// <summary>A Stat is called only after a change, and its last status is that of the file.</summary>
internal sealed class StatActor : Actor
{
    private readonly string _path;
    private readonly Stat _stat;

    public StatActor(Loop loop, int seed)
        : base(seed)
    {
        _path = Path.GetTempFileName();
        _stat = loop.Stat(_path, 0.11, (w, revents) =>
        {
            Demand(revents == Events.Stat && w.Attr != w.Prev, "a stat watcher was called without a change");
            Calls++;
        });
        _stat.Start();
    }

    public override bool IsDone
    {
        get
        {
            var file = new FileInfo(_path);
            FileStatus known = _stat.Attr;
            return !_stat.IsActive || (file.Exists == known.Exists && (!file.Exists || file.Length == known.Size));
        }
    }

    public override string Owes => $"the last change of a file, known size {_stat.Attr.Size}";

    public override void Act()
    {
        switch (Random.Next(8))
        {
            case 0 or 1 or 2:
                File.AppendAllText(_path, "more");
                break;
            case 3:
                File.Delete(_path);
                break;
            case 4:
                File.WriteAllText(_path, "");
                break;
            case 5:
                _stat.Stop();
                break;
            default:
                _stat.Start();
                break;
        }
    }

    public override void Dispose()
    {
        _stat.Dispose();
        File.Delete(_path);
    }
}
