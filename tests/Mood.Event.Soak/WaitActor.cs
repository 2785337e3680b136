using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Soak;

/// <summary>Every wait ends once and on the loop's thread, by its event or by cancellation, even if the two race.</summary>
internal sealed class WaitActor : Actor
{
    private readonly Loop _loop;
    private readonly Socket _near, _far;
    private readonly byte[] _buffer = new byte[64];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private CancellationTokenSource _stop = new();
    private int _begun, _ended;
    private bool _receiving, _isOver;

    public WaitActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        (_near, _far) = SocketPair.Make();
    }

    public override bool IsDone
    {
        get
        {
            if (_receiving)
            {
                _far.Send(_buffer.AsSpan(0, 1)); // without this byte the wait would not end
            }

            return _begun == _ended;
        }
    }

    public override string Owes => $"{_begun - _ended} ends of waits";

    public override void Act()
    {
        switch (Random.Next(6))
        {
            case 0 or 1:
                _ = CountAsync(_loop.Delay(Random.NextDouble() * 0.01, _stop.Token).AsTask());
                break;
            case 2:
                _ = CountAsync(_loop.WaitAsync(_near, Events.Write, _stop.Token).AsTask());
                break;
            case 3:
                if (!_receiving)
                {
                    _ = ReceiveAsync(_stop.Token);
                }

                break;
            case 4:
                CancellationTokenSource stop = _stop;
                _stop = new CancellationTokenSource();
                Helpers.Run(() =>
                {
                    stop.Cancel();
                    stop.Dispose();
                });
                break;
            default:
                _far.Send(_buffer.AsSpan(0, Random.Next(1, 9)));
                break;
        }
    }

    public override void Dispose()
    {
        Helpers.Wait();
        _isOver = true;
        _stop.Cancel(); // the remaining waits end in the loop's next iteration, unless the loop's Dispose has ended them

        if (!_loop.TryPost(Close))
        {
            Close();
        }
    }

    private void Close()
    {
        _stop.Dispose();
        _near.Dispose();
        _far.Dispose();
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        _receiving = true;

        try
        {
            Task<int> receive = _near.ReceiveAsync(_loop, _buffer, cancellationToken).AsTask();
            await CountAsync(receive).ConfigureAwait(false);
        }
        finally
        {
            _receiving = false;
        }
    }

    private async Task CountAsync(Task wait)
    {
        _begun++;

        try
        {
            await wait.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The actor has cancelled the wait.
        }
        catch (ObjectDisposedException) when (_isOver)
        {
            // The loop was disposed before the wait ended.
        }

        if (_thread == Environment.CurrentManagedThreadId)
        {
            _ended++;
            Calls++;
        }
    }
}
