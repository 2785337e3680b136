using System;
using System.Diagnostics;
using System.Globalization;
using System.Threading;

namespace Mood.Event.Host;

/// <summary>Children of System.Diagnostics.Process and of nobody, in a process where whoever comes first installs the handlers.</summary>
internal static class ChildScenarios
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static ManualResetEventSlim? s_exited;

    /// <summary>
    /// STEP...: p runs a Process to its end, w one that the loop watches too, o watches a child of nobody's, b leaves a
    /// Process running over the next steps, e waits for it, l makes the default loop, d disposes it.
    /// </summary>
    internal static int Children(string[] args)
    {
        Process? running = null;
        int ended = 0;

        foreach (string step in args)
        {
            switch (step)
            {
                case "l":
                    _ = Loop.Default.Backend;
                    break;
                case "d":
                    Loop.Default.Dispose();
                    break;
                case "p":
                    ended += Run(Start("exit 3", out ManualResetEventSlim exited), exited, 3);
                    break;
                case "b":
                    running = Start("sleep 0.2; exit 4", out s_exited);
                    break;
                case "e":
                    ended += Run(running!, s_exited!, 4);
                    break;
                case "w":
                    Process watched = Start("sleep 0.02; exit 5", out ManualResetEventSlim seen);
                    Child child = Loop.Default.Child(watched, trace: false, (w, _) => w.Stop());
                    child.Start();
                    Loop.Default.Start();
                    ended += child.HasExited && child.ExitCode == 5 ? 1 : 0;
                    ended += Run(watched, seen, 5);
                    break;
                case "o":
                    Child own = Loop.Default.Child(Shell.Spawn("sleep 0.02; exit 6"), trace: false, (w, _) => w.Stop());
                    own.Start();
                    Loop.Default.Start();
                    ended += own.ExitCode == 6 ? 1 : 0;
                    break;
                default:
                    throw new ArgumentException(step, nameof(args));
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ended {ended}"));
        return 0;
    }

    /// <summary>
    /// COUNT: as process 1 of its namespace, where the runtime reaps everybody. So many children of nobody's and as many of
    /// Process, in turn; those of nobody's are reported, with their status or as gone.
    /// </summary>
    internal static int First(string[] args)
    {
        int count = int.Parse(args[0], CultureInfo.InvariantCulture), reported = 0, known = 0, processes = 0;

        for (int i = 0; i < count; i++)
        {
            Child own = Loop.Default.Child(Shell.Spawn("exit 6"), trace: false, (w, _) => w.Stop());
            own.Start();
            processes += Run(Start("exit 3", out ManualResetEventSlim exited), exited, 3);
            Loop.Default.Start();
            reported += own.HasExited && (own.ExitCode == 6 || own.IsGone) ? 1 : 0;
            known += own.IsGone ? 0 : 1;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"pid {Environment.ProcessId}, reported {reported}, known {known}, processes {processes}"));
        return 0;
    }

    private static Process Start(string script, out ManualResetEventSlim exited)
    {
        var seen = exited = new ManualResetEventSlim();
        var process = new Process { StartInfo = new ProcessStartInfo("/bin/sh", ["-c", script]), EnableRaisingEvents = true };
        process.Exited += (_, _) => seen.Set();
        process.Start();
        return process;
    }

    /// <summary>1 when WaitForExit, ExitCode and Exited all say what they should.</summary>
    private static int Run(Process process, ManualResetEventSlim exited, int code)
    {
        using (process)
        {
            return process.WaitForExit(s_patience) && process.ExitCode == code && exited.Wait(s_patience) ? 1 : 0;
        }
    }
}
