using System;
using System.Runtime.CompilerServices;
using Mood.Event;

internal static class Lifetimes
{
    public static void Collected()
    {
        using (var loop = new Loop())
        {
            int fired = 0;
            WeakReference[] dropped = Drop(loop, () => fired++);
            Collect();
            Check.That(Alive(dropped) < dropped.Length / 10, "watchers that were dropped are collected"); // a conservative garbage collector may keep some
            Check.Ends(loop);
            Check.That(fired == 100, "active watchers are kept by their loop");
        }
    }

    public static void Abandoned()
    {
        WeakReference[] loops = AbandonLoops();
        Collect();
        Check.That(Alive(loops) <= loops.Length / 10, "abandoned loops are collected, with their active watchers");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference[] Drop(Loop loop, Action fired)
    {
        var dropped = new WeakReference[1000];

        for (int i = 0; i < dropped.Length; i++)
        {
            dropped[i] = new WeakReference(loop.Timer(1, 0, (_, _) => throw new InvalidOperationException("never started")));

            if (i % 10 == 0)
            {
                loop.Timer(0.02, 0, (_, _) => fired()).Start();
            }
        }

        return dropped;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference[] AbandonLoops()
    {
        var loops = new WeakReference[50];

        for (int i = 0; i < loops.Length; i++)
        {
            var loop = new Loop();
            loop.Timer(0, 0.001, (_, _) => { }).Start();
            loop.Start(RunFlags.NoWait);
            loops[i] = new WeakReference(loop);
        }

        return loops;
    }

    private static int Alive(WeakReference[] references) => Array.FindAll(references, r => r.IsAlive).Length;

    private static void Collect()
    {
        for (int i = 0; i < 5; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
