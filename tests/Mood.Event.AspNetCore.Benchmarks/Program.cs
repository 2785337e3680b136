using System;
using System.Globalization;
using System.Threading.Tasks;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>Compares Kestrel over loops with Kestrel over sockets, and runs the soak.</summary>
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
            case []:
            case ["--rounds", _]:
                return Comparison.Run(args.Length == 0 ? 5 : int.Parse(args[1], CultureInfo.InvariantCulture));
            default:
                Console.Error.WriteLine("usage: bench kestrel [--rounds N], or bench kestrel soak [MINUTES]");
                return 2;
        }
    }
}
