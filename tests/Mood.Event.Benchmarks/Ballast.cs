using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>
/// Blocks of random sizes, held during a round, so that malloc lays out every round differently. Where libev's arrays
/// happen to lie makes a factor of two for an idle callback in C: left alone, one layout would serve a whole run.
/// </summary>
internal sealed unsafe class Ballast : IDisposable
{
    private const int Blocks = 32, MaxSize = 16 * 1024;

    private readonly List<nint> _blocks = [];

    internal Ballast(Random random)
    {
        for (int i = 0; i < Blocks; i++)
        {
            _blocks.Add((nint)NativeMemory.Alloc((nuint)random.Next(16, MaxSize)));
        }

        // holes of odd sizes
        for (int i = 0; i < Blocks / 4; i++)
        {
            int index = random.Next(_blocks.Count);
            NativeMemory.Free((void*)_blocks[index]);
            _blocks.RemoveAt(index);
        }
    }

    public void Dispose() => _blocks.ForEach(block => NativeMemory.Free((void*)block));
}
