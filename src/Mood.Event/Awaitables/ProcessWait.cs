using System;
using System.ComponentModel;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>The wait of <see cref="Loop.WaitForExitAsync(int, CancellationToken)"/> on Windows, on a loop that is not the default loop. The
/// object serves one wait only.</summary>
/// <remarks>The system waits for the process, and a thread of the pool then sends the Async. <see cref="Process.Exited"/> does the same, but it
/// opens the process with all rights, which this program may not have.</remarks>
internal sealed class ProcessWait : Wait<Child>
{
    private readonly Child _child; // never started; the result. While its handle is open, no other process gets the pid.
    private readonly Async _ended;

    // What the system waits for. Loop's thread: made by Begin, disposed when the wait ends.
    private Handle? _process;
    private RegisteredWaitHandle? _registration;

    internal ProcessWait(Loop loop, int pid, Process? process)
        : base(loop, pool: null)
    {
        _child = new Child(loop, pid, process);
        _ended = new Async(loop, OnEnded) { Wait = this };
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

    // False: the process has ended. No other process can have its pid: see _child.
    private bool TryWatch()
    {
        const int noSuchProcess = 87; // ERROR_INVALID_PARAMETER
        _process = new Handle(NativeKernel32.OpenProcess(_child.Pid, out int error));

        if (_process.SafeWaitHandle.IsInvalid)
        {
            return error == noSuchProcess ? false : throw new Win32Exception(error);
        }

        // TrySend: the wait may be over by then
        _registration = ThreadPool.UnsafeRegisterWaitForSingleObject(
            _process, (_, _) => _ended.TrySend(), null, Timeout.Infinite, executeOnlyOnce: true);
        return true;
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
        _registration?.Unregister(null);
        _process?.Dispose();
    }

    /// <summary>A handle of a process. The system signals the handle when the process ends.</summary>
    private sealed class Handle : WaitHandle
    {
        internal Handle(SafeWaitHandle handle) => SafeWaitHandle = handle;
    }
}
