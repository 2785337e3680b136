using System;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// The ExecutionContext in which every callback begins: see StartContext.net8.cs. Only .NET 5 and later can restore a context.
/// On other runtimes, an AsyncLocal value that a callback sets is visible in the next callback.
/// </summary>
internal readonly struct StartContext
{
    private static readonly Action<ExecutionContext>? s_restore = (Action<ExecutionContext>?)typeof(ExecutionContext)
        .GetMethod("Restore", [typeof(ExecutionContext)])?.CreateDelegate(typeof(Action<ExecutionContext>));

    // null: the flow of contexts is suppressed, or the runtime cannot restore a context
    private readonly ExecutionContext? _context;

    private StartContext(ExecutionContext? context) => _context = context;

    internal static StartContext Capture() => s_restore is null ? default : new(ExecutionContext.Capture());

    /// <summary>Restores the context, if the callback has changed it.</summary>
    internal void Restore()
    {
        if (_context is not null && ExecutionContext.Capture() != _context)
        {
            s_restore!(_context);
        }
    }
}
