using System;
using System.Diagnostics;
using Mood.Event;

namespace Tour.Topics;

internal static class Signals
{
    public static void Run()
    {
        using var loop = new Loop();
        int calls = 0;

        int signum = OperatingSystem.IsWindows() ? Signum.SIGINT : Signum.SIGUSR1;

        using Signal signal = loop.Signal(signum, (watcher, _) =>
        {
            Say.That($"signal {watcher.Signum}, on the loop's thread like any other event");

            if (++calls == 1)
            {
                Say.That("the second one is only fed: no signal is sent");
                Ev.FeedSignal(signum);
            }
            else
            {
                watcher.Stop(); // from now on the signal has its previous action again
            }
        });
        signal.Start();

        if (OperatingSystem.IsWindows())
        {
            Say.That("Windows sends a signal only when Ctrl+C is pressed or the console is closed: the first one is fed too");
            Ev.FeedSignal(signum);
            loop.Start();
            return;
        }

        // .NET cannot send a signal, but every shell can
        Say.That($"sending SIGUSR1 ({signum}) to this process");
        using Process sender = Process.Start("/bin/sh", ["-c", $"kill -USR1 {Environment.ProcessId}"]);
        loop.Start();
        sender.WaitForExit();
    }
}
