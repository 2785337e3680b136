using System;
using System.Collections.Generic;
using System.IO;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// A watcher of any kind, and a way to make its event happen, for tests of rules that hold for all kinds. Each of these watchers
/// stays active after its event.
/// </summary>
public sealed class AnyWatcher : IDisposable
{
    private readonly Stack<Action> _cleanup = new();
    private Action _trigger = static () => { };

    public AnyWatcher(Loop loop, string kind, Action<Watcher, Events> callback, int priority = 0)
    {
        Watcher = kind switch
        {
            nameof(Io) => MakeIo(loop, callback, priority),
            nameof(Timer) => loop.Timer(0, 1000, (w, e) => callback(w, e), priority: priority),
            nameof(Periodic) => loop.Periodic(0, 0.02, (w, e) => callback(w, e), priority: priority),
            nameof(Scheduler) => loop.Scheduler((_, now) => now + 0.02, (w, e) => callback(w, e), priority: priority),
            nameof(Signal) => MakeSignal(loop, callback, priority),
            nameof(Child) => MakeChild(loop, callback, priority),
            nameof(Stat) => MakeStat(loop, callback, priority),
            nameof(Idle) => loop.Idle((w, e) => callback(w, e), priority: priority),
            nameof(Prepare) => loop.Prepare((w, e) => callback(w, e), priority: priority),
            nameof(Check) => MakeCheck(loop, callback, priority),
            nameof(Embed) => MakeEmbed(loop, callback, priority),
            nameof(Fork) => MakeFork(loop, callback, priority),
            nameof(Async) => MakeAsync(loop, callback, priority),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
        Expected = Enum.Parse<Events>(kind switch
        {
            nameof(Io) => nameof(Events.Read),
            nameof(Scheduler) => nameof(Events.Periodic),
            _ => kind,
        });
    }

    // Child is tested on Windows by Mood.Event.Windows.Tests. Windows has no Embed and no Fork.
    public static IReadOnlyList<string> Kinds { get; } =
    [
        nameof(Io), nameof(Timer), nameof(Periodic), nameof(Scheduler), nameof(Signal), nameof(Stat), nameof(Idle), nameof(Prepare),
        nameof(Check), nameof(Async), .. OperatingSystem.IsWindows() ? [] : (string[])[nameof(Child), nameof(Embed), nameof(Fork)],
    ];

    public Watcher Watcher { get; private set; }

    /// <summary>The events that the watcher's callback receives after Trigger.</summary>
    public Events Expected { get; }

    /// <summary>Makes the event of the started watcher happen, at once or soon.</summary>
    public void Trigger() => _trigger();

    /// <summary>Drops the reference to the watcher, for tests of garbage collection. Trigger still works.</summary>
    public WeakReference Forget()
    {
        var weak = new WeakReference(Watcher);
        Watcher = null!;
        return weak;
    }

    public void Dispose()
    {
        Watcher?.Dispose();

        while (_cleanup.TryPop(out Action? clean))
        {
            clean();
        }
    }

    private Io MakeIo(Loop loop, Action<Watcher, Events> callback, int priority)
    {
        (int read, int write) = Posix.Pipe();
        _cleanup.Push(() => Posix.Close(read, write));
        _trigger = () => Posix.Write(write);
        return loop.Io(read, Events.Read, (w, e) => callback(w, e), priority: priority);
    }

    private Signal MakeSignal(Loop loop, Action<Watcher, Events> callback, int priority)
    {
        // The trigger feeds the signal and does not send it: a signal that is sent while the watcher is stopped would end the process.
        int signum = OperatingSystem.IsWindows() ? Signum.SIGINT : Signum.SIGUSR1;
        _trigger = () => Ev.FeedSignal(signum);
        return loop.Signal(signum, (w, e) => callback(w, e), priority: priority);
    }

    private Child MakeChild(Loop loop, Action<Watcher, Events> callback, int priority)
    {
        int pid = Posix.Spawn("exec sleep 100");
        _trigger = () => Posix.Kill(pid, Signum.SIGKILL);
        _cleanup.Push(() =>
        {
            if (Posix.Wait(pid, out _, Posix.WNOHANG) == 0)
            {
                Posix.Kill(pid, Signum.SIGKILL);
                Posix.Wait(pid, out _);
            }
        });
        return loop.Child(pid, false, (w, e) => callback(w, e), priority: priority);
    }

    private Stat MakeStat(Loop loop, Action<Watcher, Events> callback, int priority)
    {
        string path = Path.GetTempFileName();
        _cleanup.Push(() => File.Delete(path));
        _trigger = () => File.AppendAllText(path, "more");
        return loop.Stat(path, 0.11, (w, e) => callback(w, e), priority: priority);
    }

    private Check MakeCheck(Loop loop, Action<Watcher, Events> callback, int priority)
    {
        // The callback of a Check is called after the loop has waited. Here the loop waits for a timer that does not keep Start running.
        _trigger = () =>
        {
            Timer timer = loop.Timer(0, 0, static (_, _) => { });
            timer.KeepAlive = false;
            timer.Start();
        };
        return loop.Check((w, e) => callback(w, e), priority: priority);
    }

    private Embed MakeEmbed(Loop loop, Action<Watcher, Events> callback, int priority)
    {
        var other = new Loop(LoopFlags.NoEnv, Backends.Epoll);
        (int read, int write) = Posix.Pipe();
        other.Io(read, Events.Read, (_, _) => Posix.Read(read)).Start();
        other.Start(RunFlags.NoWait); // The first run registers the fd with the kernel. In a later run it could already handle the event.
        _cleanup.Push(() => Posix.Close(read, write));
        _cleanup.Push(other.Dispose);
        _trigger = () => Posix.Write(write);
        return loop.Embed(other, (w, e) => callback(w, e), priority: priority);
    }

    private Fork MakeFork(Loop loop, Action<Watcher, Events> callback, int priority)
    {
        _trigger = loop.Reset;
        return loop.Fork((w, e) => callback(w, e), priority: priority);
    }

    private Async MakeAsync(Loop loop, Action<Watcher, Events> callback, int priority)
    {
        Async async = loop.Async((w, e) => callback(w, e), priority: priority);
        var weak = new WeakReference<Async>(async);
        _trigger = () =>
        {
            Assert.True(weak.TryGetTarget(out Async? target));
            target.Send();
        };
        return async;
    }
}

/// <summary>The base class of tests that run for every kind of watcher.</summary>
public abstract class AnyWatcherTestBase : LoopTestBase
{
    public static TheoryData<string> AllKinds => new(AnyWatcher.Kinds);

    /// <summary>A loop that a watcher of this kind works in: the default loop for a Child.</summary>
    protected Loop LoopFor(string kind) => kind == nameof(Child) ? NewDefaultLoop() : NewLoop();

    /// <summary>Starts the watcher and makes its event happen.</summary>
    protected static void StartAndTrigger(AnyWatcher any)
    {
        any.Watcher.Start();
        any.Trigger();
    }

}
