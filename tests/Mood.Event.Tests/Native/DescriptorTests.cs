using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// The file descriptors of native loops while the system refuses more of them. DescriptorTests.c simulates the refusals.
/// </summary>
public sealed class DescriptorTests
{
    [Fact]
    public void Without_aio_contexts_constructors_leak_nothing_and_a_Reset_keeps_the_context() => NativeProgram.Run("DescriptorTests.c");
}
