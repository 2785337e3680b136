using System;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Host;

/// <summary>Programs in which a stop signal ends Loop.Run. Arguments: KIND SECONDS, where SECONDS is the ShutdownTimeout.</summary>
internal static class RunScenarios
{
    internal static int Run(string[] args)
    {
        using var loop = new Loop();
        var options = new RunOptions { ShutdownTimeout = TimeSpan.FromSeconds(double.Parse(args[1], CultureInfo.InvariantCulture)) };

        switch (args[0])
        {
            case "obedient":
                loop.Run(token => ServeAsync(loop, token), options);
                break;
            case "stubborn":
                loop.Run(token => BeStubbornAsync(loop, token), options);
                break;
            case "throwing":
                Console.WriteLine("result " + loop.Run(token => ThrowInTokenAsync(loop, token), options));
                break;
            case "slow":
                loop.Run(token => BeSlowInTokenAsync(loop, token), options);
                break;
            case "after":
                loop.Run(token => Task.CompletedTask, options);
                Console.WriteLine("ready");
                Thread.Sleep(TimeSpan.FromSeconds(60));
                break;
            default:
                return 2;
        }

        Console.WriteLine("returned");
        return 0;
    }

    private static async Task ServeAsync(Loop loop, CancellationToken token)
    {
        for (int i = 0; i < 49; i++)
        {
            _ = loop.Spawn(async () =>
            {
                try
                {
                    await loop.Delay(Timeout.InfiniteTimeSpan, token);
                }
                finally
                {
                    await loop.Delay(0.05);
                }
            });
        }

        Console.WriteLine("ready");
        await loop.Delay(Timeout.InfiniteTimeSpan, token);
    }

    private static async Task BeStubbornAsync(Loop loop, CancellationToken token)
    {
        for (int i = 0; i < 49; i++)
        {
            _ = loop.Spawn(() => IgnoreAsync(loop));
        }

        token.Register(() => Console.WriteLine("cancelled"));
        Console.WriteLine("ready");
        await loop.Delay(Timeout.InfiniteTimeSpan);
    }

    private static async Task IgnoreAsync(Loop loop) => await loop.Delay(Timeout.InfiniteTimeSpan);

    private static async Task<int> ThrowInTokenAsync(Loop loop, CancellationToken token)
    {
        token.Register(() => throw new InvalidTimeZoneException("of the token"));
        Console.WriteLine("ready");

        while (!token.IsCancellationRequested)
        {
            await loop.Delay(0.01);
        }

        return 42;
    }

    private static async Task BeSlowInTokenAsync(Loop loop, CancellationToken token)
    {
        token.Register(() =>
        {
            Console.WriteLine("cancelled");
            Thread.Sleep(TimeSpan.FromSeconds(2)); // the test sends the second signal meanwhile
            Console.WriteLine("slow callback ends");
        });
        Console.WriteLine("ready");
        await loop.Delay(Timeout.InfiniteTimeSpan); // only the second signal ends Run
    }
}
