using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Sockets;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Mood.Event.Benchmarks;

/// <summary>The cost of single operations in nanoseconds and managed bytes, without a comparison.</summary>
[MemoryDiagnoser]
public class MicroBenchmarks : IDisposable
{
    internal const string Name = "micro";

    private readonly Loop _loop = new();
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Timer _timer, _active;
    private readonly Io _io;
    private readonly Async _async;
    private int _calls;

    /// <summary>Makes the objects that the operations use.</summary>
    public MicroBenchmarks()
    {
        _timer = _loop.Timer(100, 100, (_, _) => _calls++);
        _active = _loop.Timer(100, 100, (_, _) => _calls++);
        _active.Start();
        _io = _loop.Io(_socket, Events.Read, (_, _) => _calls++);
        _async = _loop.Async((_, _) => _calls++);
        _async.Start();
    }

    /// <summary>
    /// Runs the benchmarks in this process. A project that BenchmarkDotNet builds would be compiled with other settings than our
    /// code.
    /// </summary>
    /// <returns>Time and memory, for the report.</returns>
    internal static IReadOnlyList<Result> Run(bool quick)
    {
        Job job = (quick ? Job.Dry : Job.ShortRun).WithToolchain(InProcessEmitToolchain.Instance);
        Summary summary = BenchmarkRunner.Run<MicroBenchmarks>(
            DefaultConfig.Instance.AddJob(job).WithArtifactsPath(System.IO.Path.Combine(Native.Directory, Name)));

        if (summary.Reports.Length == 0 || summary.Reports.Any(r => !r.Success))
        {
            throw new BenchmarkException("not every operation could be measured");
        }

        return
        [
            Make("time", "ns", r => r.ResultStatistics is { } s ? new Spread(s.Median, s.Min, s.Max) : null),
            Make("managed memory", "bytes", r => r.GcStats.GetBytesAllocatedPerOperation(r.BenchmarkCase) is long b ? new Spread(b, b, b) : null),
        ];

        Result Make(string name, string unit, Func<BenchmarkReport, Spread?> number) => new(
            Name, name, unit, HigherIsBetter: false, null, null, null, 3, [.. summary.Reports.Select(r => new Achievement(
                r.BenchmarkCase.Descriptor.WorkloadMethod.Name, number(r) ?? throw new BenchmarkException($"no {name}"), null, null))], []);
    }

    [Benchmark]
    public void TimerStartStop()
    {
        _timer.Start();
        _timer.Stop();
    }

    [Benchmark]
    public void TimerReset() => _active.Reset();

    [Benchmark]
    public void IoStartStop()
    {
        _io.Start();
        _io.Stop();
    }

    [Benchmark]
    public void AsyncSend() => _async.Send();

    [Benchmark]
    public void TimerCreateDispose() => _loop.Timer(1, 0, static (_, _) => { }).Dispose();

    [Benchmark]
    public void IoCreateDispose() => _loop.Io(_socket, Events.Read, static (_, _) => { }).Dispose();

    /// <summary>Calls a pending callback, without an iteration and its system calls.</summary>
    [Benchmark]
    public int FeedAndDispatch()
    {
        _timer.Feed(Events.Custom);
        _loop.Invoke();
        return _calls;
    }

    /// <summary>Runs an iteration that finds no event.</summary>
    [Benchmark]
    public bool Iteration() => _loop.Start(RunFlags.NoWait);

    [GlobalCleanup]
    public void Dispose()
    {
        _timer.Dispose();
        _active.Dispose();
        _io.Dispose();
        _async.Dispose();
        _loop.Dispose();
        _socket.Dispose();
        GC.SuppressFinalize(this);
    }
}
