using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Chat;

/// <summary>A connection, with a pipe for the lines that it has not received yet.</summary>
internal sealed class Guest(string name, LoopStream stream)
{
    private const int MaxLine = 4096, MaxBehind = 1024 * 1024; // bytes

    // Inline: CopyToAsync runs on the loop's thread.
    private readonly PipeReader _input = PipeReader.Create(stream);
    private readonly Pipe _output = new(new PipeOptions(null, PipeScheduler.Inline, PipeScheduler.Inline, MaxBehind));

    public string Name => name;
    public bool IsSlow { get; private set; } // the pipe was full: many guests that speak at once do not fill it

    public void Add(string line)
    {
        if (!IsSlow)
        {
            _output.Writer.Write(Encoding.UTF8.GetBytes(line + "\n"));
            IsSlow = !_output.Writer.FlushAsync().AsTask().IsCompleted;
        }
    }

    public void CancelRead() => _input.CancelPendingRead();
    public void Complete() => _output.Writer.Complete();
    public void Drop() => stream.Dispose(); // ends the read and the write
    public Task SendAsync(CancellationToken token) => _output.Reader.CopyToAsync(stream, token);

    // Null: the end of the input, CancelRead, or a line that is too long.
    public async Task<string?> ReadLineAsync(CancellationToken token)
    {
        while (await _input.ReadAsync(token) is { IsCanceled: false, Buffer: ReadOnlySequence<byte> bytes } read)
        {
            if (bytes.PositionOf((byte)'\n') is System.SequencePosition end)
            {
                string line = Encoding.UTF8.GetString(bytes.Slice(0, end)).TrimEnd('\r');
                _input.AdvanceTo(bytes.GetPosition(1, end));
                return line;
            }

            if (read.IsCompleted || bytes.Length > MaxLine)
            {
                break;
            }

            _input.AdvanceTo(bytes.Start, bytes.End);
        }

        return null;
    }
}
