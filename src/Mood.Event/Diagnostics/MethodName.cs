using System;
using System.Collections.Generic;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// Readable names of methods. The compiler moves lambdas, local functions and async methods into methods and types whose names
/// begin with "&lt;". Their names contain those of the methods in the source.
/// </summary>
internal static class MethodName
{
    internal const string Continuation = "the continuation of an await";

    /// <summary>"ChatServer.OnTick", "ChatServer.Open (lambda)", "ChatServer.Open.OnTick" for a local function.</summary>
    internal static string Of(MethodBase? method) => method is null ? "an unknown method" : Join(method.DeclaringType, Readable(method.Name));

    /// <summary>The name of the method of a delegate, or <see cref="Continuation"/> if the library's own code made the delegate.</summary>
    internal static string Of(Delegate? callback)
    {
        MethodInfo? method = callback?.Method;
        return method?.DeclaringType?.Assembly == typeof(MethodName).Assembly ? Continuation : Of(method);
    }

    /// <summary>The name of the async method that an awaiter resumes, or null if something else waits.</summary>
    /// <param name="waiter">The state of the continuation: for an async method, the runtime's box of its state machine. Or the callback of a
    /// timer. Then the result is the name of the callback, or null if the callback is .NET's own.</param>
    internal static string? OfWaiter(object? waiter)
    {
        if (waiter is TimerCallback callback)
        {
            return IsOfRuntime(callback) ? null : Of(callback.Method);
        }

        for (Type? type = waiter?.GetType(); type is not null; type = type.BaseType)
        {
            foreach (Type argument in type.GetGenericArguments())
            {
                if (typeof(IAsyncStateMachine).IsAssignableFrom(argument))
                {
                    return Join(argument.DeclaringType, Readable(argument.Name));
                }
            }
        }

        return null;
    }

    /// <summary>Whether a callback is .NET's own. Otherwise it is the program's.</summary>
    internal static bool IsOfRuntime(Delegate callback) => callback.Method.Module.Assembly == typeof(object).Assembly;

    /// <summary>Joins names. A name that occurs several times appears once, with the number of times: "Program.Tell (3 times)".</summary>
    internal static string Counted(IEnumerable<string> names)
    {
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);

        foreach (string name in names)
        {
            counts[name] = counts.TryGetValue(name, out int count) ? count + 1 : 1;
        }

        var parts = new List<string>(counts.Count);

        foreach (KeyValuePair<string, int> pair in counts)
        {
            parts.Add(pair.Value == 1 ? pair.Key : FormattableString.Invariant($"{pair.Key} ({pair.Value} times)"));
        }

        return string.Join(", ", parts);
    }

    /// <summary>The name in the source: "&lt;Open&gt;b__3_0" is a lambda in Open.</summary>
    internal static string Readable(string name)
    {
        int end = name.Length > 0 && name[0] == '<' ? MatchOf(name) : -1;

        if (end < 0)
        {
            int arity = name.IndexOf('`');
            return arity < 0 ? name : name.Substring(0, arity);
        }

        string method = Readable(name.Substring(1, end - 1)), kind = name.Substring(end + 1);

        if (kind.StartsWith("b__", StringComparison.Ordinal))
        {
            return method.EndsWith(" (lambda)", StringComparison.Ordinal) ? method : method + " (lambda)";
        }

        if (kind.StartsWith("g__", StringComparison.Ordinal))
        {
            int bar = kind.IndexOf('|');
            return method + "." + (bar < 0 ? kind.Substring(3) : kind.Substring(3, bar - 3));
        }

        return method; // the state machine of the method, or "<Main>$", the statements at the top level
    }

    private static string Join(Type? type, string method)
    {
        while (type?.DeclaringType is Type outer && type.Name[0] == '<')
        {
            type = outer;
        }

        return type is null ? method : Readable(type.Name) + "." + method;
    }

    private static int MatchOf(string name)
    {
        int depth = 0;

        for (int i = 0; i < name.Length; i++)
        {
            depth += name[i] switch { '<' => 1, '>' => -1, _ => 0 };

            if (depth == 0)
            {
                return i;
            }
        }

        return -1;
    }
}
