using System;
using System.Threading;

namespace Mood.Event;

/// <content>Ends idle connections (LoopServerOptions.IdleTimeout).</content>
public sealed partial class LoopServer
{
    private const double MinSweepInterval = 0.01; // seconds
    private const int SweepsPerTimeout = 4;

    // Only the loop's thread uses the fields below.

    // Checks for idle connections. Null if there is no time-out. Active while there are connections.
    private Timer? _sweep;

    // After this number of sweeps without a completed operation, a connection is idle.
    private int _idleSweeps;

    private void CreateSweep()
    {
        if (_idleTimeout == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        double timeout = _idleTimeout.TotalSeconds, interval = Math.Max(timeout / SweepsPerTimeout, MinSweepInterval);
        _idleSweeps = (int)Math.Ceiling(timeout / interval);
        _sweep = _loop.Timer(interval, interval, (_, _) => Sweep());
        _sweep.KeepAlive = false; // the server itself keeps the loop alive
    }

    private void StartSweep()
    {
        if (_sweep is { IsActive: false })
        {
            _sweep.Restart();
        }
    }

    private void Sweep()
    {
        foreach (ServerConnection connection in Connections())
        {
            if (connection.CountIdle() >= _idleSweeps && !connection.IsCancelled)
            {
                connection.Cancel();

                // A wait that uses the token is cancelled by a post. So the close is posted too, and comes after the cancellation.
                _loop.TryPost(static connection => connection.Close(reset: true), connection);
            }
        }
    }
}
