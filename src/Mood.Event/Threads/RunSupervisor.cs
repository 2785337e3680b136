using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The shutdown of a Run with a token. It cancels the token at the first stop signal, and limits the time until Run
/// returns.</summary>
/// <remarks>
/// <code>
///   running     until the main function ends
///     |  stop signal: the token is cancelled
///   stopping    the main function and the spawned ones may end in the time of ShutdownTimeout
///     |  time-out, or a second stop signal (a repeat of the first does not count: RepeatTime): reports the functions that still run
///   over        also entered from each state above when no function is left
/// </code>
/// All members: loop's thread.
/// </remarks>
internal sealed class RunSupervisor : IDisposable
{
    // Some programs send one stop signal twice: timeout(1) sends it to the process and to its group. A signal with the number of the
    // first one counts as a repeat if it arrives within this time, in milliseconds. The arrivals are compared, and not the times at
    // which the loop handles them, because a busy loop handles both late, or as one event. A third arrival is no repeat.
    private const int RepeatTime = 50;

    private readonly Loop _loop;
    private readonly TimeSpan _timeout;
    private readonly bool _waitsForSpawned;
    private readonly List<Signal> _signals = [];

    // Never disposed, because functions that have not ended may still use the token.
    private readonly CancellationTokenSource _stop = new();

    // Set by the time-out and by the second signal.
    private readonly TaskCompletionSource<bool> _over = new();

    private Timer? _timer;

    // The number of the first stop signal, and when it arrived (mood_signal_arrived); 0: none has come.
    private int _first, _arrived;

    // For each of _signals: how often it had arrived when this Run began (mood_signal_arrivals).
    private readonly List<int> _arrivals = [];

    // The main function and its task. Set by RunAsync.
    private Func<CancellationToken, Task>? _function;
    private Task? _main;

    internal RunSupervisor(Loop loop, RunOptions options, bool waitsForSpawned)
    {
        _loop = loop;
        _timeout = options.ShutdownTimeout;
        _waitsForSpawned = waitsForSpawned;
        loop.HasReportedUnfinished = false;

        try
        {
            foreach (int signum in options.StopSignals)
            {
                var signal = new Signal(loop, signum, OnSignal);
                _signals.Add(signal);
                _arrivals.Add(Native.mood_signal_arrivals(signum));
                signal.KeepAlive = false;
                signal.Start();
            }
        }
        catch
        {
            Dispose(); // another loop watches a signal
            throw;
        }
    }

    /// <summary>Cancelled by the first stop signal.</summary>
    internal CancellationToken Token => _stop.Token;

    /// <summary>Whether Run has taken the task of the main function, and so throws its exception, if any. If false, Dispose has the
    /// exception reported to Loop.CallbackException.</summary>
    internal bool HasTaken { get; set; }

    /// <summary>Throws the exception of the main function, if it has failed. Called when a Stop or a Dispose of the loop has ended Run
    /// while it waited for spawned functions.</summary>
    internal void ThrowIfFailed()
    {
        if (_main is { IsFaulted: true })
        {
            HasTaken = true;
            _main.GetAwaiter().GetResult();
        }
    }

    /// <summary>Stops the watchers, so that the signals have their previous effect again.</summary>
    public void Dispose()
    {
        // Run does not throw the exception of a main function that fails after Run has returned. Nor does it throw the exception of one that
        // has failed already, if another exception ended Run while it waited for the spawned functions. Both are reported.
        if (_main is not null && !HasTaken)
        {
            _main.ContinueWith(
                ReportLate,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.DenyChildAttach | TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
        }

        _signals.ForEach(signal => signal.Dispose());
        _timer?.Dispose();
    }

    /// <summary>Calls the main function, and waits for it and for the spawned functions. Throws nothing.</summary>
    /// <returns>The task of the main function, which has ended. Null: the time was over first.</returns>
    internal async Task<Task?> RunAsync(Func<CancellationToken, Task> main)
    {
        _function = main;
        Task task = _main = Call(main);
        await Task.WhenAny(task, _over.Task);

        if (task.IsFaulted)
        {
            _loop.CancelAndReport(_stop); // nothing else tells the spawned functions to stop

            if (_loop.IsEnding)
            {
                return task; // a continuation of a further wait might never be called
            }
        }

        if (_waitsForSpawned && task.IsCompleted && _loop.StopServers() is { IsCompleted: false } stopped)
        {
            BeginTimeout();
            await Task.WhenAny(stopped, _over.Task);
        }

        while (_waitsForSpawned && !_loop.Spawned.IsEmpty && !_over.Task.IsCompleted)
        {
            BeginTimeout();
            await Task.WhenAny(_loop.Spawned.WhenEmpty(), _over.Task);
        }

        if (!task.IsCompleted || (_waitsForSpawned && !_loop.Spawned.IsEmpty))
        {
            Report(task.IsCompleted ? null : main);
        }

        return task.IsCompleted ? task : null;
    }

    private void ReportLate(Task main) => _loop.ReportLate(main.Exception!, MainTask.NameOf(_function!));

    private Task Call(Func<CancellationToken, Task> main)
    {
        SynchronizationContext? context = SynchronizationContext.Current;

        try
        {
            return main(Token) ?? throw Error.InvalidOperation_NullTask();
        }
#pragma warning disable CA1031 // any exception: Run throws it
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e is OperationCanceledException { CancellationToken: { IsCancellationRequested: true } token }
                ? Task.FromCanceled(token)
                : Task.FromException(e);
        }
        finally
        {
            // A main function that is not async may have set another context. The continuations of RunAsync need the loop's thread.
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private void OnSignal(Signal signal, Events revents)
    {
        if (_stop.IsCancellationRequested)
        {
            if (!IsRepeat(signal))
            {
                _over.TrySetResult(true);
            }

            return;
        }

        (_first, _arrived) = (signal.Signum, Native.mood_signal_arrived(signal.Signum));
        BeginTimeout();

        // The watchers remain active: a second signal that comes during the callbacks of the token must not have its default action.
        _loop.CancelAndReport(_stop);
    }

    private bool IsRepeat(Signal signal) =>
        signal.Signum == _first
        && unchecked((uint)(Native.mood_signal_arrived(_first) - _arrived)) < RepeatTime
        && unchecked(Native.mood_signal_arrivals(_first) - _arrivals[_signals.IndexOf(signal)]) == 2;

    private void BeginTimeout()
    {
        if (_timer is null && _timeout != Timeout.InfiniteTimeSpan && !_loop.IsEnding)
        {
            _loop.Now(update: true);
            _timer = _loop.Timer(_timeout.TotalSeconds, 0, (_, _) => _over.TrySetResult(true));
            _timer.KeepAlive = false;
            _timer.Start();
        }
    }

    private void Report(Func<CancellationToken, Task>? main)
    {
        var names = new List<string>();

        if (main is not null)
        {
            names.Add(MethodName.Of(main.Method) + " (main)");
        }

        if (_waitsForSpawned && _loop.Spawned.Names() is { Length: > 0 } spawned)
        {
            names.Add(spawned);
        }

        _loop.HasReportedUnfinished = true;
        Loop.Write("Run returns, but these functions have not ended: " + string.Join(", ", names));
    }
}
