using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>A continuation that belongs in a SynchronizationContext or TaskScheduler that is not the loop's.</summary>
internal sealed class ForeignContinuation
{
    private static readonly Action<object?> s_call = static item => ((ForeignContinuation)item!).Call();
    private static readonly SendOrPostCallback s_post = static item => ((ForeignContinuation)item!).Call();

    // Immutable, and not a part of the wait: a misused wait may serve another await before a posted continuation runs.
    private readonly object _context;
    private readonly Action<object?> _continuation;
    private readonly object? _state;

    private ForeignContinuation(object context, Action<object?> continuation, object? state) =>
        (_context, _continuation, _state) = (context, continuation, state);

    /// <summary>Runs the continuation. Its argument is the ForeignContinuation.</summary>
    internal static Action<object?> Run { get; } = static item => ((ForeignContinuation)item!).RunCore();

    /// <summary>Captures what the awaiters of .NET capture: the current SynchronizationContext, or otherwise the current TaskScheduler.
    /// A context of the base class and the default scheduler do not count, because they use the thread pool.</summary>
    /// <returns>Null if there is nothing to capture.</returns>
    internal static ForeignContinuation? Capture(Action<object?> continuation, object? state) =>
        SynchronizationContext.Current is { } context && context.GetType() != typeof(SynchronizationContext)
            ? new ForeignContinuation(context, continuation, state)
        : TaskScheduler.Current is { } scheduler && scheduler != TaskScheduler.Default
            ? new ForeignContinuation(scheduler, continuation, state)
        : null;

    // If the current context is the captured one, the continuation is called at once, as by the awaiter of a Task. That is so when Start
    // was called in this context. Then the continuation runs on the loop's thread, inside the iteration.
    private void RunCore()
    {
        if (_context == SynchronizationContext.Current || _context == TaskScheduler.Current)
        {
            Call();
        }
        else if (_context is SynchronizationContext context)
        {
            context.Post(s_post, this);
        }
        else
        {
            Task.Factory.StartNew(s_call, this, CancellationToken.None, TaskCreationOptions.DenyChildAttach, (TaskScheduler)_context);
        }
    }

    private void Call() => _continuation(_state);
}
