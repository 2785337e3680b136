using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>Stores the last results of all loads, so that loads can be measured one at a time.</summary>
internal static class Store
{
    private static readonly string s_file = Path.Combine(KestrelReport.RepositoryRoot, "artifacts", "bench-kestrel-2.json");

    internal static Measured Load() =>
        File.Exists(s_file) ? JsonSerializer.Deserialize<Measured>(File.ReadAllText(s_file))! : new Measured([], []);

    internal static void Save(Result result)
    {
        Measured all = Load();
        Save(all with { Results = [.. all.Results.Where(r => r.Load != result.Load), result] });
    }

    internal static void Save(CallCounts counts)
    {
        Measured all = Load();
        Save(all with { Calls = [.. all.Calls.Where(c => c.Load != counts.Load), counts] });
    }

    private static void Save(Measured all) => File.WriteAllText(s_file, JsonSerializer.Serialize(all));
}

/// <summary>The content of the file.</summary>
internal sealed record Measured(List<Result> Results, List<CallCounts> Calls);
