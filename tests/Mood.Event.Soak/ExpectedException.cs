using System;

namespace Mood.Event.Soak;

/// <summary>What callbacks throw on purpose: it has to come out at CallbackException, and nowhere else.</summary>
internal sealed class ExpectedException : Exception;
