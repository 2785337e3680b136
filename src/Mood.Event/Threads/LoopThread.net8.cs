using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Asynchronous disposal.</content>
public sealed partial class LoopThread : IAsyncDisposable
{
    /// <summary>Ends the loop like <see cref="StopAsync"/>. Like <see cref="Dispose"/>, and unlike StopAsync, it does not fail
    /// with the exception that left Start. <see cref="LoopOptions.DisposeTimeout"/> limits the wait.</summary>
    /// <returns>A task that ends when the thread has ended, or after the limit.</returns>
    public async ValueTask DisposeAsync()
    {
        Task stopped = StopAsync();
        Task waited = _disposeTimeout is TimeSpan timeout && !IsCurrent
            ? stopped.WaitAsync(_isStuck ? TimeSpan.Zero : timeout)
            : stopped;
        await waited.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _isStuck |= !stopped.IsCompleted;
        Ignore(stopped);
    }
}
