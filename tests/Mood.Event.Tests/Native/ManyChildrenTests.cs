using Xunit;

namespace Mood.Event.Tests;

/// <summary>ManyChildrenTests.c: the cost of a SIGCHLD with many watched children.</summary>
public sealed class ManyChildrenTests
{
    [Fact]
    public void Eight_times_as_many_children_cost_eight_times_as_much() => NativeProgram.Run("ManyChildrenTests.c");
}
