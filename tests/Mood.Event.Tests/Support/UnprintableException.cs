using System;
using System.Diagnostics.CodeAnalysis;

namespace Mood.Event.Tests;

/// <summary>An exception whose text cannot be read.</summary>
[SuppressMessage("Design", "CA1065", Justification = "Throwing is what the tests need it for.")]
public sealed class UnprintableException : Exception
{
    public override string Message => throw new UnprintableException();

    public override string ToString() => throw new UnprintableException();
}
