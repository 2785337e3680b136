using System;

namespace Mood.Event.Soak;

/// <summary>What callbacks throw on purpose. It has to come out once: at CallbackException, or of the outermost Start.</summary>
internal sealed class ExpectedException : Exception
{
    /// <summary>How often CallbackException was told of it.</summary>
    public int Told { get; set; }

    /// <summary>How often it left the outermost Start.</summary>
    public int Left { get; set; }

    /// <summary>What the handler of CallbackException throws when it is told; null: nothing.</summary>
    public ExpectedException? Next { get; init; }
}
