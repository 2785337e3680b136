using System;
using System.Diagnostics;
using System.Linq;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>Two of the cores that this process may use. If it may use only one, both are the same.</summary>
internal static partial class Cores
{
    private static readonly int[] s_cores = Allowed();

    internal static int First => s_cores[0];

    internal static int Last => s_cores[^1];

    /// <summary>Pins this thread, and the threads that it makes from now on, to a core.</summary>
    internal static void Pin(int core)
    {
        if (bench_core(core) != 0)
        {
            throw new UnavailableException("the system does not let a thread be pinned to a core");
        }
    }

    /// <summary>Lets this thread run on all cores again.</summary>
    internal static void Unpin() => Pin(-1);

    private static int[] Allowed()
    {
        if (!OperatingSystem.IsLinux())
        {
            return [0];
        }

        using var self = Process.GetCurrentProcess();
        ulong mask = (ulong)self.ProcessorAffinity;
        return [.. Enumerable.Range(0, 64).Where(core => (mask >> core & 1) != 0).Take(2)];
    }

    [LibraryImport(Native.Libev)]
    private static partial int bench_core(int core);
}
