using System;
using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace Mood.Event;

/// <summary>Sends what the application writes to a connection.</summary>
/// <remarks>
/// <para>The application writes into a pipe. SendAllAsync reads the pipe and sends the bytes. While it waits for bytes, a flush
/// calls <see cref="Schedule"/>, because this class is the scheduler of the pipe's reader. Schedule only stores the continuation of
/// SendAllAsync. <see cref="Run"/> calls the continuation, on the calling thread. So the bytes of all flushes before a Run are sent
/// with one system call. Run is called by:</para>
/// <code>
///   Output     after a flush, unless the application has unread input or runs between BeginCall and EndCall
///   Input      when the application waits for input
///   EndCall    when the callback or the work item that runs the application ends
///   Guard      5 to 10 milliseconds after a flush that none of the others has sent
/// </code>
/// <para>A flush between BeginCall and EndCall is deferred, because Kestrel flushes a chunked answer and its end
/// separately.</para>
/// <para>SendAllAsync runs only inside Run and <see cref="OnWritable"/>. Another thread may flush after SendAllAsync has found no bytes
/// and before it begins to wait. The pipe then calls Schedule on the sending thread. So Run and OnWritable look for a stored
/// continuation again before they return.</para>
/// <para>When one thread has sent an answer, the client may send the next request at once, and another thread may run the application for it
/// before the first thread returns. The first thread must not send the flushes of the other one, which would cut its answer in two: see
/// MaySend.</para>
/// </remarks>
internal sealed class Sender(Connection connection, Socket socket, Guard guard) : PipeScheduler, IValueTaskSource
{
    private PipeReader? _output;

    // The continuation of SendAllAsync that waits for Run. Any thread takes it, with Interlocked.
    private Action<object?>? _action;
    private object? _state;

    // The wait until the socket takes bytes again. Reset by SendAllAsync, set on the loop's thread.
    private ManualResetValueTaskSourceCore<bool> _writable;

    // 1 while the guard watches this sender
    private int _isWatched;

    // The managed id of the thread between BeginCall and EndCall, or 0. No lock is needed: a thread only compares it with its own id,
    // and no other thread writes that id here.
    private int _callingThread;

    // The number of calls of Schedule, by the thread that flushes. The guard's thread only reads it.
    private int _flushes;

    // The value of _flushes at the guard's last look. The guard's thread writes it. RunOverdue reads it on a thread of the pool.
    private int _seen;

    /// <summary>The guard's link.</summary>
    internal Sender? NextWatched { get; set; }

    /// <summary>Ends when everything is sent, or nothing can be sent any more. Never fails.</summary>
    internal Task Sent { get; private set; } = Task.CompletedTask;

    /// <summary>Whether there are bytes to send that wait for <see cref="Run"/>.</summary>
    internal bool IsPending => Volatile.Read(ref _action) is not null;

    /// <summary>Whether bytes wait to be sent and have waited since the guard's last look. Each read is a look. Guard's thread.</summary>
    internal bool IsOverdue
    {
        get
        {
            int flushes = Volatile.Read(ref _flushes);
            bool isSeen = flushes == _seen;
            Volatile.Write(ref _seen, flushes);
            return isSeen && IsPending;
        }
    }

    /// <summary>Whether the calling thread will call <see cref="Run"/> soon, when the application returns to it.</summary>
    internal bool IsCalling => Volatile.Read(ref _callingThread) == Environment.CurrentManagedThreadId;

    internal void Begin(PipeReader output)
    {
        _output = output;
        Sent = SendAllAsync(output);
    }

    public override void Schedule(Action<object?> action, object? state)
    {
        _state = state;
        Volatile.Write(ref _flushes, _flushes + 1);
        Volatile.Write(ref _action, action);
    }

    /// <summary>Sends the bytes that are scheduled. Any thread.</summary>
    internal void Run()
    {
        while (IsPending && Interlocked.Exchange(ref _action, null) is Action<object?> action)
        {
            action(_state);

            if (!MaySend())
            {
                return;
            }
        }
    }

    /// <summary>Sends the bytes that were overdue when the guard looked. They may have been sent since then, and the application may have
    /// flushed others, which the guard will look at again. Thread of the pool.</summary>
    internal void RunOverdue()
    {
        if (Volatile.Read(ref _flushes) == Volatile.Read(ref _seen))
        {
            Run();
        }
    }

    /// <summary>The calling thread is about to run the application. Flushes on it wait for <see cref="EndCall"/>.</summary>
    internal void BeginCall() => Volatile.Write(ref _callingThread, Environment.CurrentManagedThreadId);

    /// <summary>The application has returned: sends what it has flushed.</summary>
    internal void EndCall()
    {
        // The application may have begun to wait, and sent its bytes, long ago. Another thread may run it now, for the next request.
        Interlocked.CompareExchange(ref _callingThread, 0, Environment.CurrentManagedThreadId);

        if (MaySend())
        {
            Run();
        }
    }

    /// <summary>Ends <see cref="Sent"/>. Any thread.</summary>
    internal void Cancel()
    {
        _output!.CancelPendingRead();
        Run();
    }

    /// <summary>The socket takes bytes again, or is closed. Loop's thread, or any thread after the loop's end.</summary>
    internal void OnWritable()
    {
        _writable.SetResult(true);

        if (MaySend())
        {
            Run();
        }
    }

    /// <summary>Marks the sender as watched. Returns false if it was marked already. Otherwise the caller adds it to the senders that the
    /// guard watches.</summary>
    /// <remarks>The exchanges here and in Unwatch are memory barriers. If TryWatch returns false, the guard's later call of Run sees
    /// the bytes that this thread has scheduled.</remarks>
    internal bool TryWatch() => Interlocked.Exchange(ref _isWatched, 1) == 0;

    internal void Unwatch() => Interlocked.Exchange(ref _isWatched, 0);

    void IValueTaskSource.GetResult(short token) => _writable.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _writable.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        _writable.OnCompleted(continuation, state, token, flags);
        connection.WatchWrite(); // only now, so that OnWritable finds the continuation and runs it
    }

    // Whether this thread may send bytes that others may have flushed. False if another thread runs the application: that thread calls Run,
    // and the guard does so if the thread blocks.
    private bool MaySend()
    {
        int thread = Volatile.Read(ref _callingThread);

        if (thread == 0 || thread == Environment.CurrentManagedThreadId)
        {
            return true;
        }

        if (IsPending)
        {
            guard.Watch(this);
        }

        return false;
    }

    private async Task SendAllAsync(PipeReader output)
    {
        Exception? failure = null;

        try
        {
            while (true)
            {
                ReadResult result = await output.ReadAsync().ConfigureAwait(false);

                if (result.IsCanceled)
                {
                    break;
                }

                await SendAsync(result.Buffer).ConfigureAwait(false);
                output.AdvanceTo(result.Buffer.End);

                if (result.IsCompleted)
                {
                    break;
                }

                await new Turn(this);
            }
        }
        catch (ObjectDisposedException)
        {
            // the connection was closed, for a reason that is known already
        }
        catch (SocketException e)
        {
            failure = connection.OnSocketError(e);
        }
#pragma warning disable CA1031 // any exception: the application has completed its writer with it
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
            Log.Error(connection.Logger, connection.ConnectionId, e);
        }

        // CompleteAsync does not get the failure, because the application's flushes would throw it. A flush after the peer has gone must
        // not throw: its result says IsCompleted.
        await output.CompleteAsync().ConfigureAwait(false);
        connection.CloseAfterOutput(failure);
    }

    // Awaited by SendAllAsync before it reads the pipe again. If this thread may not send, Run continues SendAllAsync.
    private readonly struct Turn(Sender sender) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => sender.MaySend();

        public Turn GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation) => sender.Schedule(static action => ((Action)action!)(), continuation);
    }

    private async ValueTask SendAsync(ReadOnlySequence<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            if (socket.TrySend(rest, out long count))
            {
                rest = rest.Slice(count);
                continue;
            }

            _writable.Reset();
            await new ValueTask(this, _writable.Version).ConfigureAwait(false);
        }
    }
}
