using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// The ExecutionContext in which Start was called. Every callback begins in it. So an AsyncLocal value that a callback sets is not
/// visible in the next callback. The check costs one comparison of references per event.
/// </summary>
/// <remarks>
/// The check reads the runtime's own field, Thread._executionContext. ExecutionContext.Capture would be slower: it is a call, and
/// looks up the thread each time. On a runtime without this field, the check calls Capture.
/// </remarks>
internal readonly struct StartContext
{
    private static readonly bool s_hasField = typeof(Thread)
        .GetField("_executionContext", BindingFlags.Instance | BindingFlags.NonPublic)?.FieldType == typeof(ExecutionContext);

    private readonly Thread _thread;

    // The value of the field at the time of Capture. Null is the default context.
    private readonly ExecutionContext? _field;

    // Null: the flow of contexts is suppressed, and nothing can be restored.
    private readonly ExecutionContext? _context;

    private StartContext(Thread thread)
    {
        _thread = thread;
        _context = ExecutionContext.Capture();
        _field = s_hasField ? Field(thread) : _context;
    }

    internal static StartContext Capture() => new(Thread.CurrentThread);

    /// <summary>Restores the context, if the callback has changed it. It must be called on the thread of Capture.</summary>
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
