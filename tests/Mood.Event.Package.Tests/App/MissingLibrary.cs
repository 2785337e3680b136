using System;
using Mood.Event;

/// <summary>
/// If there is no native library for the system, the first use of any member throws an exception that says so, and so does every later use.
/// </summary>
internal static class MissingLibrary
{
    private static readonly Action[] s_members =
    {
        () => _ = Signum.SIGINT, () => new Loop(), () => new LoopThread(), () => new LoopGroup(1), () => _ = Loop.Default, () => Loop.GetDefault(), () => Ev.Time(), () => Ev.Sleep(1), () => Ev.FeedSignal(1),
        () => _ = Ev.SupportedBackends, () => _ = Ev.RecommendedBackends, () => _ = Ev.EmbeddableBackends, () => _ = Ev.AbiVersion,
    };

    public static void Run()
    {
        string text = "";

        foreach (Action member in s_members)
        {
            for (int i = 0; i < 2; i++)
            {
                try
                {
                    member();
                    Check.That(false, "a member throws without a native library");
                }
                catch (PlatformNotSupportedException e)
                {
                    text = e.Message;
                }
            }
        }

        Console.WriteLine(Ev.Version); // the version needs no native library
        Console.WriteLine(text);
        Console.WriteLine("refused");
    }
}
