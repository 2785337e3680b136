using System;
using System.CommandLine;
using System.Net;
using Mood.Event;

namespace Echo;

/// <summary>The options of the command line.</summary>
internal sealed record Options(
    bool SelfTest, IPAddress Host, int Port, int Connections, double Seconds, int Size, double Idle, Backends Backend, int Loops)
{
    private const int DefaultPort = 7777;

    public static RootCommand CommandLine(Func<Options, int> run)
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
                if (IPAddress.TryParse(result.Tokens[0].Value, out IPAddress? address))
                {
                    return address;
                }

                result.AddError($"'{result.Tokens[0].Value}' is not an IP address.");
                return null;
            },
        };
        Option<int?> port = Number<int?>("--port", 0, 65535, null, $"The port; without it {DefaultPort}, or any free one for the self-test.");
        Option<int> connections = Number("--connections", 1, 100_000, 100, "Self-test: how many clients.");
        Option<double> seconds = Number("--seconds", 0.1, 86400, 5.0, "Self-test: how long.");
        Option<int> size = Number("--size", 1, Pattern.MaxSize, 64, "Self-test: bytes per message.");
        Option<double> idle = Number("--idle", 0, 86400, 60.0, "Seconds of silence after which a connection is closed; 0: never.");
        var backend = new Option<Backends>("--backend")
        {
            Description = "The backend of the loop.",
            DefaultValueFactory = _ => Backends.Auto,
        };

        Check(backend, asked => (asked & ~Backends.All) == 0, $"--backend takes Auto or one of {Ev.SupportedBackends}.");
        Option<int> loops = Number("--loops", 1, 1024, 1, "How many loops serve, from 2 on each on a thread of its own with a listener of its own (SO_REUSEPORT).");

        var command = new RootCommand("A TCP echo server on one Mood.Event loop, or several, and its test.")
        {
            selfTest, host, port, connections, seconds, size, idle, backend, loops,
        };

        command.SetAction(result =>
        {
            bool test = result.GetValue(selfTest);
            return run(new Options(
                test,
                result.GetValue(host)!,
                result.GetValue(port) ?? (test ? 0 : DefaultPort),
                result.GetValue(connections),
                result.GetValue(seconds),
                result.GetValue(size),
                result.GetValue(idle),
                result.GetValue(backend),
                result.GetValue(loops)));
        });

        return command;
    }

    private static Option<T> Number<T>(string name, double minimum, double maximum, T initial, string description)
    {
        var option = new Option<T>(name) { Description = description, DefaultValueFactory = _ => initial };

        // the condition is written so that NaN fails it
        Check(
            option,
            value => value is null || (Convert.ToDouble(value, null) is double number && number >= minimum && number <= maximum),
            $"{name} must lie between {minimum} and {maximum}.");
        return option;
    }

    private static void Check<T>(Option<T> option, Predicate<T?> holds, string otherwise) => option.Validators.Add(result =>
    {
        try
        {
            if (!holds(result.GetValueOrDefault<T>()))
            {
                result.AddError(otherwise);
            }
        }
        catch (InvalidOperationException)
        {
            // the value has the wrong type, and the parser reports this
        }
    });
}
