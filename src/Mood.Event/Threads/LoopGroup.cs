using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>Several loops, each on a background thread of its own. A server usually takes one loop per core.</summary>
public sealed partial class LoopGroup : IDisposable
{
    private readonly LoopThread[] _threads;
    private readonly Loop[] _loops;
    private int _last = -1;

    /// <summary>Creates the loops and starts their threads.</summary>
    /// <param name="count">The number of loops, at least 1, for example <see cref="Environment.ProcessorCount"/>.</param>
    /// <param name="name">The name of the loops and threads, to which a number is added, from 0. Null means "Mood.Event".</param>
    /// <param name="flags">Options of every loop.</param>
    /// <param name="backends">The backends that the loops may use. Auto uses the best recommended backend.</param>
    /// <param name="clock">The clock of the loops, for tests. Null means the system's clock.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is less than 1.</exception>
    /// <exception cref="ArgumentException"><paramref name="flags"/> or <paramref name="backends"/> hold unknown bits.</exception>
    /// <exception cref="EventException">A loop cannot be created. The loops created before it are disposed.</exception>
    /// <exception cref="OutOfMemoryException">The system cannot start a thread. The loops are disposed.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public LoopGroup(
        int count,
        string? name = null,
        LoopFlags flags = LoopFlags.Auto,
        Backends backends = Backends.Auto,
        ManualClock? clock = null)
        : this(count, new LoopOptions { Name = name, Flags = flags, Backends = backends, Clock = clock })
    {
    }

    /// <summary>Creates the loops with options and starts their threads.</summary>
    /// <param name="count">The number of loops, at least 1, for example <see cref="Environment.ProcessorCount"/>.</param>
    /// <param name="options">The options of every loop. The constructor copies them. <see cref="LoopOptions.Name"/> is the name of
    /// the loops and threads, to which a number is added, from 0. Null means "Mood.Event".</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is less than 1.</exception>
    /// <exception cref="ArgumentException"><see cref="LoopOptions.Flags"/> or <see cref="LoopOptions.Backends"/> contain unknown
    /// bits.</exception>
    /// <exception cref="EventException">A loop cannot be created. The loops created before it are disposed.</exception>
    /// <exception cref="OutOfMemoryException">The system cannot start a thread. The loops are disposed.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    [OverloadResolutionPriority(-1)] // so that new LoopGroup(2, null) still calls the other constructor: threads without a name
    public LoopGroup(int count, LoopOptions options)
    {
        Validate.NotNull(options, nameof(options));
        _threads = new LoopThread[Validate.Positive(count, nameof(count))];
        _loops = new Loop[count];

        try
        {
            for (int i = 0; i < count; i++)
            {
                string numbered = string.Format(CultureInfo.InvariantCulture, "{0} {1}", options.Name ?? "Mood.Event", i);
                _threads[i] = new LoopThread(options.WithName(numbered));
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
    /// Raised when an exception has left the Start of one of the loops, on the thread of that loop. The sender is its
    /// <see cref="LoopThread"/>. The other loops go on. See <see cref="LoopThread.Failed"/>.
    /// </summary>
    public event EventHandler<LoopFailedEventArgs>? Failed
    {
        add => Array.ForEach(_threads, thread => thread.Failed += value);
        remove => Array.ForEach(_threads, thread => thread.Failed -= value);
    }

    /// <summary>The loops.</summary>
    public IReadOnlyList<Loop> Loops { get; }

    /// <summary>Returns the loops in turn. May be called from any thread.</summary>
    /// <returns>The next loop that has not ended. If all loops have ended, it is one of them, and a post to it fails.</returns>
    public Loop Next()
    {
        Loop next = NextOfAll();

        for (int i = 1; i < _loops.Length && next.IsClosed; i++)
        {
            next = NextOfAll();
        }

        return next;
    }

    /// <summary>Ends all loops: see <see cref="LoopThread.StopAsync"/>. Any thread. Idempotent.</summary>
    /// <returns>A task that ends when all threads have ended. It fails with the exceptions that left the Starts of the loops.</returns>
    public Task StopAsync() => Task.WhenAll(Array.ConvertAll(_threads, thread => thread.StopAsync()));

    /// <summary>
    /// Ends all loops like <see cref="StopAsync"/> and waits for their threads to end, except for the calling thread. It does not
    /// throw an exception that left a Start: see <see cref="Failed"/> and StopAsync. <see cref="LoopOptions.DisposeTimeout"/> limits the wait
    /// for each thread.
    /// </summary>
    public void Dispose()
    {
        Task stopped = StopAsync(); // first, so that the threads end at the same time and not one after the other
        Array.ForEach(_threads, thread => thread.Dispose());
        LoopThread.Ignore(stopped);
    }

    private Loop NextOfAll() => _loops[(int)((uint)Interlocked.Increment(ref _last) % (uint)_loops.Length)];
}
