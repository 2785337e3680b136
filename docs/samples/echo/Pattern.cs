using System;
using System.Linq;

namespace Echo;

/// <summary>
/// The bytes that clients send: a fixed pseudo-random sequence that repeats. Each client starts at another place and continues from
/// message to message. So a byte that is lost, doubled, moved or sent by another client does not match.
/// </summary>
internal static class Pattern
{
    public const int MaxSize = 1024 * 1024;

    private const int Period = 65521; // a prime, so that a power of two, such as a usual message or buffer size, is no multiple of it

    // any message is one slice of this array, so neither sending nor comparing copies bytes
    private static readonly byte[] s_bytes = Make();

    /// <summary>The place where client number <paramref name="index"/> starts.</summary>
    public static long Origin(int index) => index * 7919L;

    public static ReadOnlyMemory<byte> At(long position, int count) => s_bytes.AsMemory((int)(position % Period), count);

    private static byte[] Make()
    {
        byte[] period = new byte[Period];
        uint state = 1;

        for (int i = 0; i < period.Length; i++)
        {
            state = (state * 1664525) + 1013904223;
            period[i] = (byte)(state >> 24);
        }

        return [.. Enumerable.Repeat(period, (MaxSize / Period) + 2).SelectMany(bytes => bytes)];
    }
}
