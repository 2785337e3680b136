using System;

namespace Mood.Event.Soak;

/// <summary>The loop did something that the model forbids, or missed something that the model demands.</summary>
internal sealed class SoakException(string message) : Exception(message);
