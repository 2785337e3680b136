namespace Mood.Event;

/// <content>Waits.</content>
public abstract partial class Watcher
{
    /// <summary>The wait that this watcher serves; null: the program made the watcher. Written when the watcher is made; a
    /// <see cref="ChildWait"/> clears it when it hands its watcher to the program.</summary>
    internal Wait? Wait { get; set; }

    partial void GetWaiter(ref object? waiter) => waiter = Wait?.Waiter;

    partial void GetWaiting(ref string? waiting) => waiting = Wait?.Purpose;
}
