using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="Loop.WaitForExitAsync(int, CancellationToken)"/>. The result is the watcher, so the object
/// serves one wait only.</summary>
internal sealed class ChildWait : Wait<Child>
{
    private readonly Child _child;

    internal ChildWait(Loop loop, int pid)
        : base(loop, pool: null)
    {
        _child = loop.Child(pid, trace: false, OnExited);
        _child.Wait = this;
    }

    internal ChildWait(Loop loop, Process process)
        : base(loop, pool: null)
    {
        _child = loop.Child(process, trace: false, OnExited);
        _child.Wait = this;
    }

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
        _child.Wait = null;
    }

    private void OnExited(Child child, Events revents) => Complete(child);
}
