using System;
using System.Collections.Generic;
using System.Net;

namespace Echo;

/// <summary>The work of a server until now.</summary>
internal readonly record struct Totals(int Connections, long Accepted, long BytesIn, long BytesOut);

/// <summary>A server on one or more loops. Dispose closes the listeners and all connections.</summary>
internal interface IServer : IDisposable
{
    IPEndPoint EndPoint { get; }

    /// <summary>One for each loop.</summary>
    IReadOnlyList<Totals> Totals { get; }
}
