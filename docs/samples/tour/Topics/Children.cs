using System.Diagnostics;
using Mood.Event;

namespace Tour.Topics;

internal static class Children
{
    public static void Run()
    {
        using Loop loop = Loop.Default; // only this loop reports children
        using Process process = Process.Start("/bin/sh", ["-c", "kill -STOP $$; sleep 0.1; exit 7"]);

        // the watcher observes the exit and does not reap the child, so the Process keeps working
        using Child child = loop.Child(process, trace: true, (watcher, _) =>
        {
            if (watcher.IsStopped)
            {
                Say.That($"{watcher.RPid} was stopped by signal {watcher.StopSignal}: telling it to continue");
                Process.Start("/bin/sh", ["-c", $"kill -CONT {watcher.RPid}"]).Dispose();
            }
            else if (watcher.IsContinued)
            {
                Say.That($"{watcher.RPid} was continued");
            }
            else
            {
                Say.That($"{watcher.RPid} has ended, exit code {watcher.ExitCode}");
                watcher.Stop();
            }
        });
        child.Start();
        Say.That($"process {process.Id} is running");
        loop.Start();
        process.WaitForExit();
        Say.That($"Process.ExitCode agrees: {process.ExitCode}");
    }
}
