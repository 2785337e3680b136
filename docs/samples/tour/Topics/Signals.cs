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

        using Signal signal = loop.Signal(Signum.SIGUSR1, (watcher, _) =>
        {
            Say.That($"signal {watcher.Signum}, on the loop's thread like any other event");

            if (++calls == 1)
            {
                Say.That("the second one is only fed: no signal is sent");
                Ev.FeedSignal(Signum.SIGUSR1);
            }
            else
            {
                watcher.Stop(); // from now on SIGUSR1 has its previous action again
            }
        });
        signal.Start();

        // .NET cannot send a signal, but every shell can
        Say.That($"sending SIGUSR1 ({Signum.SIGUSR1}) to this process");
        using Process sender = Process.Start("/bin/sh", ["-c", $"kill -USR1 {Environment.ProcessId}"]);
        loop.Start();
        sender.WaitForExit();
    }
}
