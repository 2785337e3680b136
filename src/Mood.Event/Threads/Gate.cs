using System.Threading;

namespace Mood.Event;

/// <summary>
/// A lock that Thread.Interrupt does not keep anybody from taking, for the same reasons as <see cref="QuietWait"/>:
/// <c>using Gate.Pass pass = gate.Enter();</c>.
/// </summary>
internal sealed class Gate
{
    private readonly object _lock = new();

    internal Pass Enter()
    {
        bool interrupted = false;

        while (true)
        {
            try
            {
                Monitor.Enter(_lock);
                break;
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
        }

        if (interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }

        return new Pass(_lock);
    }

    /// <summary>The right to be inside, given back by Dispose.</summary>
    internal readonly ref struct Pass(object taken)
    {
        public void Dispose() => Monitor.Exit(taken);
    }
}
