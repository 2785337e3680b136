namespace Mood.Event.Soak;

/// <summary>
/// Sends signals that no watcher of this program watches, and whose default action does nothing to a running process. SIGCHLD comes without
/// a child.
/// </summary>
internal sealed class StrayActor(int seed) : Actor(seed)
{
    private static readonly int[] s_signals = [Signum.SIGCHLD, Signum.SIGCONT, Signum.SIGURG, Signum.SIGWINCH];

    public override bool IsDone => true;

    public override string Owes => "nothing";

    public override void Act()
    {
        int signum = s_signals[Random.Next(s_signals.Length)];
        int count = Random.Next(1, 4);

        if (Random.Next(2) == 0)
        {
            Helpers.Run(() => Send(signum, count));
        }
        else
        {
            Send(signum, count);
        }
    }

    public override void Dispose() => Helpers.Wait();

    private static void Send(int signum, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Posix.Raise(signum);
        }
    }
}
