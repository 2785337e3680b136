using System;
using System.Diagnostics;
using Mood.Event;

namespace Tour.Topics;

internal static class Children
{
    public static void Run()
    {
        using Loop loop = Loop.Default; // only this loop reports children
        bool isWindows = OperatingSystem.IsWindows();

        if (isWindows)
        {
            Say.That("Windows does not stop and continue processes by signals: this one only ends");
        }

        using Process process = isWindows
            ? Process.Start("cmd.exe", ["/c", "exit", "7"])
            : Process.Start("/bin/sh", ["-c", "kill -STOP $$; sleep 0.1; exit 7"]);

        // the watcher observes the exit and does not reap the child, so the Process keeps working
        using Child child = loop.Child(process, trace: !isWindows, (watcher, _) =>
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
