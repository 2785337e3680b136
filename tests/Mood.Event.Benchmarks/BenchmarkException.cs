using System;

namespace Mood.Event.Benchmarks;

/// <summary>A round did not do its work: its number would mean nothing.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);

/// <summary>A round cannot run on this machine; the comparison goes on without that contender.</summary>
internal sealed class UnavailableException(string message) : Exception(message);
