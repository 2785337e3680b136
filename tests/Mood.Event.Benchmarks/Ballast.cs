using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>
/// Blocks of random sizes that are held during a round, so that malloc lays out each round differently. The place of libev's
/// arrays in memory changes the cost of an idle callback in C by up to a factor of two. Without these blocks, all rounds of a run
/// would have the same layout.
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

        // A part of the blocks is freed again, which leaves holes of different sizes.
        for (int i = 0; i < Blocks / 4; i++)
        {
            int index = random.Next(_blocks.Count);
            NativeMemory.Free((void*)_blocks[index]);
            _blocks.RemoveAt(index);
        }
    }

    public void Dispose() => _blocks.ForEach(block => NativeMemory.Free((void*)block));
}
