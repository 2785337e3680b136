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
            LingerState = new LingerOption(enable: true, seconds: 0), // without this, a minute of these sockets in TIME_WAIT uses up the ports
        };
        near.Connect(listener.LocalEndPoint!);
        Socket far = listener.Accept();
        near.Blocking = far.Blocking = false;
        return (near, far);
    }
}
