using System;
using System.Collections.Generic;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Random operations whose effects must equal those of small models. A failure prints the shortest list of operations that fails.
/// </summary>
public sealed class ModelTests : LoopTestBase
{
    private const int Watchers = 5;

    /// <summary>
    /// libev's pending events: one stack per priority, highest first; the event fed last is called first; a watcher that
    /// was fed twice is called once; a watcher that was cleared or stopped is not called.
    /// </summary>
    [Fact]
    public void Pending_events_are_a_stack_per_priority() => Check(Gen.Choose(0, 5), ops =>
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        var log = new List<(int, Events)>();
        var expected = new List<(int, Events)>();
        var stacks = new List<(int Who, Events Events)>[5];
        Timer[] watchers = [.. Enumerable.Range(0, Watchers).Select(i => loop.Timer(0, 0, (w, e) => log.Add(((int)w.Data!, e)), i))];

        for (int i = 0; i < stacks.Length; i++)
        {
            stacks[i] = [];
        }

        foreach ((int op, int who, int value) in ops)
        {
            Timer watcher = watchers[who];
            List<(int Who, Events Events)> stack = stacks[watcher.Priority + 2];
            int at = stack.FindIndex(p => p.Who == who);
            var events = (Events)(0x100 << value);

            switch (op)
            {
                case 0 or 1:
                    watcher.Feed(events);
                    if (at >= 0)
                    {
                        stack[at] = (who, stack[at].Events | events);
                    }
                    else
                    {
                        stack.Add((who, events));
                    }

                    break;
                case 2:
                    Assert.Equal(at < 0 ? Events.None : stack[at].Events, watcher.Clear());
                    stack.RemoveAll(p => p.Who == who);
                    break;
                case 3:
                    watcher.Stop();
                    stack.RemoveAll(p => p.Who == who);
                    break;
                case 4 when at < 0:
                    watcher.Priority = value - 2;
                    break;
                case 4:
                    Assert.Throws<InvalidOperationException>(() => watcher.Priority = value - 2);
                    break;
                default:
                    loop.Invoke();
                    expected.AddRange(Enumerable.Reverse(stacks).SelectMany(s => Enumerable.Reverse(s)));
                    Array.ForEach(stacks, s => s.Clear());
                    break;
            }

            Assert.Equal(stacks.Sum(s => s.Count), loop.Pending);
            Assert.Equal(expected, log);
        }

        Array.ForEach(watchers, w => w.Dispose());
    });

    /// <summary>Start keeps running while a watcher with KeepAlive is active or an IncRef has no DecRef, and otherwise returns.</summary>
    [Fact]
    public void Active_watchers_with_KeepAlive_and_references_keep_a_loop_alive() => Check(Gen.Choose(0, 6), ops =>
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        bool[] active = new bool[Watchers];
        bool[] keeps = Enumerable.Repeat(true, Watchers).ToArray();
        int references = 0;
        using var other = new Loop(LoopFlags.NoEnv, Backends.Epoll);
        Watcher[] watchers = [loop.Prepare((_, _) => { }), loop.Timer(1000, 1, (_, _) => { }), loop.Idle(), loop.Async((_, _) => { }), loop.Embed(other)];

        foreach ((int op, int who, int value) in ops)
        {
            switch (op)
            {
                case 0 or 1:
                    watchers[who].Start();
                    active[who] = true;
                    break;
                case 2:
                    watchers[who].Stop();
                    active[who] = false;
                    break;
                case 3:
                    keeps[who] = watchers[who].KeepAlive = value % 2 == 0;
                    break;
                case 4:
                    loop.IncRef();
                    references++;
                    break;
                case 5 when references > 0:
                    loop.DecRef();
                    references--;
                    break;
                case 5:
                    Assert.Throws<InvalidOperationException>(loop.DecRef);
                    break;
                default:
                    ((Timer)watchers[1]).Reset(); // starts it if it is not active
                    active[1] = true;
                    break;
            }

            bool alive = references > 0 || active.Zip(keeps, (a, k) => a && k).Any(x => x);
            Assert.Equal(alive, loop.Start(RunFlags.NoWait));
        }

        Array.ForEach(watchers, w => w.Dispose());
    });

    /// <summary>Timers on a clock that the test moves are called in the order of their times, each at its time, and none twice.</summary>
    [Fact]
    public void Timers_expire_in_the_order_of_their_times() => Check(Gen.Choose(0, 3), ops =>
    {
        using var loop = new Loop(LoopFlags.NoEnv | LoopFlags.NoTimerFd);
        double now = 1000;
        NativeTesting.mood_loop_clock(loop.Handle.Pointer, 1, now, 1e9 + now);
        loop.Now(update: true);

        var due = new SortedDictionary<double, Timer>();
        var log = new List<double>();
        int made = 0;

        foreach ((int op, int who, int value) in ops)
        {
            switch (op)
            {
                case 0 or 1:
                    // Each timer has a time of its own, because libev's heap decides the order of timers with the same time.
                    double at = now + who + (++made / 4096.0);
                    Timer timer = loop.Timer(at - now, 0, (w, _) => log.Add((double)w.Data!), at);
                    timer.Start();
                    due.Add(at, timer);
                    break;
                case 2 when due.Count > 0:
                    double which = due.Keys.ElementAt(value % due.Count);
                    due[which].Dispose();
                    due.Remove(which);
                    break;
                default:
                    now += value + 0.5;
                    NativeTesting.mood_loop_clock(loop.Handle.Pointer, 1, now, 1e9 + now);
                    loop.Start(RunFlags.NoWait);
                    double[] expected = [.. due.Keys.TakeWhile(t => t < now)];
                    Assert.Equal(expected, log);
                    log.Clear();
                    Array.ForEach(expected, t => due.Remove(t));
                    break;
            }
        }
    });

    /// <summary>
    /// On a manual clock, each timer and periodic is called at each of its due times and at no other time. This includes timers that
    /// callbacks start. libev decides the order of watchers that are due at the same time.
    /// </summary>
    [Fact]
    public void Advance_calls_at_each_due_time() => Check(Gen.Choose(0, 6), ops =>
    {
        var clock = new ManualClock();
        using var loop = new Loop(LoopFlags.NoEnv, clock: clock);
        double start = clock.Now, now = 0;
        var active = new List<(int Id, Watcher Watcher, double Due, double Repeat)>();
        var log = new List<(double Time, int Id)>();
        var expected = new List<(double Time, int Id)>();
        int made = 0;

        // Every third timer starts another one, which is due a tenth of a second later.
        void OnTimer(Timer timer, Events events)
        {
            int id = (int)timer.Data!;
            log.Add((loop.Now() - start, id));

            if (id % 3 == 0)
            {
                loop.Timer(0.1, 0, (_, _) => log.Add((loop.Now() - start, -id))).Start();
            }
        }

        void Add(Watcher watcher, double due, double repeat)
        {
            watcher.Start();
            active.Add((made, watcher, due, repeat));
        }

        foreach ((int op, int who, int value) in ops)
        {
            switch (op)
            {
                case 0 or 1:
                    Add(loop.Timer(value * 0.3, 0, OnTimer, ++made), now + value * 0.3, 0);
                    break;
                case 2:
                    Add(loop.Timer(value * 0.2, (who + 1) * 0.1, OnTimer, ++made), now + value * 0.2, (who + 1) * 0.1);
                    break;
                case 3:
                    int id = ++made;
                    Add(
                        loop.Periodic(0, who + 1, (_, _) => log.Add((loop.Now() - start, id))),
                        (Math.Floor((start + now) / (who + 1)) + 1) * (who + 1) - start,
                        who + 1);
                    break;
                case 4 when active.Count > 0 && active[value % active.Count].Id > 0:
                    active[value % active.Count].Watcher.Dispose();
                    active.RemoveAt(value % active.Count);
                    break;
                default:
                    double end = now + value * 0.7;
                    clock.Advance(loop, value * 0.7);

                    while (active.Count > 0 && active.MinBy(a => a.Due) is var next && next.Due <= end + 1e-6)
                    {
                        active.Remove(next);
                        expected.Add((next.Due, next.Id));

                        if (next.Repeat > 0)
                        {
                            active.Add(next with { Due = next.Due + next.Repeat });
                        }

                        if (next.Watcher is Timer && next.Id > 0 && next.Id % 3 == 0)
                        {
                            active.Add((-next.Id, next.Watcher, next.Due + 0.1, 0));
                        }
                    }

                    now = end;
                    Assert.Equal(Tidy(expected), Tidy(log));
                    Assert.Equal(log.OrderBy(l => l.Time), log);
                    break;
            }
        }

        static IEnumerable<(double Time, int Id)> Tidy(List<(double Time, int Id)> calls) =>
            calls.Select(c => (Time: Math.Round(c.Time, 5), c.Id)).OrderBy(c => c.Time).ThenBy(c => c.Id);
    });

    /// <summary>
    /// Checks random lists of operations. An operation is its kind, the number of a watcher, and a small number as its argument.
    /// </summary>
    private static void Check(Gen<int> op, Action<(int Op, int Who, int Value)[]> body)
    {
        Gen<(int, int, int)> one =
            from o in op
            from who in Gen.Choose(0, Watchers - 1)
            from value in Gen.Choose(0, 4)
            select (o, who, value);

        FsCheck.Fluent.Prop.ForAll(one.ArrayOf().ToArbitrary(), body).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }
}
