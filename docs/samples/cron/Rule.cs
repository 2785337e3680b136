using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Cron;

/// <summary>
/// A calendar rule: minute, hour, day of the month, month, day of the week (0 to 7, Sunday is 0 and 7). Each field is * or a list of
/// numbers and ranges, with an optional step: "*/15 8-18 * * 1-5". If both days are restricted, one of them is enough.
/// </summary>
/// <remarks>
/// When the clocks go forward, a rule for a time that is skipped runs right after the jump. When they go back, a rule for a time that
/// comes twice runs the first time. A rule for every hour (*) is different: it does not run for a skipped hour, and runs twice in an hour
/// that comes twice.
/// </remarks>
internal sealed class Rule
{
    private static readonly (string Name, int First, int Last)[] s_fields =
        [("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7)];

    private readonly HashSet<int>[] _fields;
    private readonly bool _everyHour, _everyDay, _everyWeekday;

    private Rule(string[] fields)
    {
        _fields = [.. fields.Select((field, i) => Parse(field, s_fields[i]))];
        _everyHour = fields[1][0] == '*';
        (_everyDay, _everyWeekday) = (fields[2] == "*", fields[4] == "*");
    }

    /// <exception cref="FormatException">The text is no rule.</exception>
    public static Rule Parse(string text)
    {
        string[] fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length == s_fields.Length ? new Rule(fields)
            : throw new FormatException($"'{text}' has {fields.Length} fields. A rule has five: minute, hour, day of the month, month, day of the week.");
    }

    /// <summary>The first time after a time, in the time zone; null if there is none within ten years.</summary>
    public DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone)
    {
        DateTimeOffset end = after.AddYears(10);
        DateTimeOffset time = Local(after.AddTicks(-(after.Ticks % TimeSpan.TicksPerMinute)), zone); // the full minute before

        while (time < end)
        {
            DateTimeOffset next = Local(time.AddMinutes(1), zone);

            if (HasSkipped(time.DateTime, next.DateTime) || (Matches(next.DateTime) && !IsRepeated(next, zone)))
            {
                return next;
            }

            // On a day without a call, continue half an hour before midnight, unless the clocks change until then.
            DateTimeOffset later = Local(next.AddHours(23 - next.Hour).AddMinutes(30 - next.Minute), zone);
            time = !IsDay(next.DateTime) && later > next && later.Date == next.Date && later.Offset == next.Offset ? later : next;
        }

        return null;
    }

    private static DateTimeOffset Local(DateTimeOffset time, TimeZoneInfo zone) => TimeZoneInfo.ConvertTime(time, zone);

    private static HashSet<int> Parse(string field, (string Name, int First, int Last) range)
    {
        var values = new HashSet<int>();

        foreach (string part in field.Split(','))
        {
            string[] steps = part.Split('/'), ends = steps[0].Split('-');
            int step = steps.Length == 2 ? Number(steps[1]) : 1;
            int first = steps[0] == "*" ? range.First : Number(ends[0]);
            int last = steps[0] == "*" || (ends.Length == 1 && steps.Length == 2) ? range.Last : Number(ends[^1]);

            if (steps.Length > 2 || ends.Length > 2 || step < 1 || first < range.First || last > range.Last || first > last)
            {
                throw Wrong();
            }

            for (int value = first; value <= last; value += step)
            {
                values.Add(range.Last == 7 ? value % 7 : value);
            }
        }

        return values;

        int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw Wrong();

        FormatException Wrong() => new($"'{field}' is no {range.Name}: use *, or numbers from {range.First} to {range.Last} like 1,2 or 1-5 or */2.");
    }

    // Whether the clocks went forward from `time` to `next` and skipped a time of the rule. The loop compares at most two hours.
    private bool HasSkipped(DateTime time, DateTime next)
    {
        for (DateTime t = time.AddMinutes(1); !_everyHour && t < next; t = t.AddMinutes(1))
        {
            if (Matches(t))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsRepeated(DateTimeOffset time, TimeZoneInfo zone) =>
        !_everyHour && zone.IsAmbiguousTime(time.DateTime) && time.Offset == zone.GetAmbiguousTimeOffsets(time.DateTime).Min();

    private bool Matches(DateTime time) => _fields[0].Contains(time.Minute) && _fields[1].Contains(time.Hour) && IsDay(time);

    private bool IsDay(DateTime time)
    {
        bool day = _fields[2].Contains(time.Day), weekday = _fields[4].Contains((int)time.DayOfWeek);
        return _fields[3].Contains(time.Month) && (_everyDay || _everyWeekday ? day && weekday : day || weekday);
    }
}
