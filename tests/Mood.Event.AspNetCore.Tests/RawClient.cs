using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>A client that sends and receives bytes.</summary>
internal sealed class RawClient(Socket socket) : IDisposable
{
    private readonly StringBuilder _received = new();

    public Socket Socket => socket;

    public async Task SendAsync(string text) => await socket.SendAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Receives until the received text satisfies the condition, and returns all of it.</summary>
    public async Task<string> ReceiveAsync(Func<string, bool> until)
    {
        byte[] buffer = new byte[16384];

        while (!until(_received.ToString()))
        {
            int count = await socket.ReceiveAsync(buffer);

            if (count == 0)
            {
                throw new EndOfStreamException(_received.ToString());
            }

            _received.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return _received.ToString();
    }

    public Task<string> ReceiveAsync(string until) => ReceiveAsync(s => s.Contains(until, StringComparison.Ordinal));

    /// <summary>Receives until the server closes its side.</summary>
    public async Task<string> ReceiveToEndAsync()
    {
        try
        {
            return await ReceiveAsync(_ => false);
        }
        catch (EndOfStreamException)
        {
            return _received.ToString();
        }
    }

    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public void Dispose() => socket.Dispose();
}
