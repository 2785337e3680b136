using System;

namespace Mood.Event.Tests;

/// <summary>An exception whose text cannot be read.</summary>
public sealed class UnprintableException : Exception
{
    public override string Message => throw new UnprintableException();

    public override string ToString() => throw new UnprintableException();
}
