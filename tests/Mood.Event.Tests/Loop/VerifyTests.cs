using System;
using System.Collections.Generic;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.Verify accepts every healthy loop, also between the callbacks of one iteration. (AbiTests tests a corrupt one.)</summary>
public sealed class VerifyTests : LoopTestBase
{
    [Theory, MemberData(nameof(AllBackends))]
    public void Verify_succeeds_in_a_callback_while_stopped_watchers_without_KeepAlive_are_pending(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;

        foreach (Watcher watcher in OneShots(loop, () =>
        {
            calls++;
            loop.Verify();
        }))
        {
            watcher.KeepAlive = false;
            watcher.Start();
        }

        loop.Start(RunFlags.NoWait);
        Assert.Equal(6, calls);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Verify_succeeds_after_a_fatal_exception_that_left_watchers_pending(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;

        foreach (Watcher watcher in OneShots(loop, () =>
        {
            if (++calls == 1)
            {
                throw new InvalidOperationException("first");
            }
        }))
        {
            watcher.KeepAlive = false;
            watcher.Fatal = true;
            watcher.Start();
        }

        Assert.Throws<InvalidOperationException>(() => loop.Start(RunFlags.NoWait));
        loop.Verify();
        loop.Start(RunFlags.NoWait);
        loop.Verify();
        Assert.Equal(6, calls);
    }

    private static IEnumerable<Watcher> OneShots(Loop loop, Action callback)
    {
        for (int i = 0; i < 3; i++)
        {
            yield return loop.Timer(0, 0, (_, _) => callback());
            yield return loop.Periodic(1, 0, (_, _) => callback()); // an absolute time in the past
        }
    }
}
