using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace Mood.Event.Soak;

/// <summary>
/// Several episodes at once, each on its own thread. They write to the loops of each other and stop them. Each has its own signals, and the
/// first one may have the default loop.
/// </summary>
internal sealed class Round : IDisposable
{
    private readonly Barrier _barrier;
    private readonly Episode[] _episodes;
    private Exception? _failure;

    public Round(int seed, int loops, IReadOnlyList<Backends> backends)
    {
        int[] signals = [Signum.SIGUSR1, Signum.SIGUSR2, Signum.SIGALRM, Signum.SIGIO, .. Enumerable.Range(36, 20)];
        var random = new Random(seed);
        bool children = random.Next(4) == 0;
        var neighbours = new MailActor?[loops];
        _barrier = new Barrier(loops);
        _episodes = [.. Enumerable.Range(0, loops).Select(k => new Episode(
            random.Next(), backends, neighbours, k, [.. signals.Where((_, i) => i % loops == k)], children && k == 0, _barrier))];
    }

    public long Calls => _episodes.Sum(e => e.Calls);

    /// <summary>Runs all episodes. Returns the first failure, or null.</summary>
    public Exception? Run()
    {
        Thread[] threads = [.. _episodes.Select(e => new Thread(() => Run(e)))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        return _failure;
    }

    public void Dispose() => _barrier.Dispose();

    private void Run(Episode episode)
    {
        try
        {
            episode.Run();
            episode.End();
        }
#pragma warning disable CA1031 // any exception is a failure, which the seed reproduces
        catch (Exception e)
#pragma warning restore CA1031
        {
            // Only the first failure is kept, because it may cause failures of other episodes.
            Interlocked.CompareExchange(ref _failure, e, null);
        }
        finally
        {
            episode.Leave();
        }
    }
}
