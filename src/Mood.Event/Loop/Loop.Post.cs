using System;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Calls from other threads.</content>
public sealed partial class Loop
{
    /// <summary>Whether the loop may go on calling posted actions. False after an exception has stopped the loop, or after
    /// Dispose.</summary>
    internal bool MayCall => _failure is null && !_closing;

    /// <summary>
    /// Queues an action, which the loop's thread calls. Any thread, also in finalizers and reschedule functions. The loop calls
    /// the actions of one thread in the order of their posts.
    /// </summary>
    /// <remarks>
    /// Posted actions do not keep <see cref="Start"/> from returning. While the loop does not run, they wait for the next Start.
    /// An action that is posted by an action runs after the loop's other events. An exception of the action goes to
    /// <see cref="CallbackException"/>, or stops the loop if the action is marked <see cref="FatalAttribute"/>. An accepted
    /// action always runs, at the latest in <see cref="Dispose"/>. For an asynchronous function use <see cref="Spawn"/>. If the function
    /// is passed to Post, it becomes an <c>async void</c> method, and in a plain Start its exception ends the process.
    /// </remarks>
    /// <param name="action">The action to call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="action"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void Post(Action action)
    {
        if (!TryPost(action))
        {
            Error.Throw_Disposed(this);
        }
    }

    /// <inheritdoc cref="Post(Action)"/>
    /// <typeparam name="TState">The state's type; a value is not boxed.</typeparam>
    /// <param name="state">The argument of the action. With it, the action needs no closure.</param>
    public void Post<TState>(Action<TState> action, TState state)
    {
        if (!TryPost(action, state))
        {
            Error.Throw_Disposed(this);
        }
    }

    /// <summary>As <see cref="Post(Action)"/>, but returns false on a disposed loop instead of throwing.</summary>
    /// <param name="action">The action to call.</param>
    /// <returns>True: the loop will call the action. False: the loop is disposed, and the action will not be called.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="action"/> is null.</exception>
    public bool TryPost(Action action) => IsAccepted(_posts.Add(Validate.NotNull(action, nameof(action))));

    /// <inheritdoc cref="TryPost(Action)"/>
    /// <typeparam name="TState">The state's type; a value is not boxed.</typeparam>
    /// <param name="state">The argument of the action. With it, the action needs no closure.</param>
    public bool TryPost<TState>(Action<TState> action, TState state) =>
        IsAccepted(_posts.Add(Validate.NotNull(action, nameof(action)), state));

    /// <summary>
    /// Queues an action, which the loop's thread calls. Returns a task that completes when the action has ended. Any thread. The
    /// loop's own thread must not block until the task completes: it would wait for ever.
    /// </summary>
    /// <remarks>Continuations of the task run on the thread pool, unless another context was captured. Unlike with
    /// <see cref="Post(Action)"/>, the action sees the AsyncLocal values of the caller.</remarks>
    /// <param name="action">The action to call.</param>
    /// <returns>A task that completes when the action has ended. It fails with the action's exception, if any. It fails with
    /// <see cref="ObjectDisposedException"/> if the loop is disposed.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="action"/> is null.</exception>
    public Task InvokeAsync(Action action)
    {
        Validate.NotNull(action, nameof(action));
        return Invoke(new FunctionCall<bool>(
            () =>
            {
                action();
                return true;
            },
            action));
    }

    /// <inheritdoc cref="InvokeAsync(Action)"/>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <param name="function">The function to call.</param>
    /// <returns>A task with the function's result, or its exception. It fails with <see cref="ObjectDisposedException"/> if the
    /// loop is disposed.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="function"/> is null.</exception>
    public Task<T> InvokeAsync<T>(Func<T> function) => Invoke(NewCall(Validate.NotNull(function, nameof(function))));

    /// <summary>
    /// Queues an asynchronous function, which the loop's thread calls. Returns a task that completes when the function has ended.
    /// The continuations of its awaits run on the loop's thread too: <see cref="SynchronizationContext"/> is set there. Any
    /// thread. The loop's own thread must not block until the task completes: it would wait for ever.
    /// </summary>
    /// <param name="function">The function to call.</param>
    /// <returns>A task that ends as the function's task does. It fails with <see cref="ObjectDisposedException"/> if the loop is
    /// disposed first.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="function"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="function"/> is a delegate of several methods.</exception>
    public Task InvokeAsync(Func<Task> function) =>
        Invoke(new AsyncCall<bool>(this, Validate.Function(function, nameof(function))));

    /// <inheritdoc cref="InvokeAsync(Func{Task})"/>
    /// <typeparam name="T">The result's type.</typeparam>
    public Task<T> InvokeAsync<T>(Func<Task<T>> function) =>
        Invoke(new AsyncCall<T>(this, Validate.Function(function, nameof(function))));

    private Task<T> Invoke<T>(Call<T> call)
    {
        if (!TryPost(static call => call.Run(), (Call)call))
        {
            call.Fail(Error.ObjectDisposed_Call(this));
        }

        return call.Task;
    }

    private bool IsAccepted(PostQueue.Answer answer)
    {
        if (answer != PostQueue.Answer.First)
        {
            return answer == PostQueue.Answer.Further;
        }

        // The first item since the loop last took the queue wakes the loop. The wake fails in two cases. If the loop was disposed, its
        // Dispose has closed the queue and runs the item. If the loop was abandoned and its handle finalized, no thread will run the
        // item. In the second case the queue is still open, so _posts.Close returns true, and the item is not accepted.
        bool accepted = Handle.Wake() || !_posts.Close();
        GC.KeepAlive(this);
        return accepted;
    }
}
