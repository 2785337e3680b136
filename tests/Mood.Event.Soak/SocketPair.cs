using System.Net;
using System.Net.Sockets;

namespace Mood.Event.Soak;

/// <summary>Two connected sockets that never block.</summary>
internal static class SocketPair
{
    public static (Socket Near, Socket Far) Make()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            LingerState = new LingerOption(enable: true, seconds: 0), // Dispose resets the connection, because sockets in TIME_WAIT would use up the ports within a minute
        };
        near.Connect(listener.LocalEndPoint!);
        Socket far = listener.Accept();
        near.Blocking = far.Blocking = false;
        return (near, far);
    }
}
