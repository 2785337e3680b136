#if NET8_0_OR_GREATER
namespace Mood.Event;

/// <summary>The waits that a loop has at hand, by kind.</summary>
internal sealed class Waits
{
    // what may be done at one event without waiting, so that a peer that never stops talking does not have the loop alone
    private const int Allowance = 64;

    private int _left = Allowance;

    internal WaitPool<DelayWait> Delays { get; } = new();

    internal WaitPool<ReadyWait> Readies { get; } = new();

    internal WaitPool<ReceiveWait> Receives { get; } = new();

    internal WaitPool<SendWait> Sends { get; } = new();

    internal WaitPool<AcceptWait> Accepts { get; } = new();

    /// <summary>
    /// Whether a socket may be tried before it is waited for. Not for ever: who loops over awaits that are all over at once
    /// would keep everybody else from running.
    /// </summary>
    internal bool MayTry()
    {
        if (_left == 0)
        {
            return false;
        }

        _left--;
        return true;
    }

    /// <summary>A wait is over: what follows it begins with a full allowance.</summary>
    internal void Renew() => _left = Allowance;

    /// <summary>The loop is about to be closed: their watchers go with it.</summary>
    internal void Free()
    {
        Delays.Free();
        Readies.Free();
        Receives.Free();
        Sends.Free();
        Accepts.Free();
    }
}
#endif
