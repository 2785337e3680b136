#if NET8_0_OR_GREATER
using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The awaitable of <see cref="Loop.WaitForExitAsync(int, CancellationToken)"/>: its watcher is its result.</summary>
internal sealed class ChildWait : Wait<Child>
{
    private readonly Child _child;

    internal ChildWait(Loop loop, int pid)
        : base(loop) => _child = loop.Child(pid, trace: false, OnExited, data: this);

    internal ChildWait(Loop loop, Process process)
        : base(loop) => _child = loop.Child(process, trace: false, OnExited, data: this);

    internal override void Free() => _child.Dispose();

    internal new ValueTask<Child> Begin(CancellationToken cancellationToken)
    {
        _child.Start();
        base.Begin(cancellationToken);
        return new ValueTask<Child>(this, Version);
    }

    private protected override void StopWatching()
    {
        _child.Dispose();
        _child.Data = null;
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        // it was made for one child
    }

    private void OnExited(Child child, Events revents) => Succeed(child);
}
#endif
