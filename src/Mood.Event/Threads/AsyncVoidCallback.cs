using System;
using System.Reflection;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// Calls a watcher's callback that is an async void method, or a delegate of several methods with one among them. Other callbacks
/// are called directly, without this class.
/// </summary>
/// <typeparam name="TWatcher">The type of the watcher.</typeparam>
internal sealed class AsyncVoidCallback<TWatcher>
    where TWatcher : Watcher
{
    // The delegates that the callback consists of: one for each method.
    private readonly Action<TWatcher, Events>[] _items;

    // The method of each item, or null if it is not async void.
    private readonly MethodInfo?[] _methods;

    // The context of each item's last call. Loop's thread.
    private readonly AsyncVoidContext?[] _contexts;

    private AsyncVoidCallback(Action<TWatcher, Events> callback, Action<TWatcher, Events>[] items, MethodInfo?[] methods)
    {
        Callback = callback;
        _items = items;
        _methods = methods;
        _contexts = new AsyncVoidContext?[items.Length];
    }

    /// <summary>The callback that the program has given.</summary>
    internal Action<TWatcher, Events> Callback { get; }

    /// <summary>Returns the callback itself, unless it contains an async void method.</summary>
    internal static Action<TWatcher, Events>? Wrap(Action<TWatcher, Events>? callback)
    {
        if (callback is null || !AsyncVoidMethod.IsIn(callback))
        {
            return callback;
        }

        Action<TWatcher, Events>[] items = Array.ConvertAll(callback.GetInvocationList(), item => (Action<TWatcher, Events>)item);
        MethodInfo?[] methods = Array.ConvertAll(items, item => AsyncVoidMethod.Is(item.Method) ? item.Method : null);
        return new AsyncVoidCallback<TWatcher>(callback, items, methods).Call;
    }

    private void Call(TWatcher watcher, Events revents)
    {
        for (int i = 0; i < _items.Length; i++)
        {
            if (_methods[i] is MethodInfo method)
            {
                SynchronizationContext? before = SynchronizationContext.Current;

                if (_contexts[i] is not AsyncVoidContext context || context.Before != before)
                {
                    _contexts[i] = context = new AsyncVoidContext(watcher.Loop, watcher, method, before);
                }

                SynchronizationContext.SetSynchronizationContext(context);
                watcher.Loop.EnterAsyncVoid();

                try
                {
                    _items[i](watcher, revents);
                }
                finally
                {
                    watcher.Loop.LeaveAsyncVoid();
                    SynchronizationContext.SetSynchronizationContext(before);
                }
            }
            else
            {
                _items[i](watcher, revents);
            }
        }
    }
}
