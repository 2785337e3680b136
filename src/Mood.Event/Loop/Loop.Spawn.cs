using System;
using System.Reflection;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Functions that run beside the main function.</content>
public sealed partial class Loop
{
    /// <summary>The spawned functions that have not ended. Any thread, under a gate of its own.</summary>
    internal SpawnedCalls Spawned { get; } = new();

    /// <summary>
    /// Starts an asynchronous function on the loop's thread, beside the caller. Any thread. Use it instead of discarding a task:
    /// its exception is not lost, and <see cref="Run(Func{Task})"/> does not return before the function has ended.
    /// </summary>
    /// <remarks>
    /// <para>The function begins in the next iteration of the loop, and its continuations run on the loop's thread too. While the
    /// loop does not run, the function waits for the next Start. A spawned function does not keep <see cref="Start"/> from
    /// returning; the watchers that it waits for do.</para>
    /// <para>An exception of the function goes to <see cref="CallbackException"/> and to the returned task. An exception of a
    /// function that is marked <see cref="FatalAttribute"/> leaves <see cref="Start"/>. A cancelled function is not
    /// reported. Continuations of the returned task run on the thread pool, unless another context was captured.</para>
    /// </remarks>
    /// <param name="function">The function to call.</param>
    /// <returns>A task that ends as the function's task does. It may be discarded. It fails with
    /// <see cref="ObjectDisposedException"/> if the loop is disposed first.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="function"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="function"/> is a delegate of several methods.</exception>
    public Task Spawn(Func<Task> function)
    {
        var call = new SpawnedCall(this, Validate.Function(function, nameof(function)));
        Spawned.Add(call);
        return Invoke(call);
    }

    /// <summary>Calls the handler of a connection now, on the loop's thread. A Run with a token waits for its end.</summary>
    /// <param name="function">Calls the handler.</param>
    /// <param name="handler">The handler of the user, for its name.</param>
    /// <param name="onEnded">Called with the handler's task when it has ended: on the loop's thread, or if the loop is disposed, on the thread
    /// that has ended the handler. It reports the exceptions, and must not throw.</param>
    internal void SpawnHandler(Func<Task> function, Delegate handler, Action<Task> onEnded)
    {
        var call = new SpawnedCall(this, function, handler, onEnded);
        Spawned.Add(call);
        call.Run();
    }

    /// <summary>Raised when the main function of a Run with a token has ended. Each server of the loop that has not stopped handles it,
    /// and stops. Otherwise it would go on accepting, and its handlers would keep Run from returning. Any thread adds and removes a
    /// handler.</summary>
    internal event Func<Task>? MainEnded;

    /// <summary>Stops the servers, unless they are being stopped already.</summary>
    /// <returns>A task that ends when they have stopped.</returns>
    internal Task StopServers() => MainEnded is { } servers
        ? Task.WhenAll(Array.ConvertAll(servers.GetInvocationList(), static stop => ((Func<Task>)stop)()))
        : Task.CompletedTask;

    /// <summary>A spawned function has failed. Throws nothing.</summary>
    internal void OnSpawnedException(Func<Task> function, Exception exception)
    {
        MethodInfo method = function.Method;
        string what = "the spawned function " + MethodName.Of(method);

        // outside Start and Invoke, no member could throw a fatal exception
        if (IsHere && _depth > 0 && !IsClosed)
        {
            OnException(null, method, exception, () => FatalAttribute.IsOn(method), what);
        }
        else
        {
            Report(exception, method, what);
        }
    }
}
