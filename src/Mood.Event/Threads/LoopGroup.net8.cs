using System;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Asynchronous disposal.</content>
public sealed partial class LoopGroup : IAsyncDisposable
{
    /// <summary>Ends all loops like <see cref="StopAsync"/>. Like <see cref="Dispose"/>, it does not fail with the exceptions
    /// that left their Starts. <see cref="LoopOptions.DisposeTimeout"/> limits the wait.</summary>
    /// <returns>A task that ends when all threads have ended, or after the limit.</returns>
    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(Array.ConvertAll(_threads, thread => thread.DisposeAsync().AsTask())).ConfigureAwait(false);
}
