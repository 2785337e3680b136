using System;
using System.IO;
using Xunit;

namespace Mood.Event.Tests.Guide;

/// <summary>The code of docs/guide/metrics.md.</summary>
public sealed class MetricsGuide : LoopTestBase
{
    [Fact]
    public void Statistics()
    {
        var log = new StringWriter();
        using var loop = new Loop();
        _ = loop.Statistics;
        loop.Post(() => { });
        loop.Start();

        LoopStatistics statistics = loop.Statistics; // may be read on any thread
        log.WriteLine($"{statistics.Events} events, busy {statistics.Busy}, idle {statistics.Idle}, worst lag {statistics.WorstLag}");

        Assert.StartsWith("1 events, busy 00:00:00", log.ToString(), StringComparison.Ordinal);
    }
}
