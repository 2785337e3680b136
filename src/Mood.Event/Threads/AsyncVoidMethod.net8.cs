using System;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Mood.Event;

/// <content>The closures of lambdas.</content>
internal static partial class AsyncVoidMethod
{
    // For each type of target, whether a delegate with such a target may call an async void method. Delegate.Method of a new
    // delegate allocates, and takes ten times as long as this.
    private static readonly ConditionalWeakTable<Type, object> s_closures = new();

    static partial void LookAtClosure(object? target, ref bool mayBe)
    {
        // NativeAOT keeps no list of all methods
        if (target is not null && RuntimeFeature.IsDynamicCodeSupported)
        {
            mayBe = s_closures.GetValue(target.GetType(), static type => MayCallAsyncVoid(type) ? s_yes : s_no) == s_yes;
        }
    }

    // The compiler begins the name of a closure's type with <>c, so that no source can name the type. So it has no base class with
    // methods, and no extension method has it as its first parameter. Its delegates can only call its own methods.
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "A method that was trimmed away is not in a delegate.")]
    private static bool MayCallAsyncVoid(Type type)
    {
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

        if (!type.Name.StartsWith("<>c", StringComparison.Ordinal))
        {
            return true;
        }

        try
        {
            return Array.Exists(type.GetMethods(All), Examine);
        }
#pragma warning disable CA1031 // any exception: the program can call the delegate all the same
        catch (Exception)
#pragma warning restore CA1031
        {
            return true; // another lambda of the closure has a parameter of a type whose assembly is missing
        }
    }
}
