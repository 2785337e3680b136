using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="Loop.WaitForExitAsync(int, CancellationToken)"/> on a loop that is not the default loop: an Io of a
/// pidfd, which is readable when the child ends. The object serves one wait only.</summary>
/// <remarks>
/// <code>
///   Begin      the child is a zombie or gone already     the result, at once
///     |
///   Io         until the pidfd is readable
///     |  the kernel tells the end                        the result
///     |  another thread is reaping the child, or a debugger holds it
///   timer      asks again after 1, 2, 4 ... 50 ms, because the pidfd stays readable and the Io would never pause
///     |  the kernel tells the end                        the result
///     |  another thread is reaping it for 50 ms          the result, with a lost status
/// </code>
/// </remarks>
internal sealed class PidfdWait : Wait<Child>
{
    // In seconds. How long a child may be in the middle of being reaped, and the longest pause before the kernel is asked again:
    // both as in native/child.c.
    private const double Patience = 0.05;

    private readonly Child _child; // never started: it carries the result

    // Null: the wait was begun with a pid. The runtime reaps the child of a Process.
    private readonly Process? _process;

    // Owned by this wait until it ends. RuntimeReaping owns it afterwards, if the child must be reaped.
    private readonly PidfdHandle _pidfd;

    // Loop's thread: made by Begin, and by the first event that did not tell the end.
    private Io? _io;
    private Timer? _timer;

    // The pause before the next question, in seconds. Loop's thread.
    private double _pause = 0.001;

    // When the child was first found in the middle of being reaped, or 0. Loop's thread.
    private long _reapingSince;

    // Whether RuntimeReaping owns the pidfd. Loop's thread.
    private bool _isHandedOver;

    internal PidfdWait(Loop loop, int pid, Process? process)
        : base(loop, pool: null)
    {
        _child = new Child(loop, pid, process);
        _process = process;
        _pidfd = new PidfdHandle(_child.Pid);
    }

    internal override void Free() => Close();

    /// <summary>Begins the wait. A child that has ended already gives a result at once.</summary>
    internal new ValueTask<Child> Begin(CancellationToken cancellationToken)
    {
        try
        {
            PidfdHandle.End end = _pidfd.Look(out int status);

            // The runtime has reaped the child before the pidfd was opened, so the pidfd may be that of another process.
            if (_process is not null && new ProcessExit(Loop, _process).HasExited)
            {
                (end, status) = (PidfdHandle.End.Gone, Child.Gone);
            }

            // without a pidfd a zombie could not be reaped safely later
            if (_pidfd.IsInvalid && end != PidfdHandle.End.Gone)
            {
                throw Error.Event_NoPidfd(_child.Pid);
            }

            if (end is PidfdHandle.End.Zombie or PidfdHandle.End.Gone)
            {
                Finish(end, status);
                Close();
                return new ValueTask<Child>(_child);
            }

            _io = new Io(Loop, OnEvent, this);
            _io.Watch(FileDescriptor.From(_pidfd, nameof(_pidfd)), Events.Read);
            base.Begin(cancellationToken);
            return new ValueTask<Child>(this, Version);
        }
        catch
        {
            Close();
            throw;
        }
    }

    // The timer would not end the pause.
    internal override void OnEmbedded() => Pause();

    private protected override void StopWatching() => Close();

    private void OnEvent(Io io, Events revents) => Ask();

    private void OnExpired(Timer timer, Events revents) => Ask();

    private void Ask()
    {
        PidfdHandle.End end = _pidfd.Look(out int status);

        if (end == PidfdHandle.End.None || (end == PidfdHandle.End.Reaping && !IsOverdue()))
        {
            Pause();
            return;
        }

        Finish(end, status);
        Complete(_child);
    }

    private bool IsOverdue()
    {
        if (_reapingSince == 0)
        {
            _reapingSince = Stopwatch.GetTimestamp();
        }

        return Stopwatch.GetElapsedTime(_reapingSince).TotalSeconds >= Patience;
    }

    private void Pause()
    {
        // No time passes on a manual clock by itself, and the timers of an embedded loop do not run. There the Io asks in every iteration.
        if (Loop.Clock is not null || Loop.Embedder is not null)
        {
            _timer?.Stop();
            _io!.Start();
            return;
        }

        if (_timer is null)
        {
            _timer = Loop.Timer(0, 0, OnExpired);
            _timer.Wait = this; // the Io is stopped meanwhile: Dispose of the loop finds the wait by this watcher
        }

        _timer.Set(_pause, 0);
        _timer.Start();
        _io!.Stop();
        _pause = Math.Min(2 * _pause, Patience);
    }

    private void Finish(PidfdHandle.End end, int status)
    {
        _child.SetExit(status);
        CloseWatchers();

        if (end == PidfdHandle.End.Zombie && _process is null)
        {
            // This pidfd, not a new one: another part of the process may reap the child, and its pid may then name another child.
            _isHandedOver = true;
            RuntimeReaping.Begin(_pidfd);
        }
    }

    private void Close()
    {
        CloseWatchers();
        _child.Dispose();

        if (!_isHandedOver)
        {
            _pidfd.Dispose();
        }
    }

    private void CloseWatchers()
    {
        _timer?.Dispose();
        _io?.Dispose();
    }
}
