using System;

namespace Mood.Event;

/// <summary>A watcher with its callback.</summary>
/// <typeparam name="TWatcher">The watcher's own type, which its callback gets.</typeparam>
public abstract class Watcher<TWatcher> : Watcher
    where TWatcher : Watcher<TWatcher>
{
    private Action<TWatcher, Events>? _callback;

    private protected Watcher(
        Loop loop, Action<TWatcher, Events>? callback, object? data)
        : base(loop, data) => _callback = IsCallbackOptional ? callback : Validate.NotNull(callback, nameof(callback));

    /// <summary>
    /// Called with the watcher and its events. May be replaced at any time, while active too: the next event uses the
    /// new one. Only Idle and Embed may have none.
    /// </summary>
    /// <exception cref="ArgumentNullException">Set to null where the watcher needs a callback.</exception>
    public Action<TWatcher, Events>? Callback
    {
        get => _callback;
        set
        {
            using Loop.Claim claim = Loop.Read();
            _callback = IsCallbackOptional ? value : Validate.NotNull(value, nameof(value));
        }
    }

    private protected virtual bool IsCallbackOptional => false;

    // a cast to a type parameter costs a look-up at every event: it cannot fail, only watchers of ours derive from this
    private TWatcher Itself =>
#if NET8_0_OR_GREATER
        System.Runtime.CompilerServices.Unsafe.As<TWatcher>(this);
#else
        (TWatcher)(Watcher)this;
#endif

    // asked only once something was thrown: reflection is too slow for every watcher that is made
    private protected sealed override bool IsCallbackFatal =>
        _callback?.Method.IsDefined(typeof(FatalAttribute), inherit: false) == true;

    private protected override void Call(Events revents) => _callback?.Invoke(Itself, revents);
}
