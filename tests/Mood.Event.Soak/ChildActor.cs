using System;
using System.Diagnostics;

namespace Mood.Event.Soak;

/// <summary>
/// The exit of each child is reported once, with its exit code, to each watcher of its pid, of its Process, or of every child.
/// </summary>
internal sealed class ChildActor : Actor
{
    private readonly Loop _loop;
    private readonly Child _every;
    private Process? _process;
    private Child? _child;
    private int _pid, _code, _ends;
    private bool _seenByEvery;

    public ChildActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        _every = loop.Child(0, trace: Random.Next(2) == 0, (w, _) =>
        {
            Calls++;
            _seenByEvery |= w.RPid == _pid && w.HasExited;
        });
        _every.KeepAlive = false;
    }

    // the runtime may reap a child of a Process before the watcher of every child sees it
    public override bool IsDone => _child is null || (_ends == 1 && (_seenByEvery || !_every.IsActive || _process is not null));

    public override string Owes => $"the end of child {_pid}, seen {_ends} times, by all {_seenByEvery}";

    public override void Act()
    {
        switch (Random.Next(12))
        {
            case 0:
                Forget();
                Spawn();
                break;
            case 1:
                // no watcher watches the child any more, so the test can wait for it
                Forget();
                break;
            case 2:
                _every.Stop();
                break;
            case 3:
                if (!IsRunning && !_every.IsActive)
                {
                    _every.Start();
                    _seenByEvery = true; // the previous child does not count
                }

                break;
            default:
                Demand(_ends <= 1, "a child has ended twice");
                break;
        }
    }

    public override void Dispose()
    {
        Forget();
        _every.Dispose();
    }

    private bool IsRunning => _child is not null && _ends == 0;

    private void Spawn()
    {
        _code = Random.Next(200);
        string script = $"sleep 0.0{Random.Next(10)}; exit {_code}";
        (_ends, _seenByEvery) = (0, false);

        if (Random.Next(2) == 0)
        {
            _process = Process.Start("/bin/sh", ["-c", script]);
            _pid = _process.Id;
            _child = _loop.Child(_process, trace: false, Ended);
        }
        else
        {
            _pid = Posix.Spawn(script);
            _child = _loop.Child(_pid, trace: Random.Next(2) == 0, Ended);
        }

        _child.Start();
    }

    private void Ended(Child child, Events revents)
    {
        Demand(child == _child && revents == Events.Child, "a child watcher that is gone was called");
        Demand(child.RPid == _pid && child.HasExited, "a child's end is not its own");
        Demand(child.ExitCode == _code, $"a child ended with {child.ExitCode}, not {_code}, gone: {child.IsGone}");
        Calls++;
        _ends++;
    }

    private void Forget()
    {
        bool reaped = _child is { IsPending: true }; // a fatal exception delayed the report
        _child?.Dispose();

        if (_process is not null)
        {
            _process.WaitForExit();
            Demand(_process.ExitCode == _code, $"a process ended with {_process.ExitCode}, not {_code}");
            _process.Dispose();
        }
        else if (IsRunning)
        {
            int status = Posix.Wait(_pid, out int ended) == _pid ? ended : -1;
            Demand(status == _code << 8 || (status < 0 && reaped), $"a child without a watcher ended with {status}");
        }

        (_child, _process) = (null, null);
    }
}
