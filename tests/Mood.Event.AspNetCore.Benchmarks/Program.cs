using System;
using System.Globalization;
using System.Threading.Tasks;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>Compares Kestrel over loops with Kestrel over sockets. Also runs the soak.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["serve", string contender]:
                await WebServer.RunAsync(contender);
                return 0;
            case ["soak", .. string[] rest]:
                return await Soak.RunAsync(rest.Length > 0 ? double.Parse(rest[0], CultureInfo.InvariantCulture) : 2);
            default:
                return Compare(args);
        }
    }

    private static int Compare(string[] args)
    {
        var options = new Options();

        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--write":
                    options = options with { Write = true };
                    break;
                case "--calls":
                    options = options with { Calls = true };
                    break;
                case "--rounds" when i + 1 < args.Length && Number(args[i + 1]) is int rounds:
                    options = options with { Rounds = rounds };
                    i++;
                    break;
                case "--seconds" when i + 1 < args.Length && Number(args[i + 1]) is > 0 and int seconds:
                    options = options with { Seconds = seconds };
                    i++;
                    break;
                case "--name" when i + 1 < args.Length:
                    options = options with { Name = args[++i] };
                    break;
                case "--before" when i + 1 < args.Length:
                    options = options with { Before = args[++i] };
                    break;
                default:
                    Console.Error.WriteLine("""
                        usage: bench kestrel [--rounds N] [--seconds N] [--name TEXT] [--before PROGRAM] [--calls] [--write]
                               bench kestrel soak [MINUTES]
                          --rounds N        the number of rounds, 9 by default; 0 measures no load
                          --seconds N       the seconds of each contender in a round, 1 by default
                          --name TEXT       only the loads whose name contains the text
                          --before PROGRAM  an earlier build of this program, to compare with
                          --calls           counts the system calls too, with strace
                          --write           writes docs/benchmarks-kestrel.md and .svg with the last results of all loads and the system calls
                        It prints first how long it will take.
                        """);
                    return 2;
            }
        }

        return Comparison.Run(options);
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}

/// <summary>What is measured.</summary>
internal sealed record Options
{
    /// <summary>The number of rounds of each load.</summary>
    internal int Rounds { get; init; } = 9;

    /// <summary>The time of each contender in a round.</summary>
    internal int Seconds { get; init; } = 1;

    /// <summary>Only the loads whose name contains this.</summary>
    internal string Name { get; init; } = "";

    /// <summary>An earlier build of this program, whose servers are contenders too; or null.</summary>
    internal string? Before { get; init; }

    /// <summary>Counts the system calls.</summary>
    internal bool Calls { get; init; }

    /// <summary>Writes the documentation.</summary>
    internal bool Write { get; init; }
}
