using System;
using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <summary>The memory of the connections of a worker: blocks of two sizes, which the garbage collector does not move. Any
/// thread.</summary>
/// <remarks>Small blocks are for messages that fit into one block. Large blocks are for the rest of a longer message, because each
/// block costs a call of recv, or an entry of sendmsg.</remarks>
internal sealed class BlockPool : MemoryPool<byte>
{
    internal const int SmallSize = 4096, LargeSize = 16384;

    // How many bytes the free blocks of each size may have. Further blocks are left to the garbage collector, so that the memory
    // shrinks after a peak.
    private const int MaxFree = 16 * 1024 * 1024;

    private readonly FreeBlocks _small = new(SmallSize), _large = new(LargeSize);

    public override int MaxBufferSize => LargeSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, LargeSize);
        return (minBufferSize <= SmallSize ? _small : _large).Rent();
    }

    protected override void Dispose(bool disposing)
    {
    }

    /// <summary>The free blocks of one size.</summary>
    private sealed class FreeBlocks(int size)
    {
        private readonly ConcurrentQueue<Block> _free = new();

        // the length of the queue, because its Count is slow
        private int _count;

        internal Block Rent()
        {
            if (_free.TryDequeue(out Block? block))
            {
                Interlocked.Decrement(ref _count);
                return block;
            }

            return new Block(this, size);
        }

        internal void Return(Block block)
        {
            if (Interlocked.Increment(ref _count) <= MaxFree / size)
            {
                _free.Enqueue(block);
            }
            else
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }

    private sealed class Block(FreeBlocks home, int size) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } =
            MemoryMarshal.CreateFromPinnedArray(GC.AllocateUninitializedArray<byte>(size, pinned: true), 0, size);

        public void Dispose() => home.Return(this);
    }
}
