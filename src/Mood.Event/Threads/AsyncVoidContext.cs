using System;
using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// The synchronization context in which an async void method begins, so that its exception goes to the loop and does not end the
/// process. The method itself does not see this context.
/// </summary>
/// <remarks>
/// The builder of an async void method captures the current context once, and calls its OperationStarted before the method's first
/// statement. In OperationStarted, this context restores the previous context, so that each await captures the same context as
/// without this class. At the end of the method the builder posts the exception, if any, to the captured context. The previous
/// context gets no OperationStarted and no OperationCompleted. A test framework counts async void methods with them, and would
/// wait for ever for a method whose loop does not run any more.
/// </remarks>
internal sealed class AsyncVoidContext(Loop loop, Watcher? watcher, MethodInfo method, SynchronizationContext? before)
    : SynchronizationContext
{
    /// <summary>The context that the callback was called in.</summary>
    internal SynchronizationContext? Before => before;

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    /// <inheritdoc/>
    public override void OperationStarted() => SetSynchronizationContext(before);

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
        if (state is ExceptionDispatchInfo thrown)
        {
            loop.OnAsyncVoidException(watcher, method, thrown.SourceException);
        }
        else if (before is not null)
        {
            before.Post(d, state);
        }
        else
        {
            base.Post(d, state);
        }
    }
}
