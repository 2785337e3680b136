using System;
using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <summary>The memory of the connections of a worker: blocks of one size, which the garbage collector does not move. Any
/// thread.</summary>
internal sealed class BlockPool : MemoryPool<byte>
{
    private const int BlockSize = 4096;

    // The number of free blocks that the pool keeps: 16 MiB. Further blocks are left to the garbage collector, so that the memory
    // shrinks after a peak.
    private const int MaxFree = 4096;

    private readonly ConcurrentQueue<Block> _free = new();

    // the length of the queue, because its Count is slow
    private int _count;

    public override int MaxBufferSize => BlockSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);

        if (_free.TryDequeue(out Block? block))
        {
            Interlocked.Decrement(ref _count);
            return block;
        }

        return new Block(this);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref _count) <= MaxFree)
        {
            _free.Enqueue(block);
        }
        else
        {
            Interlocked.Decrement(ref _count);
        }
    }

    private sealed class Block(BlockPool pool) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } =
            MemoryMarshal.CreateFromPinnedArray(GC.AllocateUninitializedArray<byte>(BlockSize, pinned: true), 0, BlockSize);

        public void Dispose() => pool.Return(this);
    }
}
