using System;

namespace Mood.Event;

/// <summary>
/// Marks a callback whose exceptions stop the loop, as <see cref="Watcher.Fatal"/> does for a whole watcher:
/// <c>loop.Timer(0, 2, [Fatal] (t, e) => throw ...)</c>.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FatalAttribute : Attribute
{
}
