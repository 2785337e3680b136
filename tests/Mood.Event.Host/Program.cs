using System;
using System.Collections.Generic;

namespace Mood.Event.Host;

/// <summary>Runs one scenario in a process of its own, for tests that look at the end of the process: SCENARIO [ARGUMENTS].</summary>
internal static class Program
{
    private static readonly Dictionary<string, Func<string[], int>> s_scenarios = new(StringComparer.Ordinal)
    {
        ["signal"] = SignalScenarios.Signal,
        ["hosting"] = args => SignalScenarios.Hosting(args).GetAwaiter().GetResult(),
        ["cancel-key"] = SignalScenarios.CancelKey,
        ["storm"] = StormScenarios.Storm,
        ["latency"] = StormScenarios.Latency,
        ["shortage"] = FaultScenarios.Shortage,
        ["faults"] = FaultScenarios.Faults,
        ["pipe"] = FaultScenarios.Pipe,
        ["unhandled"] = FaultScenarios.Unhandled,
        ["reported"] = FaultScenarios.Reported,
        ["children"] = ChildScenarios.Children,
        ["first"] = ChildScenarios.First,
        ["readme"] = ReadmeScenarios.Readme,
        ["busy-signals"] = BusyPoolScenarios.Signals,
        ["busy-signal-after-stop"] = BusyPoolScenarios.SignalAfterStop,
        ["busy-children"] = BusyPoolScenarios.Children,
        ["busy-jobs"] = BusyPoolScenarios.Jobs,
        ["busy-child-twice"] = BusyPoolScenarios.ChildTwice,
        ["busy-child-embed"] = BusyPoolScenarios.ChildEmbed,
        ["masked-signal"] = SignalScenarios.Masked,
        ["masked-child"] = ChildScenarios.Masked,
        ["same-pid"] = ChildScenarios.SamePid,
        ["same-pid-process"] = ChildScenarios.SamePidProcess,
        ["same-pid-any"] = ChildScenarios.SamePidAny,
        ["any-child"] = ChildScenarios.Any,
        ["lost-handler"] = ChildScenarios.LostHandler,
        ["debugger"] = ChildScenarios.Debugger,
        ["late-signals"] = SignalScenarios.LateSignals,
        ["stop-beside"] = SignalScenarios.StopBesideThreads,
        ["run"] = RunScenarios.Run,
        ["listeners"] = ListenerScenarios.Listeners,
        ["full-table"] = DescriptorScenarios.FullTable,
        ["threads-refused"] = ThreadScenarios.Refused,
        ["exit"] = ExitScenarios.Exit,
        ["exit-loops"] = ExitScenarios.ExitLoops,
    };

    private static int Main(string[] args)
    {
        if (args.Length > 0 && s_scenarios.TryGetValue(args[0], out Func<string[], int>? scenario))
        {
            return scenario(args[1..]);
        }

        Console.Error.WriteLine($"usage: SCENARIO [ARGUMENTS], where SCENARIO is one of: {string.Join(' ', s_scenarios.Keys)}");
        return 2;
    }
}
