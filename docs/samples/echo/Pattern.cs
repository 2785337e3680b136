using System;

namespace Echo;

/// <summary>
/// The bytes that clients send: a fixed pseudo-random sequence, repeated. Every client starts at another place and goes
/// on from message to message, so a byte that is lost, doubled, moved or another client's does not match.
/// </summary>
internal static class Pattern
{
    public const int MaxSize = 1024 * 1024;

    private const int Period = 65521; // a prime: no message size and no buffer size has it as a multiple

    // long enough to hand out any message in one piece, so that neither sending nor comparing copies
    private static readonly byte[] s_bytes = Make();

    /// <summary>Where client number <paramref name="index"/> starts.</summary>
    public static long Origin(int index) => index * 7919L;

    public static ReadOnlySpan<byte> At(long position, int count) => s_bytes.AsSpan((int)(position % Period), count);

    private static byte[] Make()
    {
        var bytes = new byte[Period + MaxSize];
        uint state = 1;

        for (int i = 0; i < bytes.Length; i++)
        {
            state = (state * 1664525) + 1013904223;
            bytes[i] = i < Period ? (byte)(state >> 24) : bytes[i - Period];
        }

        return bytes;
    }
}
