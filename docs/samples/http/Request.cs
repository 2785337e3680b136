using System;
using System.Buffers;
using System.Globalization;
using System.Text;

namespace Http;

/// <summary>The head of a request.</summary>
/// <param name="Status">0, or the status code that refuses the request.</param>
internal sealed record Request(string Method, string Path, int Length, bool KeepAlive, bool ExpectsContinue, int Status)
{
    private const int MaxHead = 8 * 1024, MaxBody = 1024 * 1024; // bytes

    private static ReadOnlySpan<byte> EndOfHead => "\r\n\r\n"u8;

    /// <summary>Takes a head from the front of the bytes. Null: it is not complete yet.</summary>
    public static Request? Take(ref ReadOnlySequence<byte> bytes)
    {
        var reader = new SequenceReader<byte>(bytes);

        if (!reader.TryReadTo(out ReadOnlySequence<byte> head, EndOfHead))
        {
            return bytes.Length > MaxHead ? Refused(431) : null;
        }

        if (head.Length > MaxHead)
        {
            return Refused(431);
        }

        bytes = bytes.Slice(reader.Position);
        return Parse(Encoding.Latin1.GetString(head).Split("\r\n"));
    }

    private static Request Parse(string[] lines)
    {
        string[] words = lines[0].Split(' ');

        if (words.Length != 3 || words[0].Length == 0 || !words[1].StartsWith('/'))
        {
            return Refused(400);
        }

        if (words[2] is not ("HTTP/1.1" or "HTTP/1.0"))
        {
            return Refused(505);
        }

        bool keepAlive = words[2] == "HTTP/1.1", hasHost = !keepAlive, expects = false;
        int length = -1;

        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);

            // a proxy in front of this server could read such a name, empty or with spaces, differently
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAny(' ', '\t'))
            {
                return Refused(400);
            }

            string value = line[(colon + 1)..].Trim();

            switch (line[..colon].ToUpperInvariant())
            {
                case "HOST":
                    hasHost = true;
                    break;
                case "CONNECTION":
                    keepAlive = !value.Equals("close", StringComparison.OrdinalIgnoreCase)
                        && (keepAlive || value.Equals("keep-alive", StringComparison.OrdinalIgnoreCase));
                    break;
                case "EXPECT":
                    expects = value.Equals("100-continue", StringComparison.OrdinalIgnoreCase);
                    break;
                case "TRANSFER-ENCODING":
                    return Refused(501);
                case "CONTENT-LENGTH" when length >= 0 || !int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out length):
                    return Refused(400);
            }
        }

        return !hasHost ? Refused(400)
            : length > MaxBody ? Refused(413)
            : new Request(words[0], words[1], Math.Max(length, 0), keepAlive, expects, 0);
    }

    private static Request Refused(int status) => new("", "", 0, false, false, status);
}
