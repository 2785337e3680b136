using System;
using System.Net.Sockets;
using System.Threading;

namespace Mood.Event;

/// <summary>The options of a <see cref="LoopServer"/>. <see cref="LoopServer.Listen"/> copies them.</summary>
public sealed class LoopServerOptions
{
    private int _backlog = 512, _maxConnections = int.MaxValue;
    private TimeSpan _idleTimeout = Timeout.InfiniteTimeSpan, _shutdownTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Creates options with the default values.</summary>
    public LoopServerOptions()
    {
    }

    /// <summary>How many connections the kernel may queue until the server accepts them, at least 1. The default is 512. The
    /// kernel may apply a lower limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to less than 1.</exception>
    public int Backlog
    {
        get => _backlog;
        set => _backlog = Validate.Positive(value, nameof(value));
    }

    /// <summary>The maximum number of connections at a time, at least 1. Further connections wait in the backlog. The default is
    /// no limit (<see cref="int.MaxValue"/>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to less than 1.</exception>
    public int MaxConnections
    {
        get => _maxConnections;
        set => _maxConnections = Validate.Positive(value, nameof(value));
    }

    /// <summary>The time without a completed read or write after which the server cancels the handler's token and closes the
    /// connection. The default, <see cref="Timeout.InfiniteTimeSpan"/>, is no limit.</summary>
    /// <remarks>The server checks four times within this time, but at most once every 10 ms. An idle connection may therefore
    /// stay open for up to a quarter of the time longer, or up to 10 ms longer.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">Set to zero or less, unless it is infinite.</exception>
    public TimeSpan IdleTimeout
    {
        get => _idleTimeout;
        set => _idleTimeout = value > TimeSpan.Zero || value == Timeout.InfiniteTimeSpan
            ? value
            : throw Error.ArgumentOutOfRange_IdleTimeout(value, nameof(value));
    }

    /// <summary>How long the server waits for its handlers when <see cref="LoopServer.RunAsync"/> is cancelled or a
    /// Run with a token ends. Then it cancels them. The default is 10 seconds. <see cref="Timeout.InfiniteTimeSpan"/> waits for
    /// the handlers without limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, unless it is infinite.</exception>
    public TimeSpan ShutdownTimeout
    {
        get => _shutdownTimeout;
        set
        {
            LoopServer.GraceOf(value, nameof(value));
            _shutdownTimeout = value;
        }
    }

    /// <summary>Whether small writes are sent at once (<see cref="Socket.NoDelay"/>). The default is true. Unix domain sockets
    /// always send small writes at once.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>Whether several servers, each with this option, may listen on the same address and port (SO_REUSEPORT). On Linux
    /// the kernel distributes the connections among them, so that each of several loops can have its own server. The default is
    /// false.</summary>
    /// <remarks>It works on Linux and macOS, and for IP addresses only.</remarks>
    public bool ReusePort { get; set; }
}
