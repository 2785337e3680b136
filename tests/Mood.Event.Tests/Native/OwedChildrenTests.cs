using Xunit;

namespace Mood.Event.Tests;

/// <summary>OwedChildrenTests.c: children whose end was reported before the host could be asked about them.</summary>
public sealed class OwedChildrenTests
{
    [Fact]
    public void A_default_loop_without_a_child_watcher_reaps_what_an_earlier_one_owes() => NativeProgram.Run("OwedChildrenTests.c");
}
