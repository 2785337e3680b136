using System;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The base class of the tests of awaitables.</summary>
public abstract class AwaitTestBase : FdTestBase
{
    /// <summary>Whether the synchronization context is the loop's (true) or null (false).</summary>
    public static TheoryData<bool> Contexts => [true, false];

    /// <summary>
    /// Runs an asynchronous function on the loop until it ends, with Run or without a synchronization context. Without one, the end of a wait
    /// calls the continuation directly.
    /// </summary>
    protected static void Drive(Loop loop, Func<Task> main, bool withContext = true)
    {
        if (withContext)
        {
            loop.Run(main);
            return;
        }

        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);

        try
        {
            Task task = main();

            while (!task.IsCompleted && loop.Start(RunFlags.Once))
            {
            }

            Assert.True(task.IsCompleted, "No watcher is left that could end the task.");
            task.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>
    /// The number of bytes that the thread allocates in many rounds of an asynchronous function in steady state. The function must stay on one
    /// thread.
    /// </summary>
    protected static Task<long> AllocatedByAsync<T>(Func<ValueTask<T>> round) => AllocatedAsync(null, round);

    /// <inheritdoc cref="AllocatedByAsync{T}"/>
    protected static Task<long> AllocatedByAsync(Func<ValueTask> round) => AllocatedAsync<int>(round, null);

    /// <summary>Asserts that no watcher keeps the loop alive.</summary>
    protected static void AssertIdle(Loop loop) => Assert.False(loop.Start(RunFlags.NoWait));

    /// <summary>A thread that runs the actions passed to Do, one after the other.</summary>
    protected sealed class Helper : IDisposable
    {
        private readonly BlockingCollection<Action> _actions = [];
        private readonly Thread _thread;

        public Helper()
        {
            _thread = new Thread(() =>
            {
                foreach (Action action in _actions.GetConsumingEnumerable())
                {
                    action();
                }
            });
            _thread.Start();
        }

        public void Do(Action action) => _actions.Add(action);

        public void Dispose()
        {
            _actions.CompleteAdding();
            _thread.Join();
            _actions.Dispose();
        }
    }

    /// <summary>A context that queues posted callbacks and counts them.</summary>
    protected sealed class OtherContext : SynchronizationContext
    {
        private readonly ConcurrentQueue<(SendOrPostCallback Callback, object? State)> _posted = new();

        public int Count => _posted.Count;

        public override void Post(SendOrPostCallback d, object? state) => _posted.Enqueue((d, state));

        public void RunAll()
        {
            while (_posted.TryDequeue(out (SendOrPostCallback Callback, object? State) item))
            {
                item.Callback(item.State);
            }
        }
    }

    private static async Task<long> AllocatedAsync<T>(Func<ValueTask>? plain, Func<ValueTask<T>>? typed)
    {
        const int Rounds = 2000;
        long allocated = -1;

        // The runtime may allocate on this thread while it still optimizes the code. An allocation of the library would appear in
        // every attempt.
        for (int attempt = 0; attempt < 5 && allocated != 0; attempt++)
        {
            int thread = Environment.CurrentManagedThreadId;
            long before = GC.GetAllocatedBytesForCurrentThread();

            for (int i = 0; i < Rounds; i++)
            {
                if (plain is not null)
                {
                    await plain();
                }
                else
                {
                    await typed!();
                }
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(thread, Environment.CurrentManagedThreadId);
        }

        return allocated;
    }
}
