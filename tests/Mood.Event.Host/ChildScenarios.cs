using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;

namespace Mood.Event.Host;

/// <summary>
/// Children of System.Diagnostics.Process and other children. Each order of the steps is a scenario, because the runtime installs its
/// handlers when it first needs them.
/// </summary>
internal static class ChildScenarios
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static ManualResetEventSlim? s_exited;

    /// <summary>
    /// Arguments: STEP... The step p runs a Process to its end; w runs a Process that the loop watches too; o watches a spawned
    /// child; b starts a Process that runs during the next steps; e waits for it; l makes the default loop; d disposes it.
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
                    Child own = Loop.Default.Child(Posix.Spawn("sleep 0.02; exit 6"), trace: false, (w, _) => w.Stop());
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
    /// Argument: COUNT. Runs as process 1 of a pid namespace, where the runtime reaps every child. Starts COUNT spawned children
    /// and COUNT children of Process in turn. The ends of the spawned children are reported with their status, or as gone.
    /// </summary>
    internal static int First(string[] args)
    {
        int count = int.Parse(args[0], CultureInfo.InvariantCulture), reported = 0, known = 0, processes = 0;

        for (int i = 0; i < count; i++)
        {
            Child own = Loop.Default.Child(Posix.Spawn("exit 6"), trace: false, (w, _) => w.Stop());
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

    /// <summary>
    /// Argument: default or other, the loop. Another part of the process removes the runtime's handler of SIGCHLD. Then spawned children exit
    /// with 6. Prints how many are reported and reaped, and how many file descriptors are left open.
    /// </summary>
    internal static int LostHandler(string[] args)
    {
        using Process first = Process.Start("/bin/sh", ["-c", "exit 3"]); // the runtime installs its handler
        first.WaitForExit();
        Posix.RemoveHandler(Signum.SIGCHLD);

        using Loop loop = args[0] == "default" ? Loop.Default : new Loop();
        int fds = 0, reported = 0, reaped = 0;

        loop.Run(async () =>
        {
            for (int i = 0; i < 6; i++)
            {
                int pid = Posix.Spawn("exit 6");
                reported += (await loop.WaitForExitAsync(pid)).ExitCode == 6 ? 1 : 0;
                reaped += Posix.Until(() => !Posix.Exists(pid), seconds: 2) ? 1 : 0;
                fds = i == 0 ? Posix.OpenFds() : fds; // the first wait may open files of the runtime
            }
        });

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"reported {reported}, reaped {reaped}, descriptors {Posix.OpenFds() - fds}"));
        return 0;
    }

    /// <summary>
    /// Runs in a process that was started with signals blocked or ignored. A spawned child exits with 6, and a child of Process
    /// exits with 3. Prints what their watchers report.
    /// </summary>
    internal static int Masked(string[] args)
    {
        bool trace = args.Length > 0;

        try
        {
            Print("own", Loop.Default.Child(Posix.Spawn("sleep 0.2; exit 6"), trace, (w, _) => w.Stop()));
        }
        catch (EventException e)
        {
            Console.WriteLine(e.Message);
            return 0;
        }

        using Process process = Process.Start("/bin/sh", ["-c", "sleep 0.2; exit 3"]);
        Print("process", Loop.Default.Child(process, trace, (w, _) => w.Stop()));
        return 0;

        static void Print(string name, Child child)
        {
            child.Start();
            Timer timer = Loop.Default.Timer(5, 0, (_, _) => child.Stop());
            timer.KeepAlive = false;
            timer.Start();
            Loop.Default.Start();
            timer.Dispose();
            string what = child.IsGone ? "gone" : child.ExitCode.ToString(CultureInfo.InvariantCulture);
            Console.WriteLine($"{name} {(child.HasExited ? what : "not reported")}");
        }
    }

    /// <summary>
    /// Runs in a pid namespace whose /proc belongs to another namespace. A watcher of pid 0 must report a child that has ended,
    /// and must not report one that lives. Prints the counts.
    /// </summary>
    internal static int Any(string[] args)
    {
        _ = args;
        int living = Posix.Spawn("exec sleep 100"), own = Posix.Spawn("exit 6"), ended = 0, strangers = 0;
        bool falsely = false;
        Child single = Loop.Default.Child(living, trace: false, (_, _) => falsely = true), any = Loop.Default.Child(0, trace: false, (w, _) =>
        {
            falsely |= w.RPid == living;
            strangers += w.RPid == own || w.RPid == living ? 0 : 1;
            ended += w.RPid == own && w.ExitCode is 6 or -1 ? 1 : 0;
        });
        single.Start();
        any.Start();
        Loop.Default.Timer(1, 0, (_, _) => Loop.Default.Stop()).Start();
        Loop.Default.Start();
        bool wasFalse = falsely;
        Posix.TryKill(living, 9);
        Loop.Default.Timer(1, 0, (_, _) => Loop.Default.Stop()).Start();
        Loop.Default.Start();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"pid {Environment.ProcessId}, ended {ended}, strangers {strangers}, false {wasFalse}, killed {single.HasExited}"));
        any.Dispose();
        single.Dispose();
        return 0;
    }

    /// <summary>
    /// Runs in a pid namespace of its own, where the next pid can be chosen. A child ends and is reported, and then another child
    /// gets its pid. Prints how often each of their watchers was called.
    /// </summary>
    internal static int SamePid(string[] args)
    {
        _ = args;
        int firstCalls = 0, nextCalls = 0, pid = Posix.Spawn("exit 6"), next = 0;
        Child first = Loop.Default.Child(pid, trace: true, (_, _) =>
        {
            firstCalls++;
            Loop.Default.Stop();
        });
        first.Start();
        Loop.Default.Start();

        for (int i = 0; i < 100 && next != pid; i++)
        {
            File.WriteAllText("/proc/sys/kernel/ns_last_pid", (pid - 1).ToString(CultureInfo.InvariantCulture));
            next = Posix.Spawn("sleep 0.3; exit 7");
        }

        Child second = Loop.Default.Child(next, trace: true, (w, _) =>
        {
            nextCalls++;
            w.Dispose();
            Loop.Default.Stop();
        });
        second.Start();
        Loop.Default.Start();
        Loop.Default.Start(RunFlags.NoWait);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"same {next == pid}, first {firstCalls} {first.ExitCode}, next {nextCalls} {second.ExitCode}"));
        first.Dispose();
        return 0;
    }

    /// <summary>
    /// Runs in a pid namespace as SamePid. A child of Process ends and is reaped by the runtime, and then another child gets its pid. Prints what
    /// a watcher of the Process, and two waits for it, report then, and how often the other child was found alive.
    /// </summary>
    internal static int SamePidProcess(string[] args)
    {
        _ = args;
        using Process process = Start("exit 6", out ManualResetEventSlim exited);
        process.WaitForExit();
        exited.Wait(s_patience);
        Thread.Sleep(100); // the kernel frees the pid a moment after the child was reaped
        int next = 0, alive = 0, first, second;
        bool wasKilled = false;

        for (int i = 0; i < 100 && next != process.Id; i++)
        {
            File.WriteAllText("/proc/sys/kernel/ns_last_pid", (process.Id - 1).ToString(CultureInfo.InvariantCulture));
            next = Posix.Spawn("exec sleep 60");
        }

        Child child = Loop.Default.Child(process, trace: false, (_, _) => Loop.Default.Stop());

        for (int i = 0; i < 2; i++)
        {
            child.Start();
            wasKilled |= child.Kill(Signum.SIGKILL);
            Loop.Default.Start();
            wasKilled |= child.Kill(Signum.SIGKILL);
            alive += File.ReadAllText($"/proc/{next}/stat").Contains(") Z", StringComparison.Ordinal) ? 0 : 1;
            child.Stop();
        }

        using (var loop = new Loop())
        {
            first = loop.Run(async () => (await loop.WaitForExitAsync(process)).ExitCode);
        }

        second = Loop.Default.Run(async () => (await Loop.Default.WaitForExitAsync(process)).ExitCode);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"same {next == process.Id}, child {child.RPid - next} {child.ExitCode}, killed {wasKilled}, waits {first} {second}, alive {alive}"));
        child.Dispose();
        Process.GetProcessById(next).Kill();
        return 0;
    }

    /// <summary>
    /// Does the same as SamePid for a watcher of pid 0. This program reaps the first child itself while the loop does not run. Prints the
    /// events.
    /// </summary>
    internal static int SamePidAny(string[] args)
    {
        _ = args;
        var events = new List<string>();
        int pid = Posix.Spawn("exit 6"), next = 0;
        Child any = Loop.Default.Child(0, trace: true, (w, _) =>
            events.Add(string.Create(CultureInfo.InvariantCulture, $"{w.RPid - pid}:{w.ExitCode}")));
        any.Start();
        Posix.Wait(pid, out _);

        for (int i = 0; i < 100 && next != pid; i++)
        {
            File.WriteAllText("/proc/sys/kernel/ns_last_pid", (pid - 1).ToString(CultureInfo.InvariantCulture));
            next = Posix.Spawn("sleep 0.3; exit 7");
        }

        double end = Ev.Time() + s_patience.TotalSeconds;

        while (events.Count < 2 && Ev.Time() < end)
        {
            Loop.Default.Start(RunFlags.NoWait);
        }

        Loop.Default.Start(RunFlags.NoWait);
        Console.WriteLine($"same {next == pid}, {string.Join(' ', events)}");
        any.Dispose();
        return 0;
    }

    /// <summary>
    /// Argument: PID. Becomes the debugger of the process and never waits for it, until this program is killed. Prints "holds" or
    /// "refused".
    /// </summary>
    internal static int Debugger(string[] args)
    {
        Console.WriteLine(Posix.Seize(int.Parse(args[0], CultureInfo.InvariantCulture)) ? "holds" : "refused");
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

    private static Process Start(string script, out ManualResetEventSlim exited)
    {
        ManualResetEventSlim seen = exited = new ManualResetEventSlim();
        var process = new Process { StartInfo = new ProcessStartInfo("/bin/sh", ["-c", script]), EnableRaisingEvents = true };
        process.Exited += (_, _) => seen.Set();
        process.Start();
        return process;
    }

    /// <summary>Returns 1 if WaitForExit, ExitCode and Exited all give the expected result, and 0 otherwise.</summary>
    private static int Run(Process process, ManualResetEventSlim exited, int code)
    {
        using (process)
        {
            return process.WaitForExit(s_patience) && process.ExitCode == code && exited.Wait(s_patience) ? 1 : 0;
        }
    }
}
