using System;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Mood.Event;

/// <summary>A connection of Kestrel: a socket, and a pipe for each direction.</summary>
/// <remarks>
/// <para>The loop's thread receives (Connection.Receive.cs) and closes (Connection.Close.cs). Any thread sends: see
/// <see cref="Sender"/>.</para>
/// <para>A connection has three states, in this order: new, begun, closed. It is closed once, for one of these reasons: the
/// application has completed its output, sending has failed, the connection was aborted, or the server has stopped. When the peer
/// has closed or reset its side, only the input ends. The application decides when its output ends.</para>
/// </remarks>
[SuppressMessage("Usage", "CA2213", Justification = "Close disposes the Io, on the loop's thread.")]
internal sealed partial class Connection : ConnectionContext, IIoOwner
{
    private readonly Worker _worker;
    private readonly Socket _socket;
    private readonly Sender _sender;
    private readonly Pipe _in, _out;
    private readonly Input _input;
    private readonly Output _output;
    private readonly long _maxUnflushed;

    // The value of _room after a receive call that has filled its memory.
    private readonly int _maxRoom;

    // Only the loop's thread uses the fields below.

    // Null before Begin.
    private Io? _io;

    // Whether the Io watches for bytes to receive: false while the application has too many unread bytes, and after the input's end.
    private bool _isReading = true;

    // Whether the sender waits until the socket takes bytes again.
    private bool _wantsWrite;
    private bool _isClosed;

    /// <param name="worker">The loop that serves the connection.</param>
    /// <param name="socket">A connected socket. The connection owns it.</param>
    internal Connection(Worker worker, Socket socket)
    {
        (_worker, _socket) = (worker, socket);
        _sender = new Sender(this, socket, worker.Guard);
        LoopTransportOptions options = worker.Options;
        PipeScheduler
            reader = options.UnsafeInlineApplication ? PipeScheduler.Inline : new ApplicationScheduler(_sender),
            writer = options.UnsafeInlineApplication ? PipeScheduler.Inline : PipeScheduler.ThreadPool;
        _maxUnflushed = Math.Min(options.MaxReadBufferSize is > 0 and long max ? max : long.MaxValue, MaxUnflushed);
        _maxRoom = _maxUnflushed < BlockPool.LargeSize ? MinimumRoom : BlockPool.LargeSize; // a large block would exceed a low limit
        _in = new Pipe(Options(reader, worker.Scheduler, options.MaxReadBufferSize));
        _out = new Pipe(Options(_sender, writer, options.MaxWriteBufferSize));
        _input = new Input(_in.Reader, _sender);
        _output = new Output(_out.Writer, _sender, _input, worker.Guard);
        Transport = new Duplex(_input, _output);
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = _closing.Token;
        SetFeatures();
        _sender.Begin(_out.Reader);

        // The limit gives the backpressure: a flush at the limit waits until the reader has taken half of the bytes. 0: no limit.
        PipeOptions Options(PipeScheduler readerScheduler, PipeScheduler writerScheduler, long? limit) => new(
            worker.Pool,
            readerScheduler,
            writerScheduler,
            limit ?? 0,
            (limit ?? 0) / 2,
            minimumSegmentSize: BlockPool.SmallSize,
            useSynchronizationContext: false);
    }

    public ILogger Logger => _worker.Logger;

    /// <summary>Begins to receive. Any thread, once.</summary>
    internal void Begin()
    {
        if (_worker.Loop.IsLoopThread)
        {
            BeginOnLoop();
        }
        else if (!_worker.Loop.TryPost(static connection => connection.BeginOnLoop(), this))
        {
            Reset(new ConnectionAbortedException("The loop has ended.")); // so this thread may use the fields of the loop's thread
        }
    }

    /// <summary>Makes the loop tell the sender when the socket takes bytes again. Any thread.</summary>
    internal void WatchWrite()
    {
        if (_worker.Loop.IsLoopThread)
        {
            WatchWriteOnLoop();
        }
        else if (!_worker.Loop.TryPost(static connection => connection.WatchWriteOnLoop(), this))
        {
            // The loop has ended, so the socket is closed or will be closed soon. The sender tries to send again. If the socket is not
            // closed yet, it calls this method again, so a work item is used: direct calls would overflow the stack.
            ThreadPool.UnsafeQueueUserWorkItem(static sender => sender.OnWritable(), _sender, preferLocal: false);
        }
    }

    private void BeginOnLoop()
    {
        if (_isClosed)
        {
            return;
        }

        if (!_worker.TryAdd(this))
        {
            Reset(new ConnectionAbortedException("The server has stopped."));
            return;
        }

        try
        {
            _io = _worker.Loop.Io(_socket, WantedEvents, OnReady, data: this);
            _io.Start();
        }
        catch (Exception e) when (e is EventException or ArgumentException or ObjectDisposedException)
        {
            Reset(new ConnectionAbortedException("The application has disposed the socket, or the loop has ended.", e));
        }
    }

    private Events WantedEvents => (_isReading ? Events.Read : Events.None) | (_wantsWrite ? Events.Write : Events.None);

    private void OnReady(Io io, Events events)
    {
        if ((events & Events.Write) != 0 && _wantsWrite)
        {
            _wantsWrite = false;
            Watch();
            _sender.OnWritable();
        }

        if ((events & Events.Read) != 0 && _isReading && !_isClosed)
        {
            if (!_worker.Options.UnsafeInlineApplication)
            {
                Receive(); // ApplicationScheduler runs the application
                return;
            }

            _sender.BeginCall();
            Receive();
            _sender.EndCall(); // sends the answers
        }
    }

    private void Watch()
    {
        if (_io is not null && !_isClosed)
        {
            _io.Events = WantedEvents;
        }
    }

    private void WatchWriteOnLoop()
    {
        if (_isClosed)
        {
            _sender.OnWritable(); // the sender tries again, which fails because the socket is closed
            return;
        }

        _wantsWrite = true;

        try
        {
            Watch();
        }
        catch (ObjectDisposedException)
        {
            // The loop is being disposed. The socket will be closed soon, and the sender's next try then fails.
            _wantsWrite = false;
            ThreadPool.UnsafeQueueUserWorkItem(static sender => sender.OnWritable(), _sender, preferLocal: false);
        }
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
