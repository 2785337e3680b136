using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>Options of <see cref="Loop.Run(Func{CancellationToken, Task}, RunOptions)"/>. Run reads them when it is called.</summary>
public sealed class RunOptions
{
    private int[] _stopSignals = Signum.StopSignals;
    private TimeSpan _shutdownTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Creates options with the default values.</summary>
    public RunOptions()
    {
    }

    /// <summary>The numbers of the signals that stop the program: see <see cref="Signum"/>. The default is SIGINT and SIGTERM, and
    /// on Windows also SIGHUP, which says that the console was closed. With an empty list, Run watches no signal. The list is copied.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no signal with one of the numbers, or it cannot be watched, such as
    /// SIGKILL.</exception>
    public IReadOnlyList<int> StopSignals
    {
        get => Array.AsReadOnly(_stopSignals);
        set => _stopSignals = Validate.WatchableSignums(value, nameof(value));
    }

    /// <summary>How long Run waits for the functions that still run. The time begins at the first stop signal, or at the end of
    /// the main function. The default is 30 seconds. With zero, Run does not wait. <see cref="Timeout.InfiniteTimeSpan"/> means no
    /// limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative and not infinite.</exception>
    public TimeSpan ShutdownTimeout
    {
        get => _shutdownTimeout;
        set => _shutdownTimeout = value == Timeout.InfiniteTimeSpan || value >= TimeSpan.Zero
            ? value
            : throw Error.ArgumentOutOfRange_ShutdownTimeout(value, nameof(value));
    }
}
