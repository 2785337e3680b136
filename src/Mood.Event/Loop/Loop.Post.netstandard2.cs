using System;

namespace Mood.Event;

/// <content>The calls of InvokeAsync on netstandard2.0, which has no ValueTask.</content>
public sealed partial class Loop
{
    private static Call<T> NewCall<T>(Func<T> function) => new FunctionCall<T>(function);
}
