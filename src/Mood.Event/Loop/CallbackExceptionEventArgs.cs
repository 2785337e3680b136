using System;
using System.Reflection;

namespace Mood.Event;

/// <summary>The arguments of <see cref="Loop.CallbackException"/>: the exception, and the watcher whose callback has thrown
/// it.</summary>
public sealed class CallbackExceptionEventArgs : EventArgs
{
    private readonly MethodInfo? _method;
    private readonly string? _what;

    internal CallbackExceptionEventArgs(Watcher? watcher, MethodInfo? method, Exception exception, string? what)
    {
        Watcher = watcher;
        Exception = exception;
        (_method, _what) = (method, what);
    }

    /// <summary>The watcher whose callback has thrown. Null if a posted action (<see cref="Loop.Post(Action)"/>) or the
    /// continuation of an await has thrown.</summary>
    public Watcher? Watcher { get; }

    /// <summary>The exception.</summary>
    public Exception Exception { get; }

    /// <summary>Names what has thrown, with its method: "the callback ChatServer.OnTick of a Timer". The text is for people, and may change
    /// between versions.</summary>
    /// <returns>The name, without the exception.</returns>
    public override string ToString() => StandardErrorReport.Describe(Watcher, _method, _what);
}
