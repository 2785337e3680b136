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
        ("timer", "one call, repeated calls, and a restart", Timers.Run),
        ("periodic", "times of the wall clock", Periodics.Run),
        ("scheduler", "times that a function computes", Schedulers.Run),
        ("signal", "a signal as an event", Signals.Run),
        ("child", "a process that stops, continues and ends", Children.Run),
        ("stat", "a file that changes", Files.Run),
        ("idle", "work while no event is pending", Idles.Run),
        ("prepare", "before and after waiting", Phases.Run),
        ("embed", "a loop inside a loop", Embedding.Run),
        ("async", "waking the loop from another thread", Threads.Run),
        ("keepalive", "a watcher that does not keep Start running", Background.Run),
        ("priority", "the order of pending watchers, and the data of a watcher", Priorities.Run),
        ("exception", "exceptions in callbacks", Exceptions.Run),
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
