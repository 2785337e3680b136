using System;

namespace Mood.Event.Soak;

/// <summary>The result of an operation is not the one that the model demands.</summary>
internal sealed class SoakException(string message) : Exception(message);
