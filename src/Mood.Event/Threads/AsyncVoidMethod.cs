using System;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Mood.Event;

/// <summary>Finds callbacks that are async void methods. Any thread.</summary>
internal static partial class AsyncVoidMethod
{
    private static readonly object s_yes = new(), s_no = new();

    // A cache of the answers, because reading the attributes takes about a microsecond. The keys do not keep collectible
    // assemblies alive.
    private static readonly ConditionalWeakTable<MethodInfo, object> s_methods = new();

    // Delegate.HasSingleTarget of .NET 9 and later. Where it is missing, GetInvocationList tells the same, but allocates.
    private static readonly Func<Delegate, bool>? s_hasSingleTarget =
        (Func<Delegate, bool>?)typeof(Delegate).GetProperty("HasSingleTarget")?.GetMethod?.CreateDelegate(typeof(Func<Delegate, bool>));

    /// <summary>Whether the method is an async method that returns void.</summary>
    internal static bool Is(MethodInfo method) =>
        s_methods.GetValue(method, static method => Examine(method) ? s_yes : s_no) == s_yes;

    /// <summary>Whether the callback is an async void method, or a delegate of several methods with one among them.</summary>
    internal static bool IsIn(Delegate callback)
    {
        if (HasSingleTarget(callback))
        {
            bool isIn = true;
            LookAtClosure(callback.Target, ref isIn);
            return isIn && Is(callback.Method);
        }

        foreach (Delegate item in callback.GetInvocationList())
        {
            if (Is(item.Method))
            {
                return true;
            }
        }

        return false;
    }

    private static bool HasSingleTarget(Delegate callback) =>
        s_hasSingleTarget is null ? callback.GetInvocationList().Length == 1 : s_hasSingleTarget(callback);

    private static bool Examine(MethodInfo method) =>
        method.ReturnType == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false);

    // Sets mayBe to false if the target is a closure without async void methods. Only net8.0 looks.
    static partial void LookAtClosure(object? target, ref bool mayBe);
}
