using System;
using System.Collections.Generic;

namespace Mood.Event.Host;

/// <summary>Runs one scenario in a process of its own, because its end is what is tested: SCENARIO [ARGUMENTS].</summary>
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
        ["children"] = ChildScenarios.Children,
        ["first"] = ChildScenarios.First,
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
