using System;
using System.Net.Sockets;
using System.Threading;

namespace Mood.Event;

/// <content>The end of a stream.</content>
public sealed partial class LoopStream
{
    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            CloseAnywhere();
        }

        base.Dispose(disposing);
    }

    private void CloseAnywhere()
    {
        // no other read or write can begin any more
        bool isIdle = Interlocked.Exchange(ref _isReading, 1) + Interlocked.Exchange(ref _isWriting, 1) == 0;

        if (isIdle)
        {
            if (Loop.IsHere && !Loop.IsRescheduling)
            {
                Loop.Waits.StopRenewable(); // the watcher is stopped before its socket is closed
            }

            CloseSource();

            if (_receive is null && _send is null)
            {
                return;
            }
        }

        // A reschedule function must not stop watchers, so the watchers of the waits are then stopped by a post.
        if (!Loop.IsRescheduling && Loop.TryClaim(out Loop.Claim claim))
        {
            bool isReading, isWriting;

            using (claim)
            {
                StopWaits(out isReading, out isWriting);
            }

            CloseStopped(isReading, isWriting);
            return;
        }

        if (!isIdle && _ownsSocket)
        {
            ShutDown(); // tells the peer now; the loop closes the socket later
        }

        if (!Loop.TryPost(CloseOnLoop))
        {
            CloseSource(); // the loop's Dispose, which may still be running, ends the waits
        }
    }

    private void CloseOnLoop()
    {
        StopWaits(out bool isReading, out bool isWriting);
        CloseStopped(isReading, isWriting);
    }

    // The watchers are stopped before their socket or handle is closed. They are freed here, so that their native memory does not wait for
    // the garbage collector. The loop is claimed.
    private void StopWaits(out bool isReading, out bool isWriting)
    {
        Loop.Waits.StopRenewable();
        isReading = _receive?.TryStop() == true;
        isWriting = _send?.TryStop() == true;
        _receive?.Free();
        _send?.Free();
    }

    // Closing may be user code (the ReleaseHandle of a SafeHandle, the Dispose of a derived Socket), and the continuations are. So no claim is
    // held outside Start, and the waits end even if closing throws.
    private void CloseStopped(bool isReading, bool isWriting)
    {
        try
        {
            CloseSource();
        }
        finally
        {
            EndStoppedWaits(isReading, isWriting);
        }
    }

    private void EndStoppedWaits(bool isReading, bool isWriting)
    {
        IoWait<WriteOperation, int>? send = _send; // the continuation of the read may clear the field

        if (isReading)
        {
            _receive!.EndStopped(Error.ObjectDisposed(this));
        }

        if (isWriting)
        {
            send!.EndStopped(Error.ObjectDisposed(this));
        }
    }

    private void CloseSource()
    {
        if (_handle is not null)
        {
            _handle.Dispose();
        }
        else if (_ownsSocket)
        {
            Socket.Dispose();
        }
    }

    private void ShutDown()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the connection is gone already
        }
    }
}
