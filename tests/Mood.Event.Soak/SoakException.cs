using System;

namespace Mood.Event.Soak;

/// <summary>The loop did something that the model forbids, or did not do what it demands.</summary>
internal sealed class SoakException(string message) : Exception(message);
