namespace Mood.Event;

/// <content>The callback of native/child.c.</content>
public sealed partial class Loop
{
    /// <summary>Has the runtime reap the children of System.Diagnostics.Process. Throws nothing.</summary>
    /// <returns>False: the runtime cannot do it now.</returns>
    internal static bool OnReap() => RuntimeReaping.Begin();
}
