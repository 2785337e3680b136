using System;
using System.Collections.Generic;
using System.Threading;
using Mood.Event;

/// <summary>The functions for a host that loads this program into a separate load context. Their parameters and results have types of the
/// runtime only, because the host cannot name the types of this context.</summary>
public static class Guest
{
    private static readonly Dictionary<string, Action> s_topics = new()
    {
        ["timer"] = Watchers.Timer, ["io"] = Watchers.Io, ["async"] = Watchers.Async, ["signal"] = Watchers.Signal, ["child"] = Watchers.Child,
        ["process"] = Watchers.ChildOfProcess, ["stat"] = Watchers.Stat, ["exceptions"] = Failures.Exceptions, ["gc"] = Lifetimes.Collected,
        ["echo"] = Echo.Run,
    };

    public static string Version => Ev.Version;

    public static void Run(string topic) => s_topics[topic]();

    /// <summary>Makes the default loop, which lives until it is disposed.</summary>
    public static IDisposable TakeDefault() => Loop.Default;

    /// <summary>Watches a signal with a loop on a thread of its own until the result is disposed.</summary>
    public static IDisposable Watch(int signum, Action seen) => new Watch(signum, seen);
}

internal sealed class Watch : IDisposable
{
    private readonly Loop _loop = new();
    private readonly Thread _thread;

    public Watch(int signum, Action seen)
    {
        try
        {
            _loop.Signal(signum, (_, _) => seen()).Start();
        }
        catch
        {
            _loop.Dispose();
            throw;
        }

        _thread = new Thread(() => _loop.Start());
        _thread.Start();
    }

    public void Dispose()
    {
        _loop.Stop(BreakHow.All);
        _thread.Join();
        _loop.Dispose();
    }
}
