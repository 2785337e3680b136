using System;
using System.ComponentModel;
using System.Diagnostics;
using System.Threading;

namespace Mood.Event;

/// <summary>Asks a Process whether it has exited, and with which code. Any thread. Throws nothing.</summary>
/// <remarks>The Process raises its event Exited in the first such call after the exit, on the calling thread. That would be user code below a member
/// that holds a brief claim, or on the loop's thread, which handlers of this event do not expect. So during the call the Process gets this object as
/// its SynchronizingObject, which has the handlers called on the thread pool, as the runtime does.</remarks>
internal sealed class ProcessExit(Loop loop, Process process) : ISynchronizeInvoke
{
    // The runtime stores the result immediately after its wait, so this time, in milliseconds, is long.
    private const int Patience = 50;

    // Held during a call, so that the SynchronizingObject of the program is put back.
    private static readonly Gate s_gate = new();

    private ISynchronizeInvoke? _before;

    /// <summary>Whether the runtime has reaped the process. False: it is not known, because the Process was disposed.</summary>
    internal bool HasExited => Ask(static process => process.HasExited);

    /// <summary>The exit code of a process that the runtime has reaped, or is reaping now. Null: it is not known.</summary>
    internal int? Code => Ask(static process => process.HasExited || process.WaitForExit(Patience) ? process.ExitCode : default(int?));

    bool ISynchronizeInvoke.InvokeRequired => true;

    IAsyncResult ISynchronizeInvoke.BeginInvoke(Delegate method, object?[]? args)
    {
        var handlers = (EventHandler)method;
        ThreadPool.UnsafeQueueUserWorkItem(_ => Raise(handlers, args), null);
        return System.Threading.Tasks.Task.CompletedTask;
    }

    object? ISynchronizeInvoke.EndInvoke(IAsyncResult result) => null;

    object? ISynchronizeInvoke.Invoke(Delegate method, object?[]? args) => throw new NotSupportedException();

    private T? Ask<T>(Func<Process, T?> question)
    {
        using (s_gate.Enter())
        {
            try
            {
                _before = process.SynchronizingObject;
                process.SynchronizingObject = this;
                return question(process);
            }
            catch (Exception e) when (e is InvalidOperationException or NotSupportedException or Win32Exception)
            {
                return default;
            }
            finally
            {
                process.SynchronizingObject = _before;
            }
        }
    }

    private void Raise(EventHandler handlers, object?[]? args)
    {
        try
        {
            if (_before is { InvokeRequired: true })
            {
                _before.BeginInvoke(handlers, args);
            }
            else
            {
                handlers(process, EventArgs.Empty);
            }
        }
#pragma warning disable CA1031 // any exception: on the thread pool it would end the process
        catch (Exception e)
#pragma warning restore CA1031
        {
            loop.Report(e, handlers.Method, "a handler of Process.Exited");
        }
    }
}
