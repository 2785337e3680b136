using Xunit;

namespace Mood.Event.Tests;

/// <summary>DeferredChildrenTests.c: children that end while a halt or the host's callback defers the report of others.</summary>
public sealed class DeferredChildrenTests
{
    [Fact]
    public void Children_that_end_while_the_report_of_others_is_deferred_are_reported() => NativeProgram.Run("DeferredChildrenTests.c");
}
