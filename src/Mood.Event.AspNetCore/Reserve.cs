using System;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>Keeps some file descriptors free for the runtime. Without them the runtime may end the process, for example when it cannot
/// start a thread. Loop's thread.</summary>
/// <remarks>On Linux the limit is known, and the acceptor stops before the last ones are used. Elsewhere the reserve holds some, and
/// the acceptor releases them when no others are left.</remarks>
internal sealed class Reserve : IDisposable
{
    private const int Size = 8, Left = 16;

    private static readonly long? s_limit = Limit();

    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[Size];

    /// <summary>Whether a new socket has one of the last numbers. The kernel uses the lowest free number, so all lower ones are in
    /// use.</summary>
    internal static bool IsLow(Socket socket) => socket.Handle >= s_limit - Left;

    /// <returns>False: too few file descriptors are left, and the reserve holds none.</returns>
    internal bool TryFill()
    {
        if (s_limit is not null)
        {
            return HasRoom();
        }

        try
        {
            for (int i = 0; i < _handles.Length; i++)
            {
                _handles[i] ??= File.OpenHandle("/dev/null");
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            return false;
        }
    }

    public void Dispose()
    {
        for (int i = 0; i < _handles.Length; i++)
        {
            _handles[i]?.Dispose();
            _handles[i] = null;
        }
    }

    private static bool HasRoom()
    {
        try
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            return !IsLow(probe);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // The runtime has raised the soft limit, the first of the two numbers, to the hard one before this.
    private static long? Limit()
    {
        const string Name = "Max open files";

        try
        {
            string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(l => l.StartsWith(Name, StringComparison.Ordinal));
            string? number = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
            return long.TryParse(number, out long limit) ? limit : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // not Linux
        }
    }
}
