using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Mood.Event;

/// <summary>The texts of ToString. No member throws because of the watcher's state.</summary>
internal static class Description
{
    // Whether this thread is inside ToString of a Data. A Data may refer to its watcher, and its text may contain the watcher's:
    // without this mark, the two would call each other until the stack overflows.
    [ThreadStatic]
    private static bool s_isInData;

    /// <summary>"Timer every 1 s, due in 0.31 s, active, ChatServer.OnTick, data: room 7". The loop is claimed. The text of Data
    /// is made later: its ToString is user code, which runs only after the claim is released.</summary>
    internal static Line Of(Watcher watcher)
    {
        var parts = new List<string> { KindOf(watcher) };

        if (watcher.IsFreed)
        {
            parts.Add("disposed");
        }
        else
        {
            if (DueOf(watcher) is string due)
            {
                parts.Add(due);
            }

            parts.Add((watcher.IsActive, watcher.IsPending) switch
            {
                (true, false) => "active",
                (true, true) => "active, pending",
                (false, true) => "pending",
                _ => "not active",
            });
        }

        if (watcher.Waiting is string waiting)
        {
            parts.Add(waiting);
        }
        else if (watcher.CallbackMethod is not null)
        {
            parts.Add(MethodName.Of(watcher.CallbackMethod));
        }

        return new Line(string.Join(", ", parts), watcher.Data);
    }

    /// <summary>The text for a thread that may not read the watcher.</summary>
    internal static string Brief(Watcher watcher) => watcher.GetType().Name + " of a loop that runs on another thread";

    // ToString is user code: it must not break a description.
    internal static string? DataOf(object data)
    {
        if (s_isInData)
        {
            return null;
        }

        s_isInData = true;

        try
        {
            return data.ToString() ?? string.Empty;
        }
#pragma warning disable CA1031 // any exception: ToString is user code
        catch (Exception)
#pragma warning restore CA1031
        {
            return data.GetType().ToString();
        }
        finally
        {
            s_isInData = false;
        }
    }

    /// <summary>The whole text of an exception. Throws nothing: its ToString and its Message are user code.</summary>
    internal static string TextOf(Exception exception) => TextOf(exception, static exception => exception.ToString());

    /// <summary>The type and the message of an exception. Throws nothing.</summary>
    internal static string ShortTextOf(Exception exception) =>
        TextOf(exception, static exception => exception.GetType() + ": " + exception.Message);

    /// <summary>Replaces control characters. A name or a Data must not break a line, or change the terminal that shows it.</summary>
    internal static string Escape(string text)
    {
        StringBuilder? escaped = null;

        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i]))
            {
                escaped ??= new StringBuilder(text, 0, i, text.Length * 2);
                escaped.Append(text[i] switch
                {
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    _ => FormattableString.Invariant($"\\x{(int)text[i]:x2}"),
                });
            }
            else
            {
                escaped?.Append(text[i]);
            }
        }

        return escaped?.ToString() ?? text;
    }

    internal static string Seconds(double seconds) => string.Format(CultureInfo.InvariantCulture, "{0:0.###} s", seconds);

    private static string TextOf(Exception exception, Func<Exception, string> text)
    {
        try
        {
            return text(exception);
        }
#pragma warning disable CA1031 // any exception: the text is made where no exception may leave
        catch (Exception)
#pragma warning restore CA1031
        {
            return exception.GetType() + ", whose text cannot be shown because its ToString or its Message throws";
        }
    }

    private static string KindOf(Watcher watcher) => watcher switch
    {
        Io io => FormattableString.Invariant($"Io of fd {io.Fd} for {io.Events}"),
        Timer { Repeat: > 0 } timer => "Timer every " + Seconds(timer.Repeat),
        Periodic { Interval: > 0 } periodic => "Periodic every " + Seconds(periodic.Interval),
        Signal signal => "Signal " + Signum.Describe(signal.Signum),
        Child child => FormattableString.Invariant($"Child of pid {child.Pid}"),
        Stat stat => "Stat of " + stat.Path,
        Embed embed => "Embed of " + (embed.Other.Name ?? "a loop"),
        _ => watcher.GetType().Name,
    };

    private static string? DueOf(Watcher watcher) => watcher switch
    {
        { Waiting: not null, IsActive: false } => null,
        Child { HasExited: true, Pid: > 0 } child => child switch
        {
            { ExitCode: >= 0 } => FormattableString.Invariant($"exited with code {child.ExitCode}"),
            { TermSignal: > 0 } => "ended by signal " + Signum.Describe(child.TermSignal),
            _ => "ended",
        },
        Timer { IsActive: true } timer => "due in " + Seconds(Math.Max(0, timer.Remaining)),
        Periodic { IsActive: true } periodic => "due in " + Seconds(Math.Max(0, periodic.At - periodic.Loop.Now())),
        Scheduler { IsActive: true } scheduler => double.IsInfinity(scheduler.At)
            ? "never due"
            : "due in " + Seconds(Math.Max(0, scheduler.At - scheduler.Loop.Now())),
        _ => null,
    };

    /// <summary>The description of a watcher, with Data as an object. ToString calls user code, so no claim may be held.</summary>
    internal sealed class Line(string text, object? data)
    {
        public override string ToString() =>
            Escape(data is not null && DataOf(data) is string described ? text + ", data: " + described : text);
    }
}
