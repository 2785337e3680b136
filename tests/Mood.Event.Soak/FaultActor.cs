using System;

namespace Mood.Event.Soak;

/// <summary>
/// Exceptions of callbacks (fatal or not), of Loop.Callback, and of handlers of CallbackException. Each exception arrives exactly
/// once and in the right place, and no pending event is lost.
/// </summary>
internal sealed class FaultActor : Actor
{
    private readonly Loop _loop;
    private readonly Check _thrower;
    private Action _throw = static () => { };
    private ExpectedException? _told, _leaving;
    private bool _owed, _mayBeSecond;

    public FaultActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        _thrower = loop.Check((_, _) =>
        {
            Demand(_owed, "a callback that throws was called twice");
            Calls++;
            _owed = false;
            _throw();
        });
    }

    public override bool IsDone => !_owed && _loop.Callback is null;

    public override string Owes => "the call of a callback that throws, or of Loop.Callback";

    public override void Act()
    {
        Demand((_told?.Told ?? 1) == 1, "an exception was not reported exactly once");
        Demand((_leaving?.Left ?? 1) == 1 || (_mayBeSecond && _leaving!.Left == 0), "a fatal exception did not leave Start exactly once");

        if (_owed)
        {
            return;
        }

        switch (Random.Next(5))
        {
            case 0:
                Arm(fatal: false, () => Throw(_told = new ExpectedException()));
                break;
            case 1:
                Arm(fatal: true, () => Throw(Leaving()));
                break;
            case 2:
                Arm(fatal: false, () => Throw(_told = new ExpectedException { Next = Leaving() }));
                break;
            case 3:
                bool invokes = Random.Next(2) == 0;
                _loop.Callback ??= loop =>
                {
                    loop.Callback = null;

                    if (invokes)
                    {
                        loop.Invoke();
                    }

                    _mayBeSecond = invokes; // Invoke may have thrown before: of two exceptions, the first leaves Start
                    throw _leaving = new ExpectedException();
                };
                break;
            default:
                Arm(fatal: Random.Next(2) == 0, static () => { });
                break;
        }
    }

    public override void Dispose()
    {
        _thrower.Dispose();

        if (_loop.Callback is not null)
        {
            _loop.Callback = null;
        }
    }

    private static void Throw(Exception exception) => throw exception;

    private ExpectedException Leaving()
    {
        _mayBeSecond = false;
        return _leaving = new ExpectedException();
    }

    private void Arm(bool fatal, Action action)
    {
        _throw = action;
        _thrower.Fatal = fatal;
        _thrower.Feed(Events.Custom);
        _owed = true;
    }
}
