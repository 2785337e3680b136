using System;
using System.ComponentModel;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="Loop.WaitForExitAsync(int, CancellationToken)"/> on Windows, on a loop that is not the default loop. The
/// object serves one wait only.</summary>
/// <remarks>The system waits for the process, and a thread of the pool then sends the Async.</remarks>
internal sealed class ProcessWait : Wait<Child>
{
    private readonly Child _child; // never started: it carries the result, and its handle keeps the pid from other processes
    private readonly Async _ended;

    // What the system waits for. Loop's thread: made by Begin, disposed when the wait ends.
    private Process? _process;

    internal ProcessWait(Loop loop, int pid, Process? process)
        : base(loop, pool: null)
    {
        _child = new Child(loop, pid, process);
        _ended = new Async(loop, OnEnded);
    }

    internal override void Free() => Close();

    /// <summary>Begins the wait. A process that has ended already gives a result at once.</summary>
    internal new ValueTask<Child> Begin(CancellationToken cancellationToken)
    {
        try
        {
            _ended.Start(); // first: a Send to an Async that is not active is lost

            if (!TryWatch())
            {
                Finish();
                return new ValueTask<Child>(_child);
            }

            base.Begin(cancellationToken);
            return new ValueTask<Child>(this, Version);
        }
        catch (Win32Exception e)
        {
            Close();
            throw Error.Event_ProcessRefused(_child.Pid, e);
        }
        catch
        {
            Close();
            throw;
        }
    }

    private protected override void StopWatching() => Close();

    // False: the process has ended. The runtime tells that with an exception, whose type depends on the moment of the end.
    private bool TryWatch()
    {
        try
        {
            _process = Process.GetProcessById(_child.Pid);
            _process.Exited += (_, _) => _ended.TrySend(); // the wait may be over by then
            _process.EnableRaisingEvents = true; // opens the handle
            return true;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    private void OnEnded(Async async, Events revents)
    {
        Finish();
        Complete(_child);
    }

    private void Finish()
    {
        _child.SetExit();
        Close();
    }

    private void Close()
    {
        _ended.Dispose();
        _child.Dispose();
        _process?.Dispose();
    }
}
