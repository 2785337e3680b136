using System;
using System.Reflection;

namespace Mood.Event;

/// <summary>
/// Marks a callback whose exceptions stop the loop: they leave <see cref="Loop.Start"/> and do not go to
/// <see cref="Loop.CallbackException"/>. <see cref="Watcher.Fatal"/> does the same for every callback of one watcher.
/// </summary>
/// <remarks>Put the attribute on a method, a lambda or a local function. It works for callbacks of watchers and for actions
/// posted with Loop.Post.</remarks>
/// <example><code>loop.Timer(0, 2, [Fatal] (timer, events) => throw new InvalidOperationException());</code></example>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FatalAttribute : Attribute
{
    /// <summary>Whether the method is marked. Reflection is slow: ask only after the method has thrown.</summary>
    internal static bool IsOn(MethodInfo? method) => method?.IsDefined(typeof(FatalAttribute), inherit: false) == true;
}
