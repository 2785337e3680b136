using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Mood.Event;

namespace Prompt;

/// <summary>The commands of the prompt. All members are used on the loop's thread.</summary>
internal sealed class Commands(Loop loop, TextWriter output)
{
    private readonly List<Timer> _reminders = [];

    /// <summary>Executes a line. False: the user wants to leave.</summary>
    public bool Execute(string line)
    {
        string[] words = line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        switch (words)
        {
            case []:
                break;
            case ["quit"]:
                return false;
            case ["in", string seconds, string text] when double.TryParse(seconds, NumberStyles.Float, CultureInfo.InvariantCulture, out double after)
                && after is >= 0 and < 1e6:
                Remind(after, text);
                break;
            case ["list"]:
                _reminders.ForEach(timer => output.WriteLine(FormattableString.Invariant($"in {timer.Remaining:0} s: {timer.Data}")));
                break;
            case ["help"]:
                output.WriteLine("in SECONDS TEXT   reminds you\nlist              lists the reminders\nquit              ends");
                break;
            default:
                output.WriteLine($"'{line}' is no command: type help");
                break;
        }

        return true;
    }

    private void Remind(double after, string text)
    {
        Timer reminder = loop.Timer(after, 0, OnReminder, text);
        reminder.Start();
        _reminders.Add(reminder);
    }

    private void OnReminder(Timer timer, Events events)
    {
        _reminders.Remove(timer);
        output.Write($"\n*** {timer.Data}\n> ");
        timer.Dispose();
    }
}
