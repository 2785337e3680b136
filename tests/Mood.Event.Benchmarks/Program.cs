using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>
/// Compares Mood.Event with C libev and others. The contenders run in turn in one process, which makes the ratios meaningful.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (!Native.IsBuilt)
        {
            Console.Error.WriteLine($"bench: the C side is not in {Native.Directory}. It is built on Linux only.");
            return 1;
        }

        Native.Initialize();
        Report.Initialize();
        _ = Posix.RaiseFdLimit();

        var area = new Argument<string?>("area")
        {
            Description = "The area to measure. Without it, every area of the first list runs:\n" + Areas.Help + "\nOnly when named:\n"
                + $"  {ScaleBenchmark.Name,-12}A growing number of watchers on each backend\n"
                + $"  {MicroBenchmarks.Name,-12}Single operations, with BenchmarkDotNet",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var quick = new Option<bool>("--quick")
        {
            Description = "Runs small sizes and 3 rounds, to find regressions and not to measure. Fails if the best round has twice the ratio of docs/benchmarks.md.",
        };
        var rounds = new Option<int?>("--rounds") { Description = "The number of rounds of each contender. The default is 7." };
        var write = new Option<bool>("--write")
        {
            Description = "Writes docs/benchmarks.md and docs/benchmarks.svg. Areas that are not run now keep their last results.",
        };
        var only = new Option<string?>("--only") { Description = $"Runs one contender alone, for a profiler. For example \"{Contender.Ours}\"." };
        var name = new Option<string?>("--name") { Description = "Only the comparisons whose name contains this; for example \"1000 idle\"." };
        var command = new RootCommand("Compares Mood.Event with C libev and others, in turn, in one process.") { area, quick, rounds, write, only, name };
        area.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is string name and not ScaleBenchmark.Name and not MicroBenchmarks.Name
                && !Areas.Names.Contains(name))
            {
                result.AddError(
                    $"There is no area '{name}'. There are: {string.Join(", ", Areas.Names)}, {ScaleBenchmark.Name}, {MicroBenchmarks.Name}.");
            }
        });
        command.SetAction(result => Run(
            result.GetValue(area),
            result.GetValue(quick),
            result.GetValue(rounds) ?? (result.GetValue(quick) ? 3 : 7),
            result.GetValue(write),
            result.GetValue(only),
            result.GetValue(name) ?? ""));
        command.Validators.Add(result =>
        {
            if (result.GetValue(write) && (result.GetValue(quick) || result.GetValue(only) is not null || result.GetValue(name) is not null))
            {
                result.AddError("--write cannot be combined with --quick, --only or --name, because they do not measure all contenders at full size.");
            }
        });
        command.Add(ServeCommand());
        command.Add(ColdCommand());
        command.Add(TlsLoadCommand());
        return command.Parse(args).Invoke();
    }

    /// <summary>The command of our echo servers. EchoBenchmark starts each server as a process.</summary>
    private static Command ServeCommand()
    {
        var server = new Argument<string>("server");
        var bufferSize = new Argument<int>("buffer");
        var command = new Command("serve") { server, bufferSize };
        command.Hidden = true;
        server.AcceptOnlyFromAmong("callbacks", "await", "stream", "sockets", "tls-stream", "tls-sockets");
        command.SetAction(result =>
        {
            string name = result.GetValue(server)!;

            if (name == "callbacks")
            {
                EchoServer.Run();
            }
            else
            {
                new AwaitEchoServer(result.GetValue(bufferSize)).Run(name);
            }
        });
        return command;
    }

    /// <summary>The command of the processes of ColdBenchmark.</summary>
    private static Command ColdCommand()
    {
        var seconds = new Argument<int>("seconds");
        var command = new Command(ColdBenchmark.Command) { seconds };
        command.Hidden = true;
        command.SetAction(result => ColdBenchmark.Run(result.GetValue(seconds)));
        return command;
    }

    /// <summary>The command of the clients of TlsBenchmark.</summary>
    private static Command TlsLoadCommand()
    {
        Argument<int> port = new("port"), pid = new("pid"), connections = new("connections");
        var seconds = new Argument<double>("seconds");
        var command = new Command(TlsBenchmark.Command) { port, pid, connections, seconds };
        command.Hidden = true;
        command.SetAction(result => TlsBenchmark.Run(
            result.GetValue(port), result.GetValue(pid), result.GetValue(connections), result.GetValue(seconds)));
        return command;
    }

    private static int Run(string? area, bool quick, int rounds, bool write, string? only, string name)
    {
        Console.WriteLine(FormattableString.Invariant(
            $"{Environment.ProcessorCount} cores, {RuntimeInformation.FrameworkDescription}, {rounds} rounds"));

        switch (area)
        {
            case ScaleBenchmark.Name:
                ScaleBenchmark.Run(quick, rounds, write);
                return 0;

            case MicroBenchmarks.Name:
                Finish(MicroBenchmarks.Run(quick), keep: !quick, write);
                return 0;

            default:
                return RunAreas(area, quick, rounds, write, only, name);
        }
    }

    private static int RunAreas(string? area, bool quick, int rounds, bool write, string? only, string name)
    {
        var results = new List<Result>();
        bool failed = false;

        foreach (Comparison comparison in Areas.Comparisons(area, quick).Where(c => c.Name.Contains(name, StringComparison.Ordinal)))
        {
            try
            {
                foreach (Result result in Runner.Run(
                    only is null ? comparison : comparison with { Contenders = [.. comparison.Contenders.Where(c => c.Name == only)] }, rounds))
                {
                    Report.Print(result, quick);
                    results.Add(result);

                    if (quick && Documented.Decline(result) > comparison.Patience)
                    {
                        Console.Error.WriteLine($"{comparison.Area}, {result.Name}: far slower than in docs/benchmarks.md in every round");
                        failed = true;
                    }
                    else if (quick && result.LimitShortfall > comparison.LimitPatience)
                    {
                        Console.Error.WriteLine($"{comparison.Area}, {result.Name}: far above its limit");
                        failed = true;
                    }
                }
            }
            catch (BenchmarkException e)
            {
                Console.Error.WriteLine($"{comparison.Area}, {comparison.Name}: {e.Message}");
                failed = true;
            }
        }

        Finish(results, keep: !quick && only is null && name.Length == 0, write);
        return failed ? 1 : 0;
    }

    private static void Finish(IReadOnlyList<Result> results, bool keep, bool write)
    {
        if (keep)
        {
            Store.Save(results);
        }

        if (write)
        {
            IReadOnlyList<Result> all = Store.Load();
            MarkdownReport.Write("docs/benchmarks.md", MarkdownReport.Results(all));
            ChartReport.Write("docs/benchmarks.svg", all);
        }
    }
}
