using Xunit;

namespace Mood.Event.Tests;

/// <summary>Another part of the process closes files that a native loop needs. LostFileTests.c does so.</summary>
public sealed class LostFileTests
{
    [Fact]
    public void A_loop_that_has_lost_files_fails_until_a_Reset_and_its_references_and_children_stay_right() => NativeProgram.Run("LostFileTests.c");
}
