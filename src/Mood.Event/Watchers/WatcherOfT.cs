using System;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Mood.Event;

/// <summary>A watcher with a callback of its own delegate type. Only the watchers of this library derive from it.</summary>
/// <typeparam name="TWatcher">The type of the watcher, which its callback receives.</typeparam>
public abstract class Watcher<TWatcher> : Watcher
    where TWatcher : Watcher<TWatcher>
{
    private protected Watcher(
        Loop loop, Action<TWatcher, Events>? callback, object? data)
        : base(loop, data) => Stored = AsyncVoidCallback<TWatcher>.Wrap(IsCallbackOptional ? callback : Validate.NotNull(callback, nameof(callback)));

    /// <summary>
    /// The callback, called with the watcher and its events. It may be replaced at any time, also while the watcher is active
    /// or pending: the next call goes to the new one. Only <see cref="Idle"/> and <see cref="Embed"/> allow null.
    /// </summary>
    /// <exception cref="ArgumentNullException">Set to null where the watcher needs a callback.</exception>
    /// <exception cref="InvalidOperationException">Set on another thread while the loop runs, or in a reschedule
    /// function.</exception>
    public Action<TWatcher, Events>? Callback
    {
        get => Stored is { Target: AsyncVoidCallback<TWatcher> wrapper } ? wrapper.Callback : Stored;
        set
        {
            using Loop.Claim claim = Loop.ClaimToSet();
            Stored = AsyncVoidCallback<TWatcher>.Wrap(IsCallbackOptional ? value : Validate.NotNull(value, nameof(value)));
        }
    }

    private protected virtual bool IsCallbackOptional => false;

    /// <summary>The delegate to call: the program's callback, or an <see cref="AsyncVoidCallback{TWatcher}"/> around it. An
    /// event calls it directly. A kind that overrides Call overrides this too, with a field of its own.</summary>
    private protected virtual Action<TWatcher, Events>? Stored
    {
        get => Unsafe.As<Action<TWatcher, Events>?>(Direct);
        set => Direct = Unsafe.As<Action<Watcher, Events>?>(value);
    }

    internal sealed override MethodInfo? CallbackMethod => Callback?.Method;
}
