using System;
using System.Buffers;
using System.Globalization;
using System.IO;
using System.IO.Pipelines;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Http;

/// <summary>A connection: one request after the other.</summary>
internal static class Connection
{
    public static async Task ServeAsync(LoopStream stream, CancellationToken token)
    {
        PipeReader input = PipeReader.Create(stream);
        PipeWriter output = PipeWriter.Create(stream);

        try
        {
            while (await ServeRequestsAsync(input, output, token))
            {
                await output.FlushAsync(token); // the answers of all requests that have arrived, in one write
            }

            await output.FlushAsync(token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // the peer has gone, or was idle for too long
        }
    }

    /// <summary>Answers the requests that have arrived. False: the connection ends.</summary>
    private static async ValueTask<bool> ServeRequestsAsync(PipeReader input, PipeWriter output, CancellationToken token)
    {
        ReadResult read = await input.ReadAsync(token);
        ReadOnlySequence<byte> bytes = read.Buffer;

        while (Request.Take(ref bytes) is Request request)
        {
            if (request.Status != 0)
            {
                Answer(output, request.Status, ReadOnlySequence<byte>.Empty, keepAlive: false);
                return false;
            }

            if (request.ExpectsContinue && bytes.Length < request.Length)
            {
                output.Write("HTTP/1.1 100 Continue\r\n\r\n"u8);
                await output.FlushAsync(token);
            }

            // the rest of the body
            while (bytes.Length < request.Length)
            {
                if (read.IsCompleted)
                {
                    return false;
                }

                input.AdvanceTo(bytes.Start, bytes.End);
                read = await input.ReadAsync(token);
                bytes = read.Buffer;
            }

            Answer(output, request, bytes.Slice(0, request.Length));
            bytes = bytes.Slice(request.Length);

            if (!request.KeepAlive)
            {
                return false;
            }
        }

        input.AdvanceTo(bytes.Start, bytes.End);
        return !read.IsCompleted;
    }

    private static void Answer(PipeWriter output, Request request, ReadOnlySequence<byte> body)
    {
        (int status, ReadOnlySequence<byte> answer) = (request.Method, request.Path) switch
        {
            ("GET" or "HEAD", "/") => (200, Bytes("Hello from Mood.Event\n")),
            ("GET" or "HEAD", "/time") => (200, Bytes(DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture) + "\n")),
            ("POST", "/echo") => (200, body),
            (_, "/" or "/time" or "/echo") => (405, Bytes("method not allowed\n")),
            _ => (404, Bytes("not found\n")),
        };
        Answer(output, status, answer, request.KeepAlive, isHead: request.Method == "HEAD");
    }

    private static void Answer(PipeWriter output, int status, ReadOnlySequence<byte> body, bool keepAlive, bool isHead = false)
    {
        string reason = status switch
        {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            413 => "Content Too Large",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            _ => "HTTP Version Not Supported",
        };
        string connection = keepAlive ? "keep-alive" : "close";
        Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {body.Length}\r\nConnection: {connection}\r\n\r\n"),
            output);

        foreach (ReadOnlyMemory<byte> segment in isHead ? ReadOnlySequence<byte>.Empty : body)
        {
            output.Write(segment.Span);
        }
    }

    private static ReadOnlySequence<byte> Bytes(string text) => new(Encoding.UTF8.GetBytes(text));
}
