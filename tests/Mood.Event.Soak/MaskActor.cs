namespace Mood.Event.Soak;

/// <summary>
/// The loop's thread blocks the signals that other actors watch, as native hosts do. The kernel delivers the signals to another thread.
/// </summary>
internal sealed class MaskActor(int seed, int[] signals) : Actor(seed)
{
    private bool _blocked;

    public override bool IsDone => true;

    public override string Owes => "nothing";

    public override void Act()
    {
        if (Random.Next(3) == 0)
        {
            _blocked = !_blocked;
            Posix.Mask(_blocked, [.. signals, Signum.SIGCHLD]);
        }
    }

    public override void Dispose() => Posix.Mask(block: false, [.. signals, Signum.SIGCHLD]);
}
