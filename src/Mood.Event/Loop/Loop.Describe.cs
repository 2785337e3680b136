using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>ToString, and the description of the active watchers and waits. Description and MethodName have the texts.</content>
[DebuggerDisplay("{ToString(),nq}")]
public sealed partial class Loop
{
    // How often DescribeAsync looks whether a loop that has stopped can be read directly.
    private const int DescribePause = 50;

    /// <summary>The name in an ObjectDisposedException: the type, and the name that the program has given, because a program may have
    /// several loops. Any thread.</summary>
    internal string ObjectName => Name is string name ? $"{typeof(Loop).FullName} \"{Description.Escape(name)}\"" : typeof(Loop).FullName!;

    /// <summary>Describes the loop: its name, backend, state and number of watchers. For example "Loop chat, Epoll, running on
    /// thread 7, 3 watchers". The text is for people, and may change between versions. Any thread.</summary>
    /// <returns>The description.</returns>
    public override string ToString() => string.Format(
        CultureInfo.InvariantCulture,
        "Loop{0}{1}, {2}, {3}, {4} watcher{5}",
        IsDefault ? " (default)" : string.Empty,
        Name is null ? string.Empty : " " + Description.Escape(Name),
        Backend,
        State,
        Watchers.Count,
        Watchers.Count == 1 ? string.Empty : "s");

    private string State => (IsEnding, _starts) switch
    {
        (true, _) => "disposed",
        (_, 0) => "not running",
        _ => string.Format(CultureInfo.InvariantCulture, "running on thread {0}", LoopOwnership.IdOf(_ownership.Owner)),
    };

    /// <summary>The active and pending watchers that the program made. The watchers of awaits are not among them: see
    /// <see cref="DumpTo"/>.</summary>
    /// <returns>A copy. Later changes do not appear in it. Empty on a disposed loop.</returns>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public IReadOnlyList<Watcher> GetWatchers()
    {
        using Claim claim = ClaimToRead();
        List<Watcher> watchers = Watchers.All();
        watchers.RemoveAll(static watcher => watcher.IsInternal);
        return watchers;
    }

    /// <summary>
    /// Writes a description of the loop, one line per watcher. First it says what keeps <see cref="Start"/> from returning. The
    /// lines of awaits name the async method that waits. The text is for people, and may change between versions.
    /// </summary>
    /// <param name="writer">The writer of the text, for example <see cref="Console.Error"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="writer"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread. There use
    /// <see cref="DescribeAsync"/>.</exception>
    public void DumpTo(TextWriter writer)
    {
        Validate.NotNull(writer, nameof(writer));
        List<object> lines;

        using (ClaimToRead())
        {
            lines = Describe();
        }

        writer.Write(Join(lines));
    }

    /// <summary>Describes the loop as <see cref="DumpTo"/> does. Any thread. A running loop makes the description on its own thread,
    /// between two callbacks.</summary>
    /// <remarks>While a callback blocks the loop, the task does not complete. <see cref="Blocked"/> reports such a
    /// callback.</remarks>
    /// <returns>The description.</returns>
    public async Task<string> DescribeAsync()
    {
        Task<string>? posted = null;

        while (true)
        {
            if (TryRead(Describe) is List<object> lines)
            {
                return Join(lines);
            }

            if (posted is null || posted.Status is TaskStatus.Faulted or TaskStatus.Canceled)
            {
                posted = InvokeAsync(() => Join(Describe()));
                LoopThread.Ignore(posted); // the code below may return without reading its exception
            }

            // The loop may end its Start before it takes the post, or may be in the middle of its Dispose. In both cases this thread
            // can soon read the loop directly.
            await Task.WhenAny(posted, Task.Delay(DescribePause)).ConfigureAwait(false);

            if (posted.Status == TaskStatus.RanToCompletion)
            {
                return await posted.ConfigureAwait(false);
            }

            if (posted.IsFaulted)
            {
                await Task.Delay(DescribePause).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Calls a function that reads the loop and calls no user code, if this thread may use the loop now. Otherwise
    /// returns null. The claim is brief: a description must not keep another thread from using the loop.</summary>
    internal T? TryRead<T>(Func<T> read)
        where T : class
    {
        if (IsHere)
        {
            return read();
        }

        if (!TryTake(atHome: false, out Claim claim, out _))
        {
            return null;
        }

        using (claim)
        {
            return read();
        }
    }

    // Calls ToString of each Data, which is user code, so no brief claim may be held.
    private static string Join(List<object> lines)
    {
        var text = new StringBuilder();
        lines.ForEach(line => text.Append(line is Description.Line ? "  " : string.Empty).AppendLine(line.ToString()));
        return text.ToString();
    }

    // The lines. The line of a watcher is an object whose ToString makes the text later (see Join). All other lines are strings.
    private List<object> Describe()
    {
        var lines = new List<object> { ToString() };

        if (IsClosed)
        {
            return lines;
        }

        var keeping = new List<Watcher>();
        var others = new List<Watcher>();

        foreach (Watcher watcher in Watchers.All())
        {
            (watcher.IsActive && watcher.KeepAlive && watcher is not Scheduler { At: double.PositiveInfinity } ? keeping : others).Add(watcher);
        }

        lines.Add((keeping.Count, _references, _main) switch
        {
            (0, 0, null) => "Nothing keeps Start from returning.",
            _ => "Start does not return because of:",
        });
        lines.AddRange(keeping.ConvertAll(Description.Of));

        if (_references > 0)
        {
            lines.Add(FormattableString.Invariant($"  {_references} IncRef without DecRef (a LoopThread makes one)"));
        }

        for (MainTask? main = _main; main is not null; main = main.Outer)
        {
            lines.Add("  Run of " + main.Name);
        }

        string spawned = Spawned.Names(), calls = Calls.Names();

        if (spawned.Length > 0)
        {
            // only Run waits for them
            lines.Add((_main is null ? "Spawned functions that have not ended: " : "  spawned functions that have not ended: ") + spawned);
        }

        if (others.Count > 0)
        {
            lines.Add("These do not keep Start from returning:");
            lines.AddRange(others.ConvertAll(Description.Of));
        }

        if (_starts == 0 && keeping.Exists(static watcher => watcher.Waiting is not null))
        {
            lines.Add("No thread runs the loop: its awaits cannot end before Start or Run is called.");
        }

        if (_posts.Waiting > 0)
        {
            lines.Add("Posted actions that wait: " + MethodName.Counted(_posts.ToList().ConvertAll(static action => MethodName.Of(action))));
        }

        if (calls.Length > 0)
        {
            lines.Add("InvokeAsync calls that have not ended: " + calls);
        }

        return lines;
    }
}
