using System;

namespace Mood.Event.Soak;

/// <summary>
/// An exception that a callback throws on purpose. It must arrive exactly once: in CallbackException, or from the outermost Start.
/// </summary>
internal sealed class ExpectedException : Exception
{
    /// <summary>The number of times that CallbackException has reported the exception.</summary>
    public int Told { get; set; }

    /// <summary>The number of times that the exception has left the outermost Start.</summary>
    public int Left { get; set; }

    /// <summary>The exception that the handler of CallbackException throws when it gets this one, or null.</summary>
    public ExpectedException? Next { get; init; }
}
