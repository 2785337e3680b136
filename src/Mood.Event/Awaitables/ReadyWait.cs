using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="Loop.WaitAsync(int, Events, CancellationToken)"/>.</summary>
internal sealed class ReadyWait : IoWait<Events>
{
    private ReadyWait(Loop loop)
        : base(loop, loop.Waits.Readies)
    {
    }

    internal static ValueTask<Events> Begin(
        Loop loop, FileDescriptor fd, Events events, CancellationToken cancellationToken)
    {
        ReadyWait wait = loop.Waits.Readies.Take() ?? new ReadyWait(loop);
        wait.Begin(fd, events, cancellationToken);
        return new ValueTask<Events>(wait, wait.Version);
    }

    private protected override bool TryFinish(Events revents, out Events result, out Exception? exception)
    {
        (result, exception) = (revents, null);
        return true;
    }
}
