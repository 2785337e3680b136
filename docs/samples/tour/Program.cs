using System;
using System.Collections.Generic;
using System.Linq;
using Tour.Topics;

namespace Tour;

/// <summary>Runs every topic, or the topics of the command line.</summary>
internal static class Program
{
    private static readonly (string Name, string What, Action Run)[] s_topics =
    [
        ("timer", "once, again and again, and pushed back", Timers.Run),
        ("periodic", "by the wall clock", Periodics.Run),
        ("scheduler", "whenever a function says", Schedulers.Run),
        ("signal", "a signal as an event", Signals.Run),
        ("child", "a process that stops, goes on and ends", Children.Run),
        ("stat", "a file that changes", Files.Run),
        ("idle", "when there is nothing else to do", Idles.Run),
        ("prepare", "before and after waiting", Phases.Run),
        ("embed", "a loop inside a loop", Embedding.Run),
        ("async", "waking the loop from another thread", Threads.Run),
        ("keepalive", "what Start waits for", Background.Run),
        ("priority", "who comes first, and data to find again", Priorities.Run),
        ("exception", "what becomes of an exception in a callback", Exceptions.Run),
    ];

    private static int Main(string[] args)
    {
        string? unknown = args.FirstOrDefault(name => !s_topics.Any(t => t.Name == name));

        if (unknown is not null)
        {
            Console.Error.WriteLine($"tour: there is no topic '{unknown}'");
            Console.Error.WriteLine("usage: tour [TOPIC ...]");

            foreach ((string name, string what, _) in s_topics)
            {
                Console.Error.WriteLine($"  {name,-10} {what}");
            }

            return 2;
        }

        foreach ((string name, string what, Action run) in Chosen(args))
        {
            Say.Title($"{name}: {what}");
            run();
        }

        return 0;
    }

    private static IEnumerable<(string Name, string What, Action Run)> Chosen(string[] args) =>
        args.Length == 0 ? s_topics : args.Select(name => s_topics.First(t => t.Name == name));
}
