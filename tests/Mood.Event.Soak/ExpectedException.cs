using System;

namespace Mood.Event.Soak;

/// <summary>An exception that callbacks throw on purpose. It must arrive once: in CallbackException, or from the outermost Start.</summary>
internal sealed class ExpectedException : Exception
{
    /// <summary>How often CallbackException reported it.</summary>
    public int Told { get; set; }

    /// <summary>How often it left the outermost Start.</summary>
    public int Left { get; set; }

    /// <summary>The exception that the handler of CallbackException throws then, or null.</summary>
    public ExpectedException? Next { get; init; }
}
