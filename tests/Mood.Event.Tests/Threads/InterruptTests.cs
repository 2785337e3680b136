using System;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Thread.Interrupt of a loop's thread ends a wait of the program's own in a callback, and none of the library's: an exception
/// that crosses native frames ends the process.
/// </summary>
public sealed class InterruptTests : LoopTest
{
    [Fact]
    public void A_loop_on_a_manual_clock_that_others_move()
    {
        var clock = new ManualClock();
        using var loop = new Loop(LoopFlags.NoEnv, clock: clock);
        loop.Timer(0.001, 0.001, (_, _) => { }).Start();
        loop.IncRef();
        InterruptWhile(loop, () => clock.Advance(0.0001));
    }

    [Fact]
    public void A_loop_that_others_post_to()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        loop.IncRef();
        InterruptWhile(loop, () => loop.Post(static _ => { }, 1));
    }

    private static void InterruptWhile(Loop loop, Action others)
    {
        bool ended = false;
        Exception? failure = null;
        var runner = new Thread(() => failure = Record.Exception(() => loop.Start()));
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(_ => new Thread(() =>
        {
            while (!Volatile.Read(ref ended))
            {
                others();
            }
        }))];
        runner.Start();
        Array.ForEach(threads, t => t.Start());

        for (int i = 0; i < 1500; i++)
        {
            Thread.Sleep(1);
            runner.Interrupt();
        }

        Volatile.Write(ref ended, true);
        Array.ForEach(threads, t => t.Join());
        runner.Interrupt();
        Exception? interruption = null;
        loop.Post(() =>
        {
            interruption = Record.Exception(() => Thread.Sleep(TimeSpan.FromSeconds(Patience)));
            loop.Stop();
        });
        runner.Join();
        Assert.IsType<ThreadInterruptedException>(interruption);
        Assert.Null(failure);
    }
}
