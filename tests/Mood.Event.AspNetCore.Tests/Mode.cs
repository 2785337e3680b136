using System.Collections.Generic;
using System.Reflection;
using Xunit.Sdk;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>What a scenario runs over. Sockets, Kestrel's own transport, is the oracle.</summary>
public enum Mode
{
    Sockets,
    Pool,
    Inline,
}

/// <summary>Runs a theory over every transport.</summary>
internal sealed class EachModeAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[Mode.Sockets], [Mode.Pool], [Mode.Inline]];
}
