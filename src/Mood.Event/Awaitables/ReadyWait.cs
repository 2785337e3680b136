#if NET8_0_OR_GREATER
using System.Threading;
using System.Threading.Tasks;
using Mood.Event.Handles;

namespace Mood.Event;

/// <summary>The awaitable of <see cref="Loop.WaitAsync(int, Events, CancellationToken)"/>.</summary>
internal sealed class ReadyWait : IoWait<Events>
{
    private ReadyWait(Loop loop)
        : base(loop)
    {
    }

    internal static ValueTask<Events> Begin(
        Loop loop, FileDescriptor fd, Events events, CancellationToken cancellationToken)
    {
        ReadyWait wait = loop.Waits.Readies.Take() ?? new ReadyWait(loop);
        wait.Begin(fd, events, cancellationToken);
        return new ValueTask<Events>(wait, wait.Version);
    }

    private protected override void OnReady(Events revents) => Succeed(revents);

    private protected override void OnIdle(bool isSpoilt)
    {
        if (!isSpoilt && !Loop.IsClosed)
        {
            Loop.Waits.Readies.Add(this);
        }
    }
}
#endif
