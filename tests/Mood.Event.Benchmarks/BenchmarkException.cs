using System;

namespace Mood.Event.Benchmarks;

/// <summary>A round did not do its work, so its number would be meaningless.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);

/// <summary>A round cannot run on this machine. The comparison continues without that contender.</summary>
internal sealed class UnavailableException(string message) : Exception(message);
