using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <summary>The operation of an <see cref="IoWait{TOperation, TResult}"/>: its arguments, and the system call.</summary>
/// <remarks>Operations are structs. So the JIT compiles a separate wait for each of them, without virtual calls.</remarks>
/// <typeparam name="TOperation">The struct itself.</typeparam>
/// <typeparam name="TResult">The type of the result.</typeparam>
internal interface IIoOperation<TOperation, TResult>
    where TOperation : struct, IIoOperation<TOperation, TResult>
{
    /// <summary>The events that the fd is watched for.</summary>
    Events Events { get; }

    /// <summary>Tries to complete the operation. Throws nothing itself. The Memory of the caller may throw, if it has its own
    /// MemoryManager.</summary>
    /// <param name="revents">The events that have happened; None for a try before the wait.</param>
    /// <param name="result">The result.</param>
    /// <param name="exception">Why the operation failed, or null.</param>
    /// <returns>False: it would block. True: it is done, with a result or an exception.</returns>
    bool TryFinish(Events revents, out TResult result, out Exception? exception);

    /// <summary>The pool of the loop's idle waits; null if a stream keeps the wait.</summary>
    static virtual WaitPool<IoWait<TOperation, TResult>>? PoolOf(Waits waits) => null;

    /// <summary>Whether the program will probably wait for the same socket again, so that the watcher should stay
    /// active.</summary>
    static virtual bool IsRenewable(in TOperation operation, TResult result) => true;

    /// <summary>The handle of the socket if the result shows that no more bytes can be received now, otherwise null: see
    /// <see cref="Waits.Drained"/>.</summary>
    static virtual SafeHandle? FindDrained(in TOperation operation, TResult result) => null;

    /// <summary>How many bytes an operation that is not complete has moved.</summary>
    static virtual long Moved(in TOperation operation) => 0;

    /// <summary>The exception that ends the wait because its stream is disposed; null if the wait may continue.</summary>
    static virtual ObjectDisposedException? OwnerDisposed(in TOperation operation) => null;

    /// <summary>The result was fetched, on any thread.</summary>
    /// <param name="operation">The operation, which the wait has given up.</param>
    /// <param name="isSpoilt">Whether the wait must not be used again.</param>
    static virtual void OnIdle(in TOperation operation, bool isSpoilt)
    {
    }
}

/// <summary>The operation of <see cref="Loop.WaitAsync(int, Events, CancellationToken)"/>, which is complete when the fd is
/// ready.</summary>
internal readonly struct ReadyOperation(Events events) : IIoOperation<ReadyOperation, Events>
{
    public Events Events => events;

    public static WaitPool<IoWait<ReadyOperation, Events>> PoolOf(Waits waits) => waits.Readies;

    public bool TryFinish(Events revents, out Events result, out Exception? exception)
    {
        (result, exception) = (revents, null);
        return true;
    }
}
