using System;
using System.CommandLine;
using System.CommandLine.Invocation;
using System.Net;
using Mood.Event;

namespace Echo;

/// <summary>The options of the command line.</summary>
internal sealed record Options(
    bool SelfTest, IPAddress Host, int Port, int Connections, double Seconds, int Size, Backends Backend, int Loops)
{
    /// <summary>Calls a function with the options, or prints what is wrong with them. Returns the exit code.</summary>
    public static int Parse(string[] args, Func<Options, int> run)
    {
        var selfTest = new Option<bool>("--selftest")
        {
            Description = "Run clients in this process, check every byte, print a report, and exit with code 0 if all bytes came back.",
        };
        var host = new Option<IPAddress>("--host")
        {
            Description = "The address to listen on.",
            DefaultValueFactory = _ => IPAddress.Loopback,
            CustomParser = result =>
            {
                if (!IPAddress.TryParse(result.Tokens[0].Value, out IPAddress? address))
                {
                    result.AddError($"'{result.Tokens[0].Value}' is not an IP address.");
                }

                return address;
            },
        };
        Option<int?> port = Number<int?>("--port", 0, 65535, null, "The port. The default is 7777, or any free port for the self-test.");
        Option<int> connections = Number("--connections", 1, 100_000, 100, "Self-test: the number of clients.");
        Option<double> seconds = Number("--seconds", 0.1, 86400, 5.0, "Self-test: how long.");
        Option<int> size = Number("--size", 1, Pattern.MaxSize, 64, "Self-test: bytes per message.");
        Option<int> loops = Number("--loops", 1, 1024, 1, "The number of loops that serve. With 2 or more, each has its own thread and its own listening socket (SO_REUSEPORT).");
        var backend = new Option<Backends>("--backend") { HelpName = "backend", Description = $"The backend of the loops: Auto, or one of {Ev.SupportedBackends}." };
        var command = new RootCommand("A TCP echo server on one or several Mood.Event loops, with a self-test.")
        {
            selfTest, host, port, connections, seconds, size, loops, backend,
        };

        command.SetAction(result => run(new Options(
            result.GetValue(selfTest),
            result.GetValue(host)!,
            result.GetValue(port) ?? (result.GetValue(selfTest) ? 0 : 7777),
            result.GetValue(connections),
            result.GetValue(seconds),
            result.GetValue(size),
            result.GetValue(backend),
            result.GetValue(loops))));

        ParseResult parsed = command.Parse(args);
        int code = parsed.Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null }); // the loop handles SIGINT and SIGTERM
        return parsed.Action is ParseErrorAction ? 2 : code;
    }

    private static Option<T> Number<T>(string name, double minimum, double maximum, T initial, string description)
    {
        var option = new Option<T>(name) { Description = description, DefaultValueFactory = _ => initial };
        option.Validators.Add(result =>
        {
            // The parser itself reports a value that is not a number. NaN is outside every range.
            if (result.Tokens.Count > 0
                && double.TryParse(result.Tokens[0].Value, null, out double value) && !(value >= minimum && value <= maximum))
            {
                result.AddError($"{name} must lie between {minimum} and {maximum}.");
            }
        });
        return option;
    }
}
