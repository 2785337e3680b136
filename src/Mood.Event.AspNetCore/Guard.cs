using System;
using System.Threading;

namespace Mood.Event;

/// <summary>Limits the time for which a flush is deferred. After a few milliseconds, the thread pool sends the bytes that are not sent
/// yet.</summary>
/// <remarks>A handler may flush and then block while further requests of its connection wait. Without the guard, the client would
/// get the flushed bytes only when the handler goes on. The timer runs only after a flush was deferred.</remarks>
internal sealed class Guard : IDisposable
{
    private const int Milliseconds = 5;

    private readonly System.Threading.Timer _timer;

    // A stack of the senders to run, linked by Sender.NextWatched. Any thread.
    private Sender? _watched;

    // 1 while the timer runs. Any thread.
    private int _isArmed;

    internal Guard() => _timer = new System.Threading.Timer(static guard => ((Guard)guard!).Run(), this, Timeout.Infinite, Timeout.Infinite);

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
            _timer.Change(Milliseconds, Timeout.Infinite);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Run()
    {
        Interlocked.Exchange(ref _isArmed, 0); // before the stack is taken: a sender that is pushed later arms the timer again
        Sender? sender = Interlocked.Exchange(ref _watched, null);

        while (sender is not null)
        {
            Sender? next = sender.NextWatched;
            sender.NextWatched = null;
            sender.Unwatch();
            sender.Run();
            sender = next;
        }
    }
}
