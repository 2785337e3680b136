using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Hundreds of children at once, with and without a System.Diagnostics.Process. Each watcher must report its own child.
/// </summary>
public sealed class ChildStormTests : LoopTestBase
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly List<Process> _processes = [];
    private readonly List<int> _strangers = [];
    private int _exited;

    [Fact]
    public void The_exit_codes_of_a_thousand_children_are_right_before_during_and_after_the_default_loop()
    {
        Dictionary<int, int> seen = [];

        // Some children start before Loop.Default exists.
        MakeOfEach(100);
        Loop loop = NewPatientLoop();

        // Some start while the loop exists, before and after the watchers of other children are started.
        for (int n = 0; n < 4; n++)
        {
            WatchNew();
            MakeOfEach(75);
        }

        WatchNew();
        Assert.False(loop.Start());
        Assert.Equal(_strangers.Count + (_processes.Count / 2), seen.Count);
        Assert.All(_strangers, (pid, i) => Assert.Equal((pid, Code(i)), (pid, seen[pid])));
        Assert.All(_strangers, pid => Posix.AssertReaped(pid));
        Assert.All(_processes.Where((_, i) => i % 2 == 0), process => Assert.Contains(process.Id, seen.Keys));
        loop.Dispose();

        // Some start after its end. A child without a watcher is not reaped.
        int old = _strangers.Count;
        MakeOfEach(100);
        Assert.Equal((500, 500), (_strangers.Count, _processes.Count));
        Assert.All(_strangers.Skip(old), (pid, i) =>
        {
            Assert.Equal(pid, Posix.Wait(pid, out int status));
            Assert.Equal(Code(old + i) << 8, status);
        });
        AssertProcessesEnded();

        void WatchNew()
        {
            foreach (int pid in _strangers.Where(pid => !seen.ContainsKey(pid)))
            {
                seen[pid] = -2;
                loop.Child(pid, trace: false, See).Start();
            }

            foreach (Process process in _processes.Where((p, i) => i % 2 == 0 && !seen.ContainsKey(p.Id)))
            {
                seen[process.Id] = -2;
                loop.Child(process, trace: false, See).Start();
            }
        }

        void See(Child w, Events events)
        {
            Assert.Equal(-2, seen[w.RPid]);
            seen[w.RPid] = w.ExitCode;
            w.Stop();
        }
    }

    [Fact]
    public void Pid_0_reports_two_hundred_children_that_end_together_and_does_not_reap_those_of_Process()
    {
        const int each = 100, stopped = 10;

        // Each child waits until it has read a line from the fifo, so that none ends too early on a slow machine.
        string fifo = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        Repository.Run("mkfifo", fifo);
        using FileStream gate = File.Open(fifo, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        MakeOfEach(each, fifo);
        Loop loop = NewPatientLoop();
        HashSet<int> pids = [.. _strangers, .. _processes.Select(p => p.Id)], ended = [];
        Dictionary<int, string> traces = [];
        Dictionary<int, int> codes = [];
        double lastEnd = 0, lastSeen = 0;
        Child all = loop.Child(0, trace: true, (w, _) =>
        {
            if (!pids.Contains(w.RPid))
            {
                return;
            }

            if (w.HasExited)
            {
                Assert.True(ended.Add(w.RPid));
                codes[w.RPid] = w.ExitCode;
                lastSeen = Ev.Time();
            }
            else
            {
                traces[w.RPid] = traces.GetValueOrDefault(w.RPid) + (w.IsStopped ? "stopped " : "continued ");
            }

            if (ended.Count == pids.Count)
            {
                w.Stop();
            }
        });
        all.Fatal = true;
        all.Start();

        // Some children are stopped, and continued after the loop has reported all stops. Then all children end.
        int[] victims = [.. _strangers.Take(stopped), .. _processes.Take(stopped).Select(p => p.Id)];
        Array.ForEach(victims, pid => Posix.Kill(pid, Signum.SIGSTOP));
        Timer resume = loop.Timer(0.001, 0.001, (w, _) =>
        {
            if (victims.All(pid => traces.GetValueOrDefault(pid) == "stopped "))
            {
                Array.ForEach(victims, pid => Posix.Kill(pid, Signum.SIGCONT));
            }

            if (victims.All(pid => traces.GetValueOrDefault(pid) == "stopped continued "))
            {
                gate.Write(Enumerable.Repeat((byte)'\n', 2 * each).ToArray());
                gate.Flush();
                w.Stop();
            }
        });
        resume.Start();
        var observer = new Thread(() => lastEnd = WhenAllEnded([.. pids]));
        observer.Start();

        Assert.False(loop.Start());
        observer.Join();
        Assert.InRange(lastSeen - lastEnd, -60, 2);
        File.Delete(fifo);
        Assert.All(victims, pid => Assert.Equal("stopped continued ", traces[pid]));
        Assert.All(_strangers, (pid, i) => Assert.Equal((pid, Code(i)), (pid, codes[pid])));
        Assert.All(_strangers, pid => Posix.AssertReaped(pid));
        AssertProcessesEnded();
    }

    protected override void Dispose(bool disposing)
    {
        Loop.Default.Dispose();
        _processes.ForEach(p => p.Dispose());
        base.Dispose(disposing);
    }

    private static int Code(int i) => i % 251;

    /// <summary>Waits until all children have ended, and returns the time at which it found that.</summary>
    private static double WhenAllEnded(List<int> pids)
    {
        for (double now = Ev.Time(); ; Thread.Sleep(5), now = Ev.Time())
        {
            pids.RemoveAll(pid => !Posix.Exists(pid) || Posix.IsZombie(pid));

            if (pids.Count == 0)
            {
                return now;
            }
        }
    }

    /// <summary>The default loop with its own watchdog, because so many children take longer than other tests.</summary>
    private static Loop NewPatientLoop()
    {
        Loop loop = Loop.GetDefault(LoopFlags.NoEnv);
        Timer watchdog = loop.Timer(s_patience.TotalSeconds, 0, [Fatal] (_, _) => throw new TimeoutException("The test hangs."));
        watchdog.KeepAlive = false;
        watchdog.Start();
        return loop;
    }

    /// <summary>
    /// Starts `count` children with a Process, whose Exited events are counted, and `count` children without one. They end at
    /// once, or when they have read a line from the fifo.
    /// </summary>
    private void MakeOfEach(int count, string? fifo = null)
    {
        for (int n = 0; n < count; n++)
        {
            var process = new Process
            {
                StartInfo = new ProcessStartInfo("/bin/sh", ["-c", Script(fifo, Code(_processes.Count))]),
                EnableRaisingEvents = true,
            };
            process.Exited += (_, _) => Interlocked.Increment(ref _exited);
            Assert.True(process.Start());
            _processes.Add(process);
            _strangers.Add(Posix.Spawn(Script(fifo, Code(_strangers.Count))));
        }
    }

    private static string Script(string? fifo, int code) => fifo is null
        ? string.Create(CultureInfo.InvariantCulture, $"exit {code}")
        : string.Create(CultureInfo.InvariantCulture, $"read line <'{fifo}'; exit {code}");

    private void AssertProcessesEnded()
    {
        var watch = Stopwatch.StartNew();
        Assert.All(_processes, (process, i) =>
        {
            Assert.True(process.WaitForExit(s_patience - watch.Elapsed));
            Assert.Equal(Code(i), process.ExitCode);
        });
        Assert.True(Posix.Until(() => Volatile.Read(ref _exited) == _processes.Count, s_patience.TotalSeconds));
    }
}
