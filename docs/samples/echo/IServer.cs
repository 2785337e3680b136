using System;
using System.Collections.Generic;
using System.Net;

namespace Echo;

/// <summary>What a server has done so far.</summary>
internal readonly record struct Totals(int Connections, long Accepted, long BytesIn, long BytesOut);

/// <summary>A server, on however many loops. Dispose closes the listeners and every connection.</summary>
internal interface IServer : IDisposable
{
    IPEndPoint EndPoint { get; }

    /// <summary>One for each loop.</summary>
    IReadOnlyList<Totals> Totals { get; }
}
