using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mood.Event;

/// <summary>
/// A health check that measures how late a loop is. It posts an action and measures the time until the loop calls it.
/// </summary>
/// <remarks>The result's data contains the time in seconds, with the key "lag". A loop that is too late or has ended gets the
/// failure status of the registration, <see cref="HealthStatus.Unhealthy"/> by default. Thread-safe.</remarks>
public sealed class LoopHealthCheck : IHealthCheck
{
    // The longest time that Task.WaitAsync accepts. A longer limit counts as no limit.
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly Loop _loop;
    private readonly TimeSpan _maximumLag;

    /// <summary>Creates a health check with a limit of one second.</summary>
    /// <param name="loop">The loop.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> is null.</exception>
    [ActivatorUtilitiesConstructor]
    public LoopHealthCheck(Loop loop)
        : this(loop, TimeSpan.FromSeconds(1))
    {
    }

    /// <summary>Creates a health check.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="maximumLag">How late a healthy loop may be, at least zero. <see cref="TimeSpan.MaxValue"/> and
    /// <see cref="Timeout.InfiniteTimeSpan"/> mean no limit: the check waits until the loop answers or the check is
    /// cancelled.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maximumLag"/> is negative.</exception>
    public LoopHealthCheck(Loop loop, TimeSpan maximumLag)
    {
        ArgumentNullException.ThrowIfNull(loop);

        if (maximumLag != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(maximumLag, TimeSpan.Zero);
        }

        _loop = loop;
        _maximumLag = maximumLag > s_longest ? Timeout.InfiniteTimeSpan : maximumLag;
    }

    /// <summary>Measures how late the loop is.</summary>
    /// <param name="context">The context of the check.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>The result.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        HealthStatus failure = context.Registration?.FailureStatus ?? HealthStatus.Unhealthy;
        string name = _loop.Name ?? "The loop";
        long begin = Stopwatch.GetTimestamp();
        var called = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        // A loop that is disposed still calls the actions that were posted before, and refuses later posts.
        if (!_loop.TryPost(static source => source.SetResult(), called))
        {
            return new HealthCheckResult(failure, $"{name} has ended.");
        }

        try
        {
            await called.Task.WaitAsync(_maximumLag, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return Result(failure, $"{name} has not answered for", begin);
        }

        TimeSpan lag = Stopwatch.GetElapsedTime(begin);
        bool late = _maximumLag != Timeout.InfiniteTimeSpan && lag > _maximumLag;
        return Result(late ? failure : HealthStatus.Healthy, $"{name} has answered after", begin);
    }

    private static HealthCheckResult Result(HealthStatus status, string text, long begin)
    {
        TimeSpan lag = Stopwatch.GetElapsedTime(begin);
        var data = new Dictionary<string, object> { ["lag"] = lag.TotalSeconds };
        return new HealthCheckResult(status, FormattableString.Invariant($"{text} {lag.TotalMilliseconds:F1} ms."), null, data);
    }
}
