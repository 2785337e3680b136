using System;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Thread.Interrupt of a loop's thread ends a wait in a callback, but no wait of the library. If the ThreadInterruptedException
/// crossed native frames, the process would end.
/// </summary>
public sealed class InterruptTests : LoopTestBase
{
    private const BindingFlags Inside = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    [Fact]
    public void Interrupts_do_not_end_Start_while_another_thread_moves_the_manual_clock()
    {
        var clock = new ManualClock();
        using var loop = new Loop(LoopFlags.NoEnv, clock: clock);
        loop.Timer(0.001, 0.001, (_, _) => { }).Start();
        loop.IncRef();
        InterruptWhile(loop, () => clock.Advance(0.0001));
    }

    [Fact]
    public void Interrupts_do_not_end_Start_while_another_thread_posts()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        loop.IncRef();
        InterruptWhile(loop, () => loop.Post(static _ => { }, 1));
    }

    [Fact]
    public void Interrupts_do_not_end_the_Dispose_of_the_default_loop_while_another_thread_makes_the_next_one()
    {
        Loop loop = Loop.GetDefault(LoopFlags.NoEnv);
        Exception? failure = null;
        var disposer = new Thread(() => failure = Record.Exception(loop.Dispose));

        using (Loop.DefaultGate.Enter())
        {
            disposer.Start();
            disposer.Interrupt();
            Thread.Sleep(50); // gives Dispose the time to reach the gate
        }

        disposer.Join();
        Assert.Null(failure);
        using Loop next = Loop.GetDefault(LoopFlags.NoEnv);
        Assert.NotSame(loop, next);
    }

    [Fact]
    public void An_interrupt_of_the_loop_s_thread_does_not_keep_a_Send_waiting()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        var sent = new LoopSynchronizationContext.Sent((LoopSynchronizationContext)loop.SynchronizationContext, _ => { }, null);
        Exception? thrown = null, interruption = null;
        var runner = new Thread(() =>
        {
            thrown = Record.Exception(sent.Run);
            interruption = Record.Exception(() => Thread.Sleep(TimeSpan.FromSeconds(Patience)));
        });

        using (sent.Gate.Enter()) // holds the gate, as a sender does before it waits
        {
            runner.Start();
            Assert.True(Posix.Until(() => (runner.ThreadState & ThreadState.WaitSleepJoin) != 0, Patience));
            runner.Interrupt();
            Thread.Sleep(20);
        }

        Assert.True(runner.Join(TimeSpan.FromSeconds(2 * Patience)));
        sent.Wait();
        Assert.Null(thrown);
        Assert.IsType<ThreadInterruptedException>(interruption);
    }

    [Fact]
    public void An_interrupt_at_the_end_of_a_wait_with_a_token_does_not_keep_the_await_waiting()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        using var source = new CancellationTokenSource();
        using CancellationTokenRegistration registration = source.Token.Register(() => { }); // the first one makes the source's registrations
        using ManualResetEventSlim begun = new(), held = new();
        Task? waited = null;
        Exception? thrown = null, interruption = null;
        var runner = new Thread(() =>
        {
            waited = loop.Delay(0, source.Token).AsTask();
            begun.Set();
            held.Wait();
            thrown = Record.Exception(() => loop.Start());
            interruption = Record.Exception(() => Thread.Sleep(TimeSpan.FromSeconds(Patience)));
        });
        runner.Start();
        begun.Wait();
        object registrations = typeof(CancellationTokenSource).GetField("_registrations", Inside)!.GetValue(source)!;

        // The runtime holds this lock for a moment only, when a thread registers a callback, unregisters one, or cancels.
        registrations.GetType().GetMethod("EnterLock", Inside)!.Invoke(registrations, null);
        held.Set();
        Assert.True(Posix.Until(() => loop.IsRunning && (runner.ThreadState & ThreadState.WaitSleepJoin) != 0, Patience));
        runner.Interrupt();
        Thread.Sleep(50); // a thread that is interrupted now would have noticed it
        registrations.GetType().GetMethod("ExitLock", Inside)!.Invoke(registrations, null);
        Assert.True(runner.Join(TimeSpan.FromSeconds(2 * Patience)));
        Assert.Null(thrown);
        Assert.True(waited!.IsCompletedSuccessfully);
        Assert.IsType<ThreadInterruptedException>(interruption);
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
