using System;
using System.Threading;

namespace Mood.Event;

/// <summary>Limits the time for which a flush is deferred. After 5 to 10 milliseconds, the thread pool sends the bytes that are not sent
/// yet.</summary>
/// <remarks>
/// <para>A handler may flush and then block or compute. Without the guard, the client would get the flushed bytes only when the
/// handler goes on. The guard has a thread of its own, because under load it looks 200 times a second and nearly always finds nothing that
/// it must send. A timer would wake a thread of the pool each time.</para>
/// <para>Under load, some sender has bytes to send whenever the guard looks. So the guard sends them only if it has seen the same flush
/// when it looked before. Otherwise it would wake the pool each time, and cut an answer in two.</para>
/// </remarks>
internal sealed class Guard : IDisposable
{
    private const int Milliseconds = 5;

    private readonly object _gate = new();

    // A stack of the senders to look at, linked by Sender.NextWatched. Any thread.
    private Sender? _watched;

    // 1 from the first sender that is pushed until the thread takes the stack. Any thread.
    private int _isArmed;

    // Guarded by _gate: the thread must look, or end.
    private bool _hasWork, _isDisposed;

    internal Guard(string name) => new Thread(Loop) { IsBackground = true, Name = name }.UnsafeStart();

    /// <summary>Makes sure that the sender runs soon. Any thread.</summary>
    internal void Watch(Sender sender)
    {
        if (!sender.TryWatch())
        {
            return;
        }

        Sender? head;

        do
        {
            head = Volatile.Read(ref _watched);
            sender.NextWatched = head;
        }
        while (Interlocked.CompareExchange(ref _watched, sender, head) != head);

        if (Interlocked.Exchange(ref _isArmed, 1) == 0)
        {
            Wake(ref _hasWork);
        }
    }

    public void Dispose() => Wake(ref _isDisposed);

    private void Wake(ref bool reason)
    {
        lock (_gate)
        {
            reason = true;
            Monitor.Pulse(_gate);
        }
    }

    private void Loop()
    {
        while (WaitForWork())
        {
            Thread.Sleep(Milliseconds);
            Look();
        }
    }

    private bool WaitForWork()
    {
        lock (_gate)
        {
            while (!_hasWork && !_isDisposed)
            {
                Monitor.Wait(_gate);
            }

            _hasWork = false;
            return !_isDisposed;
        }
    }

    private void Look()
    {
        Interlocked.Exchange(ref _isArmed, 0); // before the stack is taken: a sender that is pushed later wakes this thread again
        Sender? sender = Interlocked.Exchange(ref _watched, null);

        while (sender is not null)
        {
            Sender? next = sender.NextWatched;
            sender.NextWatched = null;
            sender.Unwatch();

            if (sender.IsOverdue)
            {
                // Not here: sending may continue a flush of the application, which may block.
                ThreadPool.UnsafeQueueUserWorkItem(static s => s.RunOverdue(), sender, preferLocal: false);
            }
            else if (sender.IsPending)
            {
                Watch(sender); // the next look sends, unless the flush was sent by then
            }

            sender = next;
        }
    }
}
