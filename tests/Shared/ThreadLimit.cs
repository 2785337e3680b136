using System;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>Limits how many threads the process can start. The process must be started with the settings of <see cref="Command"/>.</summary>
internal static class ThreadLimit
{
    /// <summary>A command that starts a program with a large stack for each thread (256 MiB). Then the memory that other code needs does not
    /// change the number of threads that the address space has room for.</summary>
    internal const string Command = "prlimit --stack=268435456 env MALLOC_ARENA_MAX=1 DOTNET_TieredCompilation=0";

    private const long StackSize = 256 << 20;
    private const int RLIMIT_AS = 9;

    /// <summary>Runs the action while the process can start only so many further threads.</summary>
    internal static void Leave(int threads, Action action)
    {
        TaskCompletionSource held = HoldStacks();
        ulong[] old = new ulong[2];
        Check(getrlimit(RLIMIT_AS, old));
        long used = long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[0], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        Check(setrlimit(RLIMIT_AS, [(ulong)(used + threads * StackSize + StackSize / 2), old[1]]));

        try
        {
            action();
        }
        finally
        {
            Check(setrlimit(RLIMIT_AS, old));
            held.SetResult();
        }
    }

    // The C library keeps the stacks of threads that have ended for new threads. So as many threads wait meanwhile.
    private static TaskCompletionSource HoldStacks()
    {
        var end = new TaskCompletionSource();

        for (int i = 0; i < 8; i++)
        {
            new Thread(end.Task.Wait) { IsBackground = true }.Start();
        }

        return end;
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new InvalidOperationException($"errno {Marshal.GetLastPInvokeError()}");
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int getrlimit(int resource, [Out] ulong[] limit);

    [DllImport("libc", SetLastError = true)]
    private static extern int setrlimit(int resource, ulong[] limit);
}
