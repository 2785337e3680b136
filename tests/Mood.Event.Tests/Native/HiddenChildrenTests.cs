using Xunit;

namespace Mood.Event.Tests;

/// <summary>HiddenChildrenTests.c: children that /proc does not list.</summary>
public sealed class HiddenChildrenTests
{
    [Fact]
    public void Pid_0_reports_the_children_that_proc_hides() => NativeProgram.Run("HiddenChildrenTests.c");
}
