using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>The pooled waits of a loop, its renewable wait, and the number of calls that may still end without a wait.</summary>
internal sealed class Waits
{
    // How many calls in a row may end without a wait. Without a limit, a peer that never stops sending would keep the loop
    // from its other work.
    private const int Allowance = 64;

    // Loop's thread.
    private int _left = Allowance;

    /// <summary>The watcher of the wait whose continuation runs now, or null. The wait has ended and can be renewed, because the
    /// watcher is still active. No other watcher of an ended wait is active. Loop's thread.</summary>
    internal Io? Renewable { get; private set; }

    /// <summary>While the continuation of a receive that did not fill its buffer runs: the handle of the socket. Otherwise null.
    /// Another try would most likely block, so the next receive waits for the next event. Loop's thread.</summary>
    internal SafeHandle? Drained { get; private set; }

    internal WaitPool<DelayWait> Delays { get; } = new();

    internal WaitPool<IoWait<ReadyOperation, Events>> Readies { get; } = new();

    internal WaitPool<IoWait<ReceiveOperation, int>> Receives { get; } = new();

    internal WaitPool<IoWait<SendOperation, int>> Sends { get; } = new();

    internal WaitPool<IoWait<SendSequenceOperation, long>> Sequences { get; } = new();

    internal WaitPool<IoWait<ReceiveFromOperation, SocketReceiveFromResult>> ReceivesFrom { get; } = new();

    internal WaitPool<IoWait<SendToOperation, int>> SendsTo { get; } = new();

    internal WaitPool<IoWait<AcceptOperation, Socket>> Accepts { get; } = new();

    internal WaitPool<IoWait<ConnectOperation, bool>> Connects { get; } = new();

    /// <summary>Whether a call may try the socket before it waits. False once the allowance is used up. Otherwise a program whose
    /// calls all end at once would never return to the loop.</summary>
    internal bool MayTry()
    {
        if (_left <= 0) // less, because inside Loop.Callback two threads may count at the same time
        {
            return false;
        }

        _left--;
        return true;
    }

    /// <summary>Whether a call may try a socket before it waits: see also <see cref="Drained"/>.</summary>
    internal bool MayTry(Socket socket, Events events) =>
        (events != Events.Read || Drained is null || Drained != socket.SafeHandle) && MayTry();

    /// <summary>The wait of a watcher ends now, and the watcher stays active while the continuation runs.</summary>
    internal void SetRenewable(Io io, SafeHandle? drained)
    {
        StopRenewable(); // the continuation of another wait runs the loop, and cannot renew its wait any more
        (Renewable, Drained) = (io, drained);
    }

    /// <summary>The continuation has returned. The watcher is stopped if the wait was not renewed.</summary>
    internal void EndRenewable(Io io)
    {
        Drained = null;

        if (Renewable == io)
        {
            StopRenewable();
        }
    }

    /// <summary>Begins a wait with a watcher that is active already.</summary>
    /// <returns>False: the watcher is not active, and must be set and started.</returns>
    internal bool TryRenew(Io io, FileDescriptor fd, Events events)
    {
        if (Renewable != io)
        {
            return false;
        }

        if (io.IsWatching(fd, events))
        {
            Renewable = null;
            return true;
        }

        StopRenewable();
        return false;
    }

    /// <summary>Stops the watcher that is active without a wait. Its wait cannot be renewed any more.</summary>
    internal void StopRenewable()
    {
        Io? io = Renewable;
        (Renewable, Drained) = (null, null);
        io?.Unwatch();
    }

    /// <summary>A wait has ended: its continuation gets the full allowance.</summary>
    internal void Refill() => _left = Allowance;

    /// <summary>Frees the idle waits, before the loop is closed.</summary>
    internal void Free()
    {
        Delays.Free();
        Readies.Free();
        Receives.Free();
        Sends.Free();
        Sequences.Free();
        ReceivesFrom.Free();
        SendsTo.Free();
        Accepts.Free();
        Connects.Free();
    }
}
