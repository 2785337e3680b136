using System.IO;
using Mood.Event;

namespace Tour.Topics;

internal static class Files
{
    public static void Run()
    {
        using var loop = new Loop();
        string path = Path.GetTempFileName();

        try
        {
            // On Linux this uses inotify. The interval is for file systems and changes that inotify does not report.
            using Stat stat = loop.Stat(path, 0.1, (watcher, _) =>
            {
                if (watcher.Attr.Exists)
                {
                    Say.That($"it changed: {watcher.Prev.Size} bytes before, {watcher.Attr.Size} now");
                }
                else
                {
                    Say.That("it is gone");
                    watcher.Stop();
                }
            });
            stat.Start();
            Say.That($"watching {stat.Path}, {stat.Attr.Size} bytes");

            loop.Timer(0.1, 0, (_, _) => File.WriteAllText(path, "hello")).Start();
            loop.Timer(0.6, 0, (_, _) => File.Delete(path)).Start();
            loop.Start();
        }
        finally
        {
            File.Delete(path);
        }
    }
}
