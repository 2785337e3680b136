using System;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Checks of the rules that watchers of all kinds follow.</summary>
internal static class WatcherContract
{
    /// <summary>Checks the state of a new watcher, and calls Start twice and Stop twice.</summary>
    internal static void StartsAndStops(Watcher watcher, Loop loop)
    {
        Assert.Same(loop, watcher.Loop);
        Assert.Null(watcher.Data);
        Assert.Equal(0, watcher.Priority);
        Assert.True(watcher.KeepAlive);
        Assert.False(watcher.Fatal);
        Assert.False(watcher.IsActive);
        Assert.False(watcher.IsPending);

        watcher.Start();
        Assert.True(watcher.IsActive);
        watcher.Start();
        Assert.True(watcher.IsActive);
        Assert.Throws<InvalidOperationException>(() => watcher.Priority = 1);
        Assert.Equal(0, watcher.Priority);

        watcher.Stop();
        Assert.False(watcher.IsActive);
        watcher.Stop();
        Assert.False(watcher.IsActive);

        watcher.Priority = 9;
        Assert.Equal(Ev.MaxPriority, watcher.Priority);
    }

    /// <summary>Checks that a watcher has the data and the priority that its constructor or factory was given.</summary>
    internal static void Has(Watcher watcher, object data, int priority)
    {
        Assert.Same(data, watcher.Data);
        Assert.Equal(priority, watcher.Priority);
        Assert.False(watcher.IsActive);
    }

    /// <summary>Disposes an active, pending watcher, and checks that only its getters and Stop still work.</summary>
    internal static void Dispose(Watcher watcher)
    {
        Loop loop = watcher.Loop;
        watcher.Priority = 1;
        int priority = watcher.Priority; // a Child's is always the highest
        watcher.Start();
        watcher.Feed(Events.Custom);
        Assert.Equal(1, loop.Pending);
        watcher.Dispose();
        watcher.Dispose();
        Assert.Equal(0, loop.Pending);

        Assert.Throws<ObjectDisposedException>(watcher.Start);
        Assert.Throws<ObjectDisposedException>(() => watcher.Feed(Events.Custom));
        Assert.Throws<ObjectDisposedException>(() => watcher.Invoke(Events.Custom));
        Assert.Throws<ObjectDisposedException>(() => watcher.Clear());
        Assert.Throws<ObjectDisposedException>(() => watcher.Priority = 1);
        Assert.Throws<ObjectDisposedException>(() => watcher.KeepAlive = false);

        watcher.Stop();
        Assert.False(watcher.IsActive);
        Assert.False(watcher.IsPending);
        Assert.Equal(priority, watcher.Priority);
        Assert.True(watcher.KeepAlive);
        Assert.Same(loop, watcher.Loop);
        Assert.Null(watcher.Data);
        Assert.False(watcher.Fatal);
    }

    /// <summary>Checks Feed, Clear and Invoke: the callback receives the fed events once, and the watcher stays inactive.</summary>
    internal static void FeedsAndInvokes(Watcher watcher, Func<Events> seen)
    {
        watcher.Feed(Events.Custom);
        watcher.Feed(Events.Timer);
        Assert.True(watcher.IsPending);
        Assert.Equal(1, watcher.Loop.Pending);
        watcher.Loop.Invoke();
        Assert.Equal(Events.Custom | Events.Timer, seen());
        Assert.False(watcher.IsPending);

        watcher.Feed(Events.Embed);
        Assert.Equal(Events.Embed, watcher.Clear());
        Assert.Equal(Events.None, watcher.Clear());
        watcher.Feed(Events.Embed);
        watcher.Stop();
        watcher.Loop.Invoke();
        Assert.Equal(Events.Custom | Events.Timer, seen());

        watcher.Invoke(Events.Custom);
        Assert.Equal(Events.Custom, seen());
        Assert.False(watcher.IsActive);
    }
}
