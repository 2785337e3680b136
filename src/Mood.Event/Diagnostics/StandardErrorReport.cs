using System;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace Mood.Event;

/// <summary>
/// Writes the exceptions of a loop that has no handler of <see cref="Loop.CallbackException"/> to standard error. The first few
/// are written with their stack traces. Further ones are only counted, because a callback may throw at each of a million events.
/// One line per second gives their number. After a second without an exception, the next exceptions are written in full again.
/// </summary>
internal sealed class StandardErrorReport
{
    // how many exceptions are written in full before further ones are only counted
    internal const int MaxFull = 5;

    private const double Pause = 1;

    private readonly Gate _gate = new();

    // under the gate: the exceptions since the last pause that were written in full, and those that no line has counted yet
    private int _full, _uncounted;

    // under the gate: the times of the last exception and of the last text, in seconds
    private double _last = double.NegativeInfinity, _written = double.NegativeInfinity;

    /// <summary>Writes a text to standard error, if there is one.</summary>
    /// <remarks>In a process that was started without standard error, fd 2 is a file of the runtime. Bytes written to it end the process.
    /// mood_fd_check tells the two cases apart: the runtime's files are close-on-exec, and an inherited file never is. On Windows this
    /// cannot happen, because the handle of standard error has no fixed number.</remarks>
    internal static void WriteLine(string text)
    {
        if (Platform.IsWindows || Native.mood_fd_check(2) == 0)
        {
            Console.Error.WriteLine(text);
        }
    }

    /// <summary>Writes the exception, or counts it for a later line.</summary>
    /// <param name="describe">Names the callback.</param>
    /// <param name="exception">The exception of the callback.</param>
    internal void Write(Func<string> describe, Exception exception)
    {
        string? text = Add(describe, exception, Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency);

        if (text is not null)
        {
            WriteLine(text);
        }
    }

    /// <summary>Writes the number of exceptions that no line has counted. The loop has ended. Throws nothing.</summary>
    internal void Flush()
    {
        int count;

        using (_gate.Enter())
        {
            (count, _uncounted) = (_uncounted, 0);
        }

        if (count > 0)
        {
            Loop.Write(Count(count));
        }
    }

    /// <summary>The text to write now, if any.</summary>
    /// <param name="describe">Names the callback.</param>
    /// <param name="exception">The exception of the callback.</param>
    /// <param name="now">Seconds on a monotonic clock.</param>
    internal string? Add(Func<string> describe, Exception exception, double now)
    {
        int count;
        bool full;

        using (_gate.Enter())
        {
            _full = now - _last >= Pause ? 0 : _full;
            _last = now;
            full = _full < MaxFull;
            _uncounted++;

            if (full)
            {
                _full++;
                _uncounted--;
            }
            else if (now - _written < Pause)
            {
                return null;
            }

            _written = now;
            (count, _uncounted) = (_uncounted, 0);
        }

        string before = full && count > 0 ? $"Mood.Event: {Count(count)}{Environment.NewLine}" : string.Empty;
        return full
            ? $"{before}Mood.Event: unhandled exception in {describe()}: {Description.TextOf(exception)}"
            : $"Mood.Event: {Count(count)}, the last one in {describe()}: {Description.ShortTextOf(exception)}";
    }

    private static string Count(int count) => string.Format(
        CultureInfo.InvariantCulture, "{0} more unhandled exception{1} in callbacks", count, count == 1 ? string.Empty : "s");

    /// <summary>Names what has thrown.</summary>
    /// <param name="watcher">The watcher, if its callback has thrown.</param>
    /// <param name="method">The method of the callback or of the posted action.</param>
    /// <param name="what">The name, if something else has thrown.</param>
    internal static string Describe(Watcher? watcher, MethodInfo? method, string? what)
    {
        if (what is not null)
        {
            return what;
        }

        string name = method is null ? string.Empty : " " + MethodName.Of(method);

        if (watcher is null)
        {
            return name.Length == 0 ? MethodName.Continuation : "the posted action" + name;
        }

        string data = watcher.Data is null ? string.Empty : $" (Data: {Description.DataOf(watcher.Data)})";
        return $"the callback{name} of {KindOf(watcher)}{data}";
    }

    private static string KindOf(Watcher watcher) => watcher switch
    {
        Io io => string.Format(CultureInfo.InvariantCulture, "an Io of fd {0}", io.Fd),
        Signal signal => string.Format(CultureInfo.InvariantCulture, "a Signal of signal {0}", signal.Signum),
        Child child => string.Format(CultureInfo.InvariantCulture, "a Child of pid {0}", child.Pid),
        Stat stat => "a Stat of " + stat.Path,
        Idle or Embed or Async => "an " + watcher.GetType().Name,
        _ => "a " + watcher.GetType().Name,
    };
}
