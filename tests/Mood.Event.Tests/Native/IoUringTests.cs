using Xunit;

namespace Mood.Event.Tests;

/// <summary>io_uring loops while the system refuses parts of a ring. IoUringTests.c simulates the refusals.</summary>
public sealed class IoUringTests
{
    [Fact]
    public void Without_a_part_of_a_ring_constructors_leak_nothing_a_Reset_changes_nothing_and_a_fork_is_survived() => NativeProgram.Run("IoUringTests.c");
}
