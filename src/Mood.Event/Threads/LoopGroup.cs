using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>Several loops, each on a background thread of its own: one per core, for servers.</summary>
public sealed class LoopGroup : IDisposable
#if NET8_0_OR_GREATER
    , IAsyncDisposable
#endif
{
    private readonly LoopThread[] _threads;
    private readonly Loop[] _loops;
    private int _last = -1;

    /// <summary>Makes the loops and runs them.</summary>
    /// <param name="count">How many; <see cref="Environment.ProcessorCount"/> is a good number.</param>
    /// <param name="name">What the threads are called, each with its number behind; null: "Mood.Event".</param>
    /// <param name="flags">How the loops are made.</param>
    /// <param name="backends">What the loops may wait with.</param>
    /// <param name="clock">The loops' time, for tests; null: the system's.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is less than 1.</exception>
    /// <exception cref="ArgumentException"><paramref name="flags"/> or <paramref name="backends"/> hold unknown bits.</exception>
    /// <exception cref="EventException">A loop cannot be made; then none is left.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public LoopGroup(
        int count,
        string? name = null,
        LoopFlags flags = LoopFlags.Auto,
        Backends backends = Backends.Auto,
        ManualClock? clock = null)
    {
        _threads = new LoopThread[Validate.Positive(count, nameof(count))];
        _loops = new Loop[count];

        try
        {
            for (int i = 0; i < count; i++)
            {
                string numbered = string.Format(CultureInfo.InvariantCulture, "{0} {1}", name ?? "Mood.Event", i);
                _threads[i] = new LoopThread(numbered, flags, backends, clock);
                _loops[i] = _threads[i].Loop;
            }
        }
        catch
        {
            foreach (LoopThread? thread in _threads)
            {
                thread?.Dispose();
            }

            throw;
        }

        Loops = Array.AsReadOnly(_loops);
    }

    /// <summary>
    /// Raised when an exception has left the Start of one of the loops, on its thread: see <see cref="LoopThread.Failed"/>, also
    /// for what happens without a handler. The sender is its LoopThread. The others go on.
    /// </summary>
    public event EventHandler<LoopFailedEventArgs>? Failed
    {
        add => Array.ForEach(_threads, thread => thread.Failed += value);
        remove => Array.ForEach(_threads, thread => thread.Failed -= value);
    }

    /// <summary>The loops.</summary>
    public IReadOnlyList<Loop> Loops { get; }

    /// <summary>One loop after the other, and again from the first. Any thread.</summary>
    /// <returns>The next loop that has not ended; when all have, one of them, which refuses what is posted.</returns>
    public Loop Next()
    {
        Loop next = NextOfAll();

        for (int i = 1; i < _loops.Length && next.IsClosed; i++)
        {
            next = NextOfAll();
        }

        return next;
    }

    /// <summary>Ends all loops, as <see cref="LoopThread.StopAsync"/> does. Twice is fine.</summary>
    /// <returns>Ends when all threads have ended; with the exceptions that left the Starts of loops, if any did.</returns>
    public Task StopAsync() => Task.WhenAll(Array.ConvertAll(_threads, thread => thread.StopAsync()));

    /// <summary><see cref="StopAsync"/>, and waits for the threads, but for the one it is called on. It tells nothing of failures:
    /// <see cref="Failed"/> and StopAsync do.</summary>
    public void Dispose()
    {
        Task stopped = StopAsync(); // all at the same time
        Array.ForEach(_threads, thread => thread.Dispose());
        LoopThread.Ignore(stopped);
    }

#if NET8_0_OR_GREATER
    /// <summary><see cref="StopAsync"/> that tells nothing of failures, as <see cref="Dispose"/>.</summary>
    /// <returns>Ends when all threads have ended.</returns>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
#endif

    private Loop NextOfAll() => _loops[(int)((uint)Interlocked.Increment(ref _last) % (uint)_loops.Length)];
}
