using System;
using System.CommandLine;
using System.CommandLine.Invocation;
using System.ComponentModel;
using Mood.Event;
using Supervisor;

// Runs a program, and starts it again when it ends. Its own exit code is that of the program, or 128 + n after signal n.
var restart = new Option<Restart>("--restart") { Description = "When to start the program again.", DefaultValueFactory = _ => Restart.Failure };
Option<double> pause = Number("--pause", 0.01, 3600, 1, "Seconds before the first restart. The pause doubles while the program fails quickly.");
Option<double> limit = Number("--max-pause", 0.01, 3600, 60, "The longest pause, in seconds.");
Option<double> grace = Number("--grace", 0, 3600, 10, "Seconds between SIGTERM and SIGKILL, when the supervisor is stopped.");
Option<double> restarts = Number("--max-restarts", 0, int.MaxValue, int.MaxValue, "How often the program is started again.");
var words = new Argument<string[]>("COMMAND") { Description = "The program and its arguments, after --.", Arity = ArgumentArity.OneOrMore };

var command = new RootCommand("A supervisor on a Mood.Event loop: supervisor --restart Always -- sleep 5") { restart, pause, limit, grace, restarts, words };
command.SetAction(result =>
{
    var job = new Job(
        result.GetValue(words)!, result.GetValue(restart), result.GetValue(pause), result.GetValue(limit), result.GetValue(grace), (int)result.GetValue(restarts));

    try
    {
        using Loop loop = Loop.Default;
        return loop.Run(token => job.RunAsync(loop, token), new RunOptions { ShutdownTimeout = TimeSpan.FromSeconds(job.Grace + 5) });
    }
    catch (Exception e) when (e is Win32Exception or EventException or PlatformNotSupportedException)
    {
        Console.Error.WriteLine($"supervisor: {e.Message}");
        return 127;
    }
    catch (OperationCanceledException)
    {
        return 1; // a second signal
    }
});
ParseResult parsed = command.Parse(args);
int code = parsed.Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null }); // the loop handles SIGINT and SIGTERM
return parsed.Action is ParseErrorAction ? 2 : code;

static Option<double> Number(string name, double minimum, double maximum, double initial, string description)
{
    var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => initial };
    option.Validators.Add(result =>
    {
        if (result.Tokens.Count > 0 && !(double.TryParse(result.Tokens[0].Value, out double value) && value >= minimum && value <= maximum))
        {
            result.AddError($"{name} must lie between {minimum} and {maximum}.");
        }
    });
    return option;
}
