using System;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Mood.Event;

/// <summary>A watcher with a callback of its own delegate type. Only the watchers of this library derive from it.</summary>
/// <typeparam name="TWatcher">The type of the watcher, which its callback receives.</typeparam>
public abstract class Watcher<TWatcher> : Watcher
    where TWatcher : Watcher<TWatcher>
{
    // The delegate to call: the program's callback, or an AsyncVoidCallback around it.
    private Action<TWatcher, Events>? _callback;

    private protected Watcher(
        Loop loop, Action<TWatcher, Events>? callback, object? data)
        : base(loop, data) => _callback = AsyncVoidCallback<TWatcher>.Wrap(IsCallbackOptional ? callback : Validate.NotNull(callback, nameof(callback)));

    /// <summary>
    /// The callback, called with the watcher and its events. It may be replaced at any time, also while the watcher is active
    /// or pending: the next call goes to the new one. Only <see cref="Idle"/> and <see cref="Embed"/> allow null.
    /// </summary>
    /// <exception cref="ArgumentNullException">Set to null where the watcher needs a callback.</exception>
    /// <exception cref="InvalidOperationException">Set on another thread while the loop runs, or in a reschedule
    /// function.</exception>
    public Action<TWatcher, Events>? Callback
    {
        get => _callback?.Target is AsyncVoidCallback<TWatcher> wrapper ? wrapper.Callback : _callback;
        set
        {
            using Loop.Claim claim = Loop.ClaimToSet();
            _callback = AsyncVoidCallback<TWatcher>.Wrap(IsCallbackOptional ? value : Validate.NotNull(value, nameof(value)));
        }
    }

    private protected virtual bool IsCallbackOptional => false;

    internal sealed override MethodInfo? CallbackMethod => Callback?.Method;

    // Not a cast: a cast to a type parameter costs a look-up at every event. It cannot fail, because only watchers of this
    // library derive from this class, each with itself as TWatcher.
    [MethodImpl(PendingQueue.Optimized)] // as PendingQueue.Invoke
    private protected override void Call(Events revents) => _callback?.Invoke(Unsafe.As<TWatcher>(this), revents);
}
