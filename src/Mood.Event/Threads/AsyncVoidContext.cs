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
/// The compiler's builder of an async void method (AsyncVoidMethodBuilder) captures the current context, which is this one. Before the
/// method's first statement the builder calls OperationStarted, which restores the previous context. So the method's awaits capture the
/// previous context, as without this class. If the method fails, the builder posts the exception to this context.
/// <para>OperationStarted and OperationCompleted are not passed on to the previous context. The context of a test framework counts async
/// void methods with these two calls, and the test waits until all have completed. It would wait for ever for a method whose loop does not
/// run any more.</para>
/// </remarks>
internal sealed class AsyncVoidContext(Loop loop, Watcher? watcher, MethodInfo method, SynchronizationContext? before)
    : SynchronizationContext
{
    /// <summary>The current context when the loop called the callback.</summary>
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
