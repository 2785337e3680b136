namespace Mood.Event.Tests;

/// <summary>ChildTests without pidfds, as on Linux before 5.4 and on macOS: only SIGCHLD reports the end of a child.</summary>
public sealed class ChildWithoutPidfdTests : ChildTests
{
    public ChildWithoutPidfdTests() => NativeTesting.Lacking = NativeTesting.Lack.Pidfd;
}

/// <summary>
/// ChildTraceTests without pidfds, as on Linux before 5.4 and on macOS: only SIGCHLD reports the end of a child.
/// </summary>
public sealed class ChildTraceWithoutPidfdTests : ChildTraceTests
{
    public ChildTraceWithoutPidfdTests() => NativeTesting.Lacking = NativeTesting.Lack.Pidfd;
}

/// <summary>
/// ChildProcessTests without pidfds, as on Linux before 5.4 and on macOS: only SIGCHLD reports the end of a child.
/// </summary>
public sealed class ChildProcessWithoutPidfdTests : ChildProcessTests
{
    public ChildProcessWithoutPidfdTests() => NativeTesting.Lacking = NativeTesting.Lack.Pidfd;
}

/// <summary>
/// ChildProcessTests as on Linux 5.4 to 6.14, where the kernel forgets the status of a child that the runtime has reaped.
/// </summary>
public sealed class ChildProcessWithoutPidfdInfoTests : ChildProcessTests
{
    public ChildProcessWithoutPidfdInfoTests() => NativeTesting.Lacking = NativeTesting.Lack.PidfdInfo;
}
