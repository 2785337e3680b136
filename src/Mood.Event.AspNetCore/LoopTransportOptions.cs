using System;

namespace Mood.Event;

/// <summary>The options of the transport that
/// <see cref="Microsoft.AspNetCore.Hosting.WebHostBuilderMoodEventExtensions.UseMoodEvent"/> sets up. Changes have no effect after
/// the server has started.</summary>
public sealed class LoopTransportOptions
{
    private int _loops = Environment.ProcessorCount, _backlog = 512;
    private long? _maxReadBufferSize = 1024 * 1024, _maxWriteBufferSize = 64 * 1024;

    /// <summary>Creates options with the default values.</summary>
    public LoopTransportOptions()
    {
    }

    /// <summary>The number of loops, at least 1. Each has a thread of its own. All end points of the server share the loops. The
    /// default is <see cref="Environment.ProcessorCount"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to less than 1.</exception>
    public int Loops
    {
        get => _loops;
        set => _loops = AtLeastOne(value);
    }

    /// <summary>The backends that the loops may use. The default, <see cref="Backends.Auto"/>, is the best of
    /// <see cref="Ev.RecommendedBackends"/>.</summary>
    public Backends Backends { get; set; }

    /// <summary>Whether the application runs on the threads of the loops, instead of the thread pool. The default is false.</summary>
    /// <remarks>
    /// <para>True is the fastest mode, for applications that never block. While a handler blocks or computes, its loop serves none
    /// of its other connections. If a handler blocks until another connection of the same loop has received or sent something, the
    /// handler never ends.</para>
    /// <para>Code after an <c>await</c> of anything other than the request or the response runs on the thread pool in both
    /// modes. The first request of a connection may run there too.</para>
    /// </remarks>
    public bool UnsafeInlineApplication { get; set; }

    /// <summary>The limit of received bytes that wait for the application, for each connection. At the limit the transport stops
    /// receiving until the application has read half of them. The default is 1 MiB. Null or 0 means no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to less than 0.</exception>
    public long? MaxReadBufferSize
    {
        get => _maxReadBufferSize;
        set => _maxReadBufferSize = NotNegative(value);
    }

    /// <summary>The limit of written bytes that wait to be sent, for each connection. At the limit a flush waits until half of them
    /// are sent. The default is 64 KiB. Null or 0 means no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to less than 0.</exception>
    public long? MaxWriteBufferSize
    {
        get => _maxWriteBufferSize;
        set => _maxWriteBufferSize = NotNegative(value);
    }

    /// <summary>How many connections the kernel may queue until the server accepts them, at least 1. The default is 512. The
    /// kernel may apply a lower limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to less than 1.</exception>
    public int Backlog
    {
        get => _backlog;
        set => _backlog = AtLeastOne(value);
    }

    /// <summary>Whether small writes are sent at once (<see cref="System.Net.Sockets.Socket.NoDelay"/>). The default is
    /// true.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>Whether each loop listens with a socket of its own, and the kernel distributes the connections among them
    /// (SO_REUSEPORT). The default is false: one loop accepts the connections and gives them to all loops in turn.</summary>
    /// <remarks>With true, another process of the same user may listen on the same port if it sets this option too, so that a
    /// conflict of ports is not reported. The option works on Linux and macOS, and applies to IP addresses only.</remarks>
    public bool ReusePort { get; set; }

    private static int AtLeastOne(int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
        return value;
    }

    private static long? NotNegative(long? value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value.GetValueOrDefault(), nameof(value));
        return value;
    }
}
