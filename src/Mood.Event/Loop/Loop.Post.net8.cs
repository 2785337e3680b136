using System;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>The calls of InvokeAsync where ValueTask exists.</content>
public sealed partial class Loop
{
    // A function that returns a ValueTask comes here as a Func<T>. InvokeAsync can have no overload for it: up to C# 12, the default of
    // net8.0, every async lambda would be ambiguous between Func<Task> and Func<ValueTask> (CS0121).
    private Call<T> NewCall<T>(Func<T> function) => function is Func<ValueTask> asynchronous
        ? new AsyncCall<T>(this, () => asynchronous().AsTask(), function)
        : new FunctionCall<T>(function);
}
