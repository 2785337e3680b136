using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// The ExecutionContext that every callback starts from: that of the Start around it. An AsyncLocal value that a callback sets
/// is gone when the next callback begins. The check costs one comparison of references per event.
/// </summary>
/// <remarks>
/// The check reads the runtime's own field, Thread._executionContext, because ExecutionContext.Capture is a call and finds the
/// thread anew. Where a runtime has no such field, the check calls Capture.
/// </remarks>
internal readonly struct StartContext
{
    private static readonly bool s_hasField = typeof(Thread)
        .GetField("_executionContext", BindingFlags.Instance | BindingFlags.NonPublic)?.FieldType == typeof(ExecutionContext);

    private readonly Thread _thread;

    // the field at the time of Capture; null is the default context
    private readonly ExecutionContext? _field;

    // null: the flow of contexts is suppressed, and nothing can be restored
    private readonly ExecutionContext? _context;

    private StartContext(Thread thread)
    {
        _thread = thread;
        _context = ExecutionContext.Capture();
        _field = s_hasField ? Field(thread) : _context;
    }

    internal static StartContext Capture() => new(Thread.CurrentThread);

    /// <summary>Restores the context, if the callback has changed it. On the thread of Capture.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Restore()
    {
        if ((s_hasField ? Field(_thread) : ExecutionContext.Capture()) != _field)
        {
            RestoreCore();
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_executionContext")]
    private static extern ref ExecutionContext? Field(Thread thread);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RestoreCore()
    {
        if (_context is not null)
        {
            ExecutionContext.Restore(_context);
        }
    }
}
