using Xunit;

namespace Mood.Event.Tests;

/// <summary>Two threads wake a loop at the same time. WakeTests.c stops one of them after each instruction.</summary>
public sealed class WakeTests
{
    [Fact]
    public void A_wake_of_the_loop_s_own_thread_is_handled_while_one_of_another_thread_is_under_way() => NativeProgram.Run("WakeTests.c");
}
