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
        int rounds = 9;
        (string name, string? before, bool write) = ("", null, false);

        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--write":
                    write = true;
                    break;
                case "--rounds" when i + 1 < args.Length:
                    rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
                    break;
                case "--name" when i + 1 < args.Length:
                    name = args[++i];
                    break;
                case "--before" when i + 1 < args.Length:
                    before = args[++i];
                    break;
                default:
                    Console.Error.WriteLine("""
                        usage: bench kestrel [--rounds N] [--name TEXT] [--before PROGRAM] [--write], or bench kestrel soak [MINUTES]
                          --rounds N        the number of rounds, 9 by default; 0 measures nothing, for --write
                          --name TEXT       only the loads whose name contains the text
                          --before PROGRAM  an earlier build of this program, to compare with
                          --write           writes docs/benchmarks-kestrel.md and .svg with the last results of all loads
                        """);
                    return 2;
            }
        }

        return Comparison.Run(rounds, name, before, write);
    }
}
