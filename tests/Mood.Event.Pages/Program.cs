using System;
using System.Linq;
using System.Threading.Tasks;

namespace Mood.Event.Pages;

/// <summary>
/// Runs a program of a page, for example "reference/timer 1". With "list", writes the names of all blocks of code.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        string name = string.Join(' ', args);

        if (name == "list")
        {
            Blocks.All.Keys.ToList().ForEach(Console.WriteLine);
            return 0;
        }

        if (!Blocks.All.TryGetValue(name, out Func<Task>? run) || run is null)
        {
            await Console.Error.WriteLineAsync($"There is no program '{name}'.");
            return 2;
        }

        await run();
        return 0;
    }
}
