using System;
using System.Collections.Concurrent;
using System.Reflection;
using System.Threading;

namespace Mood.Event;

/// <content>Exceptions of callbacks that are async void methods.</content>
public sealed partial class Loop
{
    // Exceptions that arose on other threads while Start ran. Made by the owner before its first async void callback, and never
    // replaced. Any thread adds items and takes them.
    private ConcurrentQueue<AsyncVoidException>? _asyncVoidExceptions;

    // The number of async void callbacks on the stack. While it is not 0, the member that has called the callback will throw the loop's
    // failure (Fail).
    private int _asyncVoidCalls;

    /// <summary>The loop is about to call an async void callback. The caller has claimed the loop.</summary>
    internal void EnterAsyncVoid()
    {
        _asyncVoidExceptions ??= new ConcurrentQueue<AsyncVoidException>();
        _asyncVoidCalls++;
    }

    /// <summary>The async void callback has returned, at its end or at an await.</summary>
    internal void LeaveAsyncVoid() => _asyncVoidCalls--;

    /// <summary>An async void callback has thrown, now or after an await. Any thread. Throws nothing.</summary>
    internal void OnAsyncVoidException(Watcher? watcher, MethodInfo method, Exception exception)
    {
        var item = new AsyncVoidException(watcher, method, exception);

        if (IsHere)
        {
            Tell(item, mayFail: _depth > 0 || _asyncVoidCalls > 0);
            return;
        }

        // Either this thread sees that no Start runs, or the end of Start sees the item. So no item waits for the next Start.
        _asyncVoidExceptions!.Enqueue(item);
        Interlocked.MemoryBarrier();

        if (Volatile.Read(ref _starts) == 0 || !TryPost(static loop => loop.TellAsyncVoid(mayFail: loop._depth > 0), this))
        {
            TellAsyncVoid(mayFail: false);
        }
    }

    // Called at the end of the outermost Start, which throws the failure.
    private void TellLastAsyncVoid()
    {
        Interlocked.MemoryBarrier(); // after the write of _starts
        TellAsyncVoid(mayFail: true);
    }

    private void TellAsyncVoid(bool mayFail)
    {
        while (_asyncVoidExceptions!.TryDequeue(out AsyncVoidException item))
        {
            Tell(item, mayFail);
        }
    }

    // mayFail: true if this is the loop's thread and a member on its stack will throw the failure.
    private void Tell(in AsyncVoidException item, bool mayFail)
    {
        (Watcher? watcher, MethodInfo method, Exception exception) = (item.Watcher, item.Method, item.Exception);

        if (mayFail && !IsClosed)
        {
            OnException(watcher, method, exception, () => watcher is { Fatal: true } || FatalAttribute.IsOn(method));
        }
        else
        {
            Report(watcher, method, exception);
        }
    }

    private void Report(Watcher? watcher, MethodInfo? method, Exception exception, string? what = null)
    {
        try
        {
            Raise(watcher, method, exception, what);
        }
#pragma warning disable CA1031 // any exception: a handler threw it, perhaps on a thread whose end would end the process
        catch (Exception e)
#pragma warning restore CA1031
        {
            Write($"unhandled exception in a handler of CallbackException: {Description.TextOf(e)}");
        }
    }

    private readonly struct AsyncVoidException(Watcher? watcher, MethodInfo method, Exception exception)
    {
        internal Watcher? Watcher => watcher;

        internal MethodInfo Method => method;

        internal Exception Exception => exception;
    }
}
