using System.Collections.Generic;
using System.Reflection;
using Xunit.Sdk;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The transport under test. Sockets is Kestrel's own transport, whose behaviour is the expected one.</summary>
public enum Mode
{
    Sockets,
    Pool,
    Inline,
}

/// <summary>Runs a theory once with each transport.</summary>
internal sealed class EachModeAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[Mode.Sockets], [Mode.Pool], [Mode.Inline]];
}
