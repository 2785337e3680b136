using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Timeout.InfiniteTimeSpan, which is -1 ms, as the argument of every member that takes a TimeSpan.</summary>
public sealed class TimeSpanTests : LoopTestBase
{
    [Fact]
    public void An_infinite_time_is_refused_by_every_member_that_takes_a_TimeSpan()
    {
        Loop loop = NewLoop();
        var clock = new ManualClock();
        Loop manual = NewLoop(clock);
        Timer timer = loop.Timer(1, 0, (_, _) => { });
        Periodic periodic = loop.Periodic(0, 1, (_, _) => { });
        Stat stat = loop.Stat("/", 0, (_, _) => { });
        TimeSpan zero = TimeSpan.Zero, never = Timeout.InfiniteTimeSpan;

        var members = new Dictionary<string, Action>
        {
            ["Timer.new.after"] = () => _ = new Timer(loop, never, zero, (_, _) => { }),
            ["Timer.new.repeat"] = () => _ = new Timer(loop, zero, never, (_, _) => { }),
            ["Timer.Set.after"] = () => timer.Set(never, zero),
            ["Timer.Set.repeat"] = () => timer.Set(zero, never),
            ["Timer.Restart.after"] = () => timer.Restart(never),
            ["Loop.Timer.after"] = () => loop.Timer(never, zero, (_, _) => { }),
            ["Loop.Timer.repeat"] = () => loop.Timer(zero, never, (_, _) => { }),
            ["Periodic.new.offset"] = () => _ = new Periodic(loop, never, zero, (_, _) => { }),
            ["Periodic.new.interval"] = () => _ = new Periodic(loop, zero, never, (_, _) => { }),
            ["Periodic.Set.offset"] = () => periodic.Set(never, zero),
            ["Periodic.Set.interval"] = () => periodic.Set(zero, never),
            ["Loop.Periodic.offset"] = () => loop.Periodic(never, zero, (_, _) => { }),
            ["Loop.Periodic.interval"] = () => loop.Periodic(zero, never, (_, _) => { }),
            ["Stat.new.interval"] = () => _ = new Stat(loop, "/", never, (_, _) => { }),
            ["Stat.Set.interval"] = () => stat.Set("/", never),
            ["Loop.Stat.interval"] = () => loop.Stat("/", never, (_, _) => { }),
            ["Loop.new.ioInterval"] = () => new Loop(LoopFlags.NoEnv, Backends.Auto, null, null, never, zero).Dispose(),
            ["Loop.new.timeoutInterval"] = () => new Loop(LoopFlags.NoEnv, Backends.Auto, null, null, zero, never).Dispose(),
            ["Loop.GetDefault.ioInterval"] = () => Loop.GetDefault(LoopFlags.NoEnv, Backends.Auto, null, null, never, zero).Dispose(),
            ["Loop.GetDefault.timeoutInterval"] = () => Loop.GetDefault(LoopFlags.NoEnv, Backends.Auto, null, null, zero, never).Dispose(),
            ["Ev.Sleep.time"] = () => Ev.Sleep(never),
            ["ManualClock.Advance.time"] = () => clock.Advance(never),
            ["ManualClock.Advance.loop.time"] = () => clock.Advance(manual, never),
            ["ManualClock.AdvanceAsync.time"] = () => clock.AdvanceAsync(manual, never),
        };

        foreach ((string member, Action call) in members)
        {
            var refused = Record.Exception(call) as ArgumentOutOfRangeException;
            Assert.True(refused is not null, $"{member} accepts an infinite time");
            Assert.Equal(member.Split('.')[^1], refused.ParamName);
            Assert.Contains("infinite", refused.Message, StringComparison.OrdinalIgnoreCase);
        }

        // These members accept an infinite time, as they document. Only a cancellation ends such a wait.
        string[] others = ["Loop.Delay.delay", "LoopServer.StopAsync.grace"];
        string[] all = [.. typeof(Loop).Assembly.GetExportedTypes().SelectMany(MembersOf).Distinct()];
        Assert.Empty(all.Except(members.Keys.Select(WithoutLoop)).Except(others));
    }

    private static string WithoutLoop(string member) => member.Replace(".loop.", ".", StringComparison.Ordinal);

    private static IEnumerable<string> MembersOf(Type type) => type
        .GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        .OfType<MethodBase>().Where(m => !m.IsSpecialName || m.IsConstructor)
        .SelectMany(m => m.GetParameters().Where(p => p.ParameterType == typeof(TimeSpan))
            .Select(p => $"{type.Name}.{(m.IsConstructor ? "new" : m.Name)}.{p.Name}"));
}
