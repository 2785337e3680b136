using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using Mood.Event;

internal static class Watchers
{
    private static readonly bool s_isWindows = RuntimeInformation.IsOSPlatform(OSPlatform.Windows);

    public static void Timer()
    {
        using (var loop = new Loop())
        {
            var order = new List<int>();
            double begin = loop.Now(update: true);

            // In a callback the loop's time stands still, so the three count from the same time, however slow the runtime is.
            loop.Timer(0, 0, (_, _) =>
            {
                loop.Timer(0.03, 0, (_, _) => order.Add(3)).Start();
                loop.Timer(0.01, 0, (_, _) => order.Add(1)).Start();
                loop.Timer(0.02, 0, (_, _) => order.Add(2)).Start();
            }).Start();
            int ticks = 0;
            loop.Timer(0.001, 0.001, (timer, _) =>
            {
                if (++ticks == 20)
                {
                    timer.Stop();
                }
            }).Start();
            Check.Ends(loop);
            Check.That(order.SequenceEqual(new[] { 1, 2, 3 }), "timers come in the order of their times");
            Check.That(ticks == 20, "a repeating timer repeats until it is stopped");
            Check.That(loop.Now(update: true) - begin > 0.029, "timers are not early");
        }
    }

    public static void Io()
    {
        foreach (Backends backend in new[] { Backends.Select, Backends.Poll, Ev.RecommendedBackends }.Where(b => (b & Ev.SupportedBackends) != 0))
        {
            using (var loop = new Loop(LoopFlags.NoEnv, backend))
            using (var a = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
            using (var b = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
            {
                a.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                b.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                int got = 0;
                var buffer = new byte[16];
                loop.Io(b, Events.Read, (io, revents) =>
                {
                    Check.That(revents == Events.Read, "only requested events are reported");
                    got += b.Receive(buffer);

                    if (got == 10)
                    {
                        io.Stop();
                    }
                }).Start();
                loop.Io(a, Events.Write, (io, _) =>
                {
                    a.SendTo(new byte[] { 1 }, b.LocalEndPoint!);
                    io.Data = (int)(io.Data ?? 0) + 1;

                    if ((int)io.Data == 10)
                    {
                        io.Stop();
                    }
                }).Start();
                Check.Ends(loop);
                Check.That(got == 10, "every datagram arrives");
            }
        }
    }

    public static void Async()
    {
        using (var loop = new Loop())
        {
            int seen = 0, sent = 0;
            Async async = loop.Async((_, _) => seen = Volatile.Read(ref sent));
            async.Start();
            var thread = new Thread(() =>
            {
                for (int i = 0; i < 1000; i++)
                {
                    Interlocked.Increment(ref sent);
                    async.Send();
                }

                loop.Stop();
            });
            thread.Start();
            Check.That(loop.Start(), "the async is still active");
            thread.Join();
            loop.Start(RunFlags.NoWait);
            Check.That(seen == 1000, "the last send is never lost");
        }
    }

    public static void Signal()
    {
        using (var loop = new Loop())
        {
            foreach (int signum in new[] { Signum.SIGHUP, s_isWindows ? Signum.SIGINT : Signum.SIGUSR1, Signum.SIGTERM })
            {
                int seen = 0;
                Mood.Event.Signal signal = loop.Signal(signum, (s, _) =>
                {
                    seen = s.Signum;
                    s.Stop();
                });
                signal.Start();
                loop.Timer(0, 0, (_, _) =>
                {
                    if (s_isWindows)
                    {
                        Ev.FeedSignal(signum); // on Windows only the console sends signals
                    }
                    else
                    {
                        Posix.Raise(signum);
                    }
                }).Start();
                Check.Ends(loop);
                Check.That(seen == signum, "a signal is caught");
            }
        }
    }

    public static void Child()
    {
        if (s_isWindows)
        {
            ChildOnWindows();
            return;
        }

        using (Loop loop = Loop.Default)
        {
            var codes = new SortedDictionary<int, int>();

            for (int i = 1; i <= 10; i++)
            {
                int pid = Posix.Spawn($"sleep 0.0{i % 3}; exit {i}");
                loop.Child(pid, false, (child, _) =>
                {
                    codes.Add(child.ExitCode, child.RPid);
                    child.Stop();
                }).Start();
            }

            int killed = 0;
            loop.Child(Posix.Spawn("kill -9 $$"), false, (child, _) =>
            {
                killed = child.TermSignal;
                child.Stop();
            }).Start();
            Check.Ends(loop);
            Check.That(codes.Keys.SequenceEqual(Enumerable.Range(1, 10)), "every child ends with its exit code");
            Check.That(killed == Signum.SIGKILL, "the signal that ended a child is reported");
            Check.That(codes.Values.All(pid => Posix.Wait(pid, out _, Posix.WNOHANG) == -1), "children are reaped");
        }
    }

    // On Windows an exit code has 32 bits, and Kill accepts SIGKILL only.
    private static void ChildOnWindows()
    {
        using (Loop loop = Loop.Default)
        using (Process first = Shell("exit 70000"), second = Shell("pause"))
        {
            int code = 0, killed = 0;
            loop.Child(first.Id, false, (child, _) =>
            {
                code = child.ExitCode;
                child.Stop();
            }).Start();
            Mood.Event.Child waiting = loop.Child(second.Id, false, (child, _) =>
            {
                killed = child.ExitCode;
                child.Stop();
            });
            waiting.Start();
            Check.That(waiting.Kill(Signum.SIGKILL), "it runs");
            Check.Ends(loop);
            Check.That(code == 70000, $"the exit code is reported: {code}");
            Check.That(killed == -1, $"the exit code of a killed child is -1: {killed}");
        }
    }

    private static Process Shell(string script) => Process.Start(s_isWindows
        ? new ProcessStartInfo("cmd.exe", "/c " + script) { UseShellExecute = false, RedirectStandardInput = true }
        : new ProcessStartInfo("/bin/sh", $"-c \"{script}\"") { UseShellExecute = false })!;

    public static void ChildOfProcess()
    {
        using (Loop loop = Loop.Default)
        using (Process process = Shell("exit 7"))
        {
            bool ended = false;
            loop.Child(process, false, (child, _) =>
            {
                ended = true;
                child.Stop();
            }).Start();
            Check.Ends(loop);
            process.WaitForExit();
            Check.That(ended, "the end of a Process is reported");
            Check.That(process.ExitCode == 7, "a Process keeps its exit code");
        }
    }

    public static void Stat()
    {
        string path = Path.GetTempFileName();

        try
        {
            using (var loop = new Loop())
            {
                long size = -1;
                loop.Stat(path, 0.2, (stat, _) =>
                {
                    size = stat.Attr.Size;
                    stat.Stop();
                }).Start();
                loop.Timer(0.02, 0, (_, _) => File.WriteAllText(path, "12345")).Start();
                Check.Ends(loop);
                Check.That(size is 0 or 5, "the change of a file is reported"); // 0: between being emptied and being written
            }
        }
        finally
        {
            File.Delete(path);
        }
    }
}
