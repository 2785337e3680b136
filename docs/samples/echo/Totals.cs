namespace Echo;

/// <summary>The work of all servers until now. Every loop's thread adds to the fields, with Interlocked.</summary>
internal sealed class Totals
{
    // Connections: accepted; closed with an answer to every byte that was read; reset by the server because its time was over; reset by
    // the client.
    public long Accepted, Closed, Cut, Broken;

    // Bytes: read; answered; arrived too late for an answer, when the server had shut down its side.
    public long In, Out, Late;
}
