using System;
using System.IO;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>Leaves some file descriptors to the runtime and to the handlers. The runtime ends the process if it cannot, for example, start
/// a thread.</summary>
/// <remarks>
/// <para>On Linux the limit is known, and the acceptor stops accepting before the last file descriptors are used. That is not enough if
/// other code uses them up, or if the limit is not known. So the reserve holds some file descriptors open, and the acceptor releases them
/// when it cannot accept.</para>
/// <para>Loop's thread. Mood.Event.AspNetCore compiles this file too, so it uses nothing else of Mood.Event.</para>
/// </remarks>
internal sealed class DescriptorReserve : IDisposable
{
    private const int Size = 8, Left = 16;

    // After so many pauses the acceptor no longer waits for a full reserve.
    private const int PatientPauses = 10;

    // Null: not known.
    private static readonly long? s_limit = FindLimit();

    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[Size];

    // The number of pauses since Release.
    private int _pauses;

    /// <summary>Whether a new socket has one of the last numbers. The kernel uses the lowest free number, so all lower ones are in
    /// use.</summary>
    internal static bool IsLow(Socket socket) => socket.Handle >= s_limit - Left;

    /// <summary>The reason for a pause after a connection that has one of the last numbers.</summary>
    internal static IOException Shortage() => new(
        "Fewer than 16 file descriptors are free, and the runtime needs these. " +
        "Close files or connections, or raise the limit of the process (ulimit -n)");

    /// <summary>Releases the reserve when a shortage begins. The acceptor then pauses.</summary>
    internal void Release()
    {
        _pauses = 0;
        Dispose();
    }

    /// <summary>Fills the reserve after a pause, and says whether the acceptor may accept again.</summary>
    /// <param name="hasConnections">Whether the server has connections.</param>
    /// <returns>False: the acceptor must pause once more.</returns>
    internal bool TryResume(bool hasConnections)
    {
        if (TryFill())
        {
            return true;
        }

        // Without connections a pause does not help, because no connection can end and free a file descriptor.
        if (!hasConnections)
        {
            return true;
        }

        // Other code may never close enough files to fill the reserve. So after some pauses it is enough that the runtime keeps its own.
        return ++_pauses >= PatientPauses && HasRoom();
    }

    /// <summary>Fills the reserve.</summary>
    /// <returns>False: too few file descriptors are left, and the reserve is empty.</returns>
    internal bool TryFill()
    {
        if (OperatingSystem.IsWindows())
        {
            return true; // a server cannot reach the limit of Windows
        }

        try
        {
            for (int i = 0; i < _handles.Length; i++)
            {
                _handles[i] ??= File.OpenHandle("/dev/null");
            }

            if (HasRoom())
            {
                return true;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // no more are left
        }

        Dispose();
        return false;
    }

    /// <summary>Releases the reserve, which can be filled again.</summary>
    public void Dispose()
    {
        for (int i = 0; i < _handles.Length; i++)
        {
            _handles[i]?.Dispose();
            _handles[i] = null;
        }
    }

    // Whether a new socket would have none of the last numbers, which are left to the runtime.
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
    private static long? FindLimit()
    {
        const string Name = "Max open files";

        try
        {
            foreach (string line in File.ReadLines("/proc/self/limits"))
            {
                if (line.StartsWith(Name, StringComparison.Ordinal))
                {
                    string number = line[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
                    return long.TryParse(number, out long limit) ? limit : null;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // not Linux
        }

        return null;
    }
}
