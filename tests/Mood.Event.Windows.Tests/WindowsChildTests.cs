using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.AccessControl;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Children on Windows. Their exit codes have 32 bits, and every holder of a handle of the process can read the code.</summary>
public sealed class WindowsChildTests : LoopTestBase
{
    /// <summary>
    /// Exit codes of one byte, exit codes of 32 bits, and 259, which is also what GetExitCodeProcess returns for a process that runs.
    /// </summary>
    public static TheoryData<int> Codes => [0, 7, 255, 259, 300, 70000, -1];

    [Theory, MemberData(nameof(Codes))]
    public void A_child_of_a_Process_has_the_whole_exit_code(int code)
    {
        Loop loop = NewDefaultLoop();
        using Process process = Exit(code);
        Child child = loop.Child(process, false, (w, _) => w.Stop());
        child.Start();
        Assert.False(loop.Start());
        AssertExited(child, process.Id, code);
        process.WaitForExit();
        Assert.Equal(code, process.ExitCode);
    }

    [Theory, MemberData(nameof(Codes))]
    public void A_child_of_a_pid_has_the_whole_exit_code(int code)
    {
        Loop loop = NewDefaultLoop();
        using Process process = Exit(code);
        Child child = loop.Child(process.Id, false, (w, _) => w.Stop());
        child.Start();
        Assert.False(loop.Start());
        AssertExited(child, process.Id, code);
    }

    [Fact]
    public void A_child_that_ended_before_the_start_is_reported()
    {
        Loop loop = NewDefaultLoop();
        using Process process = Exit(9);
        Child child = loop.Child(process.Id, false, (w, _) => w.Stop());
        process.WaitForExit();
        child.Start();
        Assert.False(loop.Start());
        AssertExited(child, process.Id, 9);
    }

    [Fact]
    public void A_process_that_is_gone_before_the_constructor_has_no_exit_code()
    {
        Loop loop = NewDefaultLoop();
        const int pid = int.MaxValue - 3; // No process has this number. (A process that has ended exists until its last handle is closed, and the system may hold one.)
        Child child = loop.Child(pid, false, (w, _) => w.Stop());
        child.Start();
        Assert.False(loop.Start());
        Assert.True(child.HasExited);
        Assert.True(child.IsGone);
        Assert.Equal(-1, child.ExitCode);
    }

    [Fact]
    public void Several_watchers_of_one_child_are_all_called()
    {
        Loop loop = NewDefaultLoop();
        using Process process = Exit(5);
        int calls = 0;

        for (int i = 0; i < 3; i++)
        {
            loop.Child(process.Id, false, (w, _) =>
            {
                calls += w.ExitCode;
                w.Stop();
            }).Start();
        }

        Assert.False(loop.Start());
        Assert.Equal(15, calls);
    }

    [Fact]
    public void Kill_accepts_SIGKILL_only_and_ends_the_child()
    {
        Loop loop = NewDefaultLoop();
        using Process process = Sleeping();
        Child child = loop.Child(process, false, (w, _) => w.Stop());
        child.Start();
        Assert.Throws<PlatformNotSupportedException>(() => child.Kill(Signum.SIGTERM));
        Assert.True(child.Kill(Signum.SIGKILL));
        Assert.False(loop.Start());
        Assert.True(child.HasExited);
        Assert.Equal(-1, child.ExitCode);
        Assert.False(child.IsGone);
    }

    [Fact]
    public void Any_loop_waits_for_a_process_and_for_a_pid()
    {
        Loop loop = NewLoop();
        using Process first = Exit(70000), second = Exit(4);
        loop.Run(async () =>
        {
            Child one = await loop.WaitForExitAsync(first), two = await loop.WaitForExitAsync(second.Id);
            Assert.Equal((70000, 4), (one.ExitCode, two.ExitCode));
            Assert.Equal(70000, (await loop.WaitForExitAsync(first)).ExitCode); // a second wait, after the process has ended
            Assert.Equal(4, (await loop.WaitForExitAsync(second.Id)).ExitCode);
        });
    }

    [Fact]
    public void The_default_loop_waits_too()
    {
        Loop loop = NewDefaultLoop();
        using Process process = Exit(300);
        loop.Run(async () => Assert.Equal(300, (await loop.WaitForExitAsync(process)).ExitCode));
    }

    [Fact]
    public void A_wait_on_another_loop_can_be_cancelled()
    {
        Loop loop = NewLoop();
        using Process process = Sleeping();
        loop.Run(async () =>
        {
            using var source = new CancellationTokenSource();
            ValueTask<Child> wait = loop.WaitForExitAsync(process, source.Token);
            await source.CancelAsync();
            await Assert.ThrowsAsync<OperationCanceledException>(async () => await wait);
        });
        Assert.False(process.HasExited);
        process.Kill();
    }

    [Fact]
    public void Dispose_of_another_loop_ends_its_wait()
    {
        Loop loop = NewLoop();
        using Process process = Sleeping();
        Task waiting = Task.CompletedTask;
        loop.Run(() =>
        {
            waiting = loop.WaitForExitAsync(process).AsTask();
            return Task.CompletedTask;
        });
        loop.Dispose();
        Assert.IsType<ObjectDisposedException>(waiting.Exception?.InnerException);
        Assert.False(process.HasExited);
        process.Kill();
    }

    /// <summary>A program may wait for processes that it has no right to control, such as those of a service.</summary>
    [Fact]
    public void The_rights_to_wait_and_to_read_the_exit_code_are_enough()
    {
        Loop loop = NewLoop(), defaultLoop = NewDefaultLoop();
        using Process process = Sleeping();
        var rights = new RawSecurityDescriptor("D:(A;;0x101000;;;WD)"); // SYNCHRONIZE, PROCESS_QUERY_LIMITED_INFORMATION
        byte[] descriptor = new byte[rights.BinaryLength];
        rights.GetBinaryForm(descriptor, 0);
        Assert.True(SetKernelObjectSecurity(process.SafeHandle, 4 /* the rights of others */, descriptor), $"error {Marshal.GetLastPInvokeError()}");
        Assert.True(OpenProcess(0x1FFFFF /* PROCESS_ALL_ACCESS */, 0, process.Id).IsInvalid, "other rights are refused");
        Child child = defaultLoop.Child(process.Id, false, (w, _) => w.Stop());
        child.Start();
        loop.Run(async () =>
        {
            ValueTask<Child> wait = loop.WaitForExitAsync(process.Id);
            process.StandardInput.WriteLine("exit 6");
            Assert.Equal(6, (await wait).ExitCode);
        });
        Assert.False(defaultLoop.Start());
        AssertExited(child, process.Id, 6);
    }

    [DllImport("advapi32", SetLastError = true)]
    private static extern bool SetKernelObjectSecurity(SafeHandle handle, uint information, byte[] descriptor);

    [DllImport("kernel32")]
    private static extern SafeWaitHandle OpenProcess(uint access, int inherit, int pid);

    private static Process Exit(int code) => Process.Start(new ProcessStartInfo("cmd.exe", $"/c exit {code}") { UseShellExecute = false })!;

    // Starts a process that waits for its input.
    private static Process Sleeping() =>
        Process.Start(new ProcessStartInfo("cmd.exe") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;

    private static void AssertExited(Child child, int pid, int code)
    {
        Assert.True(child.HasExited);
        Assert.Equal(pid, child.RPid);
        Assert.Equal(code, child.ExitCode);
        Assert.False(child.IsGone);
        Assert.Equal(0, child.TermSignal);
        Assert.False(child.IsStopped || child.IsContinued);
    }
}
