using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;
using Timer = Mood.Event.Timer;

namespace Supervisor;

internal enum Restart
{
    Never,
    Failure,
    Always,
}

/// <summary>A program that is kept running.</summary>
internal sealed record Job(IReadOnlyList<string> Words, Restart Restart, double Pause, double MaxPause, double Grace, int MaxRestarts)
{
    private static readonly TimeSpan s_longLife = TimeSpan.FromSeconds(10); // a program that has lived for so long counts as healthy

    /// <summary>Runs the program until it needs no restart, or the token is cancelled.</summary>
    /// <returns>The exit code, or 128 + n after signal n.</returns>
    public async Task<int> RunAsync(Loop loop, CancellationToken token)
    {
        double pause = Pause;

        for (int restarts = 0; ; restarts++)
        {
            long started = Stopwatch.GetTimestamp();
            int status = await RunOnceAsync(loop, token);
            bool again = Restart == Restart.Always || (Restart == Restart.Failure && status != 0);

            if (!again || restarts == MaxRestarts || token.IsCancellationRequested)
            {
                return status;
            }

            pause = Stopwatch.GetElapsedTime(started) > s_longLife ? Pause : pause;
            Console.WriteLine($"supervisor: restart in {pause:0.##} s");

            try
            {
                await loop.Delay(pause, token);
            }
            catch (OperationCanceledException)
            {
                return status;
            }

            pause = Math.Min(pause * 2, MaxPause);
        }
    }

    private async Task<int> RunOnceAsync(Loop loop, CancellationToken token)
    {
        var start = new ProcessStartInfo(Words[0]);

        for (int i = 1; i < Words.Count; i++)
        {
            start.ArgumentList.Add(Words[i]);
        }

        using Process process = Process.Start(start)!;
        using Child child = loop.Child(process, trace: false, (_, _) => { });
        child.Start(); // Kill needs an active watcher
        using Timer killer = loop.Timer(Grace, 0, (_, _) => child.Kill(Signum.SIGKILL));
        Console.WriteLine($"supervisor: started {Words[0]}, process {process.Id}");

        // the token is cancelled on the loop's thread
        using CancellationTokenRegistration stop = token.Register(() =>
        {
            child.Kill(Signum.SIGTERM);
            killer.Start();
        });
        Child ended = await loop.WaitForExitAsync(process, CancellationToken.None); // the program ends in its own time
        Console.WriteLine(ended.TermSignal != 0 ? $"supervisor: signal {ended.TermSignal}" : $"supervisor: exit code {ended.ExitCode}");
        return ended.TermSignal != 0 ? 128 + ended.TermSignal : ended.ExitCode;
    }
}
