using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Soak;

/// <summary>The handler of a <see cref="ServerRun"/>: sends back what it receives. The first byte of a connection says how.</summary>
internal sealed class ServerHandler(ServerRun run, Loop loop, Loop other, int seed)
{
    public const byte Plain = 0, Hop = 1, Pause = 2, Call = 3, Throw = 4, Stop = 5;

    // The handler of a small buffer reads up to 300,000 times. If it paused each time, it would need minutes.
    private const int MostSteps = 100;

    private int _seed = seed, _lost;

    /// <summary>The number of handlers that wait for a task of the other loop. If their own loop is disposed meanwhile, they never continue.</summary>
    public int Lost => Volatile.Read(ref _lost);

    public async Task ServeAsync(LoopStream stream, CancellationToken cancellationToken)
    {
        var chance = new Random(Interlocked.Increment(ref _seed));
        byte[] buffer = new byte[chance.Next(1, 70_000)];

        if (await stream.ReadAsync(buffer.AsMemory(0, 1), cancellationToken) == 0)
        {
            return;
        }

        byte kind = buffer[0];
        int steps = 0;

        for (int count; (count = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            switch (steps++ < MostSteps ? kind : Plain)
            {
                case Hop:
                    await Task.Run(() => { }, CancellationToken.None).ConfigureAwait(false);
                    break;
                case Pause:
                    await loop.Delay(chance.NextDouble() * 0.002, cancellationToken);
                    break;
                case Call:
                    Interlocked.Increment(ref _lost);
                    await WaitForOtherAsync();
                    Interlocked.Decrement(ref _lost);
                    break;
                case Throw:
                    throw new ExpectedException();
                case Stop:
                    await run.StopServerAsync();
                    break;
            }

            await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
    }

    private async Task WaitForOtherAsync()
    {
        try
        {
            await other.InvokeAsync(() => { }).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // the run has ended the other loop
        }
    }
}
