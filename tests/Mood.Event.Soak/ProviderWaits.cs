using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Soak;

/// <summary>Waits of .NET on a loop's TimeProvider: each ends, on time or by its cancellation. The timers are made, changed and disposed on
/// the thread pool.</summary>
internal sealed class ProviderWaits(Loop loop, int seed)
{
    private readonly Random _random = new(seed);

    public async Task RunAsync()
    {
        await Task.Yield();

        for (int i = 0; i < 8; i++)
        {
            await NextAsync(TimeSpan.FromMilliseconds(_random.NextDouble() * 3)).ConfigureAwait(false);
        }
    }

    private async Task NextAsync(TimeSpan time)
    {
        switch (_random.Next(5))
        {
            case 0:
                await Task.Delay(time, loop.TimeProvider).ConfigureAwait(false);
                break;
            case 1:
                using (var ticks = new PeriodicTimer(time + TimeSpan.FromMilliseconds(1), loop.TimeProvider))
                {
                    await ticks.WaitForNextTickAsync().ConfigureAwait(false);
                    ticks.Period = TimeSpan.FromMilliseconds(1);
                    await ticks.WaitForNextTickAsync().ConfigureAwait(false);
                }

                break;
            case 2:
                using (var limit = new CancellationTokenSource(time, loop.TimeProvider))
                {
                    var end = new TaskCompletionSource();
                    using CancellationTokenRegistration registration = limit.Token.Register(end.SetResult);
                    await end.Task.ConfigureAwait(false);
                }

                break;
            case 3:
                try
                {
                    await new TaskCompletionSource().Task.WaitAsync(time, loop.TimeProvider).ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    // as expected
                }

                break;
            default:
                await ChangeAsync(time).ConfigureAwait(false);
                break;
        }
    }

    // A timer that is changed and disposed while it may be firing. After DisposeAsync its callback does not run any more.
    private async Task ChangeAsync(TimeSpan time)
    {
        bool isOver = false, isLate = false;
        ITimer timer = loop.TimeProvider.CreateTimer(_ => isLate |= Volatile.Read(ref isOver), null, time, time);
        await Task.Delay(_random.Next(3)).ConfigureAwait(false);
        timer.Change(time / 2, TimeSpan.FromMilliseconds(1));
        await Task.Delay(_random.Next(3)).ConfigureAwait(false);
        await timer.DisposeAsync().ConfigureAwait(false);
        Volatile.Write(ref isOver, true);
        await Task.Delay(2).ConfigureAwait(false);

        if (Volatile.Read(ref isLate))
        {
            throw new SoakException("a timer of a TimeProvider called its callback after DisposeAsync");
        }
    }
}
