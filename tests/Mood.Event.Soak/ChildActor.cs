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

    // The watcher of every child may miss a child of a Process, because the runtime may reap the child first.
    public override bool IsDone => _child is null || (_ends == 1 && (_seenByEvery || !_every.IsActive || _process is not null));

    public override string Owes => $"the end of child {_pid}, seen {_ends} times, seen by the watcher of every child: {_seenByEvery}";

    public override void Act()
    {
        switch (Random.Next(12))
        {
            case 0:
                Forget();
                Spawn();
                break;
            case 1:
                // After Forget no watcher watches the child, so Forget waits for the child itself.
                Forget();
                break;
            case 2:
                _every.Stop();
                break;
            case 3:
                if (!IsRunning && !_every.IsActive)
                {
                    _every.Start();
                    _seenByEvery = true; // the watcher missed the end of the previous child, which is not an error
                }

                break;
            default:
                Demand(_ends <= 1, "the end of a child was reported twice");
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
        Demand(child == _child && revents == Events.Child, "a disposed child watcher was called");
        Demand(child.RPid == _pid && child.HasExited, "a child watcher reported another child");
        Demand(child.ExitCode == _code, $"a child ended with {child.ExitCode}, not {_code}, gone: {child.IsGone}");
        Calls++;
        _ends++;
    }

    private void Forget()
    {
        bool reaped = _child is { IsPending: true }; // the child is reaped, but a fatal exception has delayed the callback
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
