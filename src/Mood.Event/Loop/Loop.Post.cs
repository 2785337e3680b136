using System;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>The door for other threads.</content>
public sealed partial class Loop
{
    private readonly PostQueue _posts = new();

    /// <summary>The asynchronous calls that have not ended.</summary>
    internal AsyncCalls Calls { get; } = new();

    /// <summary>Whether the loop may go on calling what was posted: it was not stopped with an exception nor disposed.</summary>
    internal bool MayCall => _failure is null && !_closing;

    /// <summary>
    /// Has the loop's thread call the action. Any thread, finalizers and reschedule functions included; in the order of
    /// posting for each thread. Actions do not keep <see cref="Start"/> from returning: while the loop does not run, they
    /// wait for the next Start. What an action posts runs after the loop has looked after its other events. Exceptions of
    /// the action go where those of watchers go (<see cref="CallbackException"/>, <see cref="FatalAttribute"/>). What was
    /// accepted runs, at the latest in <see cref="Dispose"/>.
    /// </summary>
    /// <param name="action">What to call.</param>
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
    /// <param name="state">Passed to the action, which so needs no closure.</param>
    public void Post<TState>(Action<TState> action, TState state)
    {
        if (!TryPost(action, state))
        {
            Error.Throw_Disposed(this);
        }
    }

    /// <summary><see cref="Post(Action)"/> for those who cannot know whether the loop still exists.</summary>
    /// <param name="action">What to call.</param>
    /// <returns>False: the loop is disposed, and the action will not be called.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="action"/> is null.</exception>
    public bool TryPost(Action action) => IsAccepted(_posts.Add(Validate.NotNull(action, nameof(action))));

    /// <inheritdoc cref="TryPost(Action)"/>
    /// <typeparam name="TState">The state's type; a value is not boxed.</typeparam>
    /// <param name="state">Passed to the action, which so needs no closure.</param>
    public bool TryPost<TState>(Action<TState> action, TState state) =>
        IsAccepted(_posts.Add(Validate.NotNull(action, nameof(action)), state));

    /// <summary>
    /// Has the loop's thread call the action, and tells how it went. Any thread; waiting for the task on the loop's own thread
    /// hangs. Continuations of the task run on the thread pool, unless they ask for a context. AsyncLocal values of the
    /// caller's are the action's too, which is not so with <see cref="Post(Action)"/>.
    /// </summary>
    /// <param name="action">What to call.</param>
    /// <returns>Ends with the action, and with its exception if it throws one. Fails with
    /// <see cref="ObjectDisposedException"/> if the loop is disposed.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="action"/> is null.</exception>
    public Task InvokeAsync(Action action)
    {
        Validate.NotNull(action, nameof(action));
        return InvokeAsync(() =>
        {
            action();
            return true;
        });
    }

    /// <inheritdoc cref="InvokeAsync(Action)"/>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <param name="function">What to call.</param>
    /// <returns>The function's result, or its exception. Fails with <see cref="ObjectDisposedException"/> if the loop is
    /// disposed.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="function"/> is null.</exception>
    public Task<T> InvokeAsync<T>(Func<T> function)
    {
        Validate.NotNull(function, nameof(function));

#if NET8_0_OR_GREATER
        // the compiler takes a function of a ValueTask for one of a T: its end is waited for all the same
        if (function is Func<ValueTask> asynchronous)
        {
            return InvokeAsync(new AsyncCall<T>(this, () => asynchronous().AsTask()));
        }
#endif

        var call = new Call<T>(function);

        if (!TryPost(static call => call.Run(), call))
        {
            call.Fail(Error.ObjectDisposed_Call(this));
        }

        return call.Task;
    }

    /// <summary>
    /// Has the loop's thread call an asynchronous function; what follows its awaits runs there too, for
    /// <see cref="SynchronizationContext"/> is set. Any thread; waiting for the task on the loop's own thread hangs.
    /// </summary>
    /// <param name="function">What to call.</param>
    /// <returns>Ends as the function's task does. Fails with <see cref="ObjectDisposedException"/> if the loop is disposed
    /// before that.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="function"/> is null.</exception>
    public Task InvokeAsync(Func<Task> function) =>
        InvokeAsync(new AsyncCall<bool>(this, Validate.NotNull(function, nameof(function))));

    /// <inheritdoc cref="InvokeAsync(Func{Task})"/>
    /// <typeparam name="T">The result's type.</typeparam>
    public Task<T> InvokeAsync<T>(Func<Task<T>> function) =>
        InvokeAsync(new AsyncCall<T>(this, Validate.NotNull(function, nameof(function))));

    private Task<T> InvokeAsync<T>(AsyncCall<T> call)
    {
        if (!TryPost(static call => call.Run(), (AsyncCall)call))
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

        // The first since the loop looked wakes it. If there is nothing left to wake, either Dispose was faster and has run
        // it, or the loop was abandoned, and finalized before whoever posts this: nobody will ever run anything.
        bool accepted = Handle.Wake() || !_posts.Close();
        GC.KeepAlive(this);
        return accepted;
    }
}
