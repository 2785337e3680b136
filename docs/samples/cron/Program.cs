using System;
using System.CommandLine;
using System.CommandLine.Invocation;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Cron;
using Mood.Event;

// Runs a command at the times of a calendar rule, or writes these times.
var zone = new Option<string?>("--zone") { Description = "The time zone, such as Europe/Berlin. The default is that of TZ, a name or a file, or else that of this machine." };
var list = new Option<int>("--list") { Description = "Write the next N times and exit." };
var from = new Option<DateTimeOffset?>("--from") { Description = "With --list: the time to begin at, such as 2026-03-28T12:00Z." };
var every = new Option<double?>("--every") { Description = "Run the command at this interval, in seconds, and not by a rule." };
var words = new Argument<string[]>("RULE COMMAND") { Description = "The rule, five fields in one argument, and the command of a shell: cron '0 3 * * *' 'backup.sh'", Arity = ArgumentArity.OneOrMore };

var command = new RootCommand("A cron on a Mood.Event loop.") { zone, list, from, every, words };
command.SetAction(result =>
{
    string[] arguments = result.GetValue(words)!;

    try
    {
        TimeZoneInfo timeZone = result.GetValue(zone) is string id ? TimeZoneInfo.FindSystemTimeZoneById(id) : LocalZone();
        double? seconds = result.GetValue(every);

        if (seconds is not null)
        {
            return arguments.Length == 1 ? Run(loop => loop.Periodic(0, seconds.Value, (_, _) => Execute(loop, arguments[0])))
                : Usage("--every takes one argument, the command.");
        }

        Rule rule = Rule.Parse(arguments[0]);

        if (result.GetValue(list) > 0)
        {
            return List(rule, result.GetValue(from) ?? DateTimeOffset.UtcNow, timeZone, result.GetValue(list));
        }

        return arguments.Length == 2
            ? Run(loop => loop.Scheduler((_, now) => rule.Next(now, timeZone), (_, _) => Execute(loop, arguments[1])))
            : Usage("a rule and a command are needed: two arguments in quotes.");
    }
    catch (Exception e) when (e is FormatException or TimeZoneNotFoundException or InvalidTimeZoneException or ArgumentOutOfRangeException)
    {
        return Usage(e.Message);
    }
    catch (Exception e) when (e is EventException or PlatformNotSupportedException)
    {
        Console.Error.WriteLine($"cron: {e.Message}");
        return 1;
    }
});
ParseResult parsed = command.Parse(args);
int code = parsed.Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null }); // the loop handles SIGINT and SIGTERM
return parsed.Action is ParseErrorAction ? 2 : code;

// The machine's own zone may have no name: its id is then one that FindSystemTimeZoneById does not know.
static TimeZoneInfo LocalZone()
{
    string text = OperatingSystem.IsWindows() ? "" : (Environment.GetEnvironmentVariable("TZ") ?? "").TrimStart(':');

    // .NET knows names and files. It takes every other TZ as UTC, also a rule like CET-1CEST,M3.5.0,M10.5.0/3, which C knows.
    return text.Length == 0 || (Path.IsPathRooted(text) && File.Exists(text)) || TimeZoneInfo.TryFindSystemTimeZoneById(text, out _)
        ? TimeZoneInfo.Local
        : throw new TimeZoneNotFoundException($"the environment variable TZ is '{text}', which .NET does not know: use a name like Europe/Berlin, or --zone.");
}

static int Usage(string message)
{
    Console.Error.WriteLine($"cron: {message}\ncron: --help shows the usage");
    return 2;
}

static int List(Rule rule, DateTimeOffset time, TimeZoneInfo zone, int count)
{
    for (int i = 0; i < count && rule.Next(time, zone) is DateTimeOffset next; i++)
    {
        Console.WriteLine(next.ToString("ddd yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture));
        time = next;
    }

    return 0;
}

static int Run(Func<Loop, Watcher> watch)
{
    using Loop loop = Loop.Default;

    foreach (int signum in new[] { Signum.SIGINT, Signum.SIGTERM })
    {
        loop.Signal(signum, (_, _) => loop.Stop()).Start();
    }

    loop.CallbackException += (_, e) => Console.Error.WriteLine($"cron: {e.Exception.Message}");
    watch(loop).Start();
    Console.WriteLine($"cron: process {Environment.ProcessId}");
    loop.Start();
    return 0;
}

static void Execute(Loop loop, string text)
{
    try
    {
        Process process = Process.Start("/bin/sh", ["-c", text]);
        loop.Child(process, trace: false, (child, _) =>
        {
            Console.WriteLine(child.TermSignal != 0 ? $"cron: signal {child.TermSignal}" : $"cron: exit code {child.ExitCode}");
            child.Dispose();
            process.Dispose();
        }).Start();
    }
    catch (Win32Exception e)
    {
        Console.Error.WriteLine($"cron: {e.Message}");
    }
}
