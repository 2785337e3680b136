using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>Stores the last results of all loads, so that loads can be measured one at a time.</summary>
internal static class Store
{
    private static readonly string s_file = Path.Combine(KestrelReport.RepositoryRoot, "artifacts", "bench-kestrel.json");

    internal static List<Result> Load() =>
        File.Exists(s_file) ? JsonSerializer.Deserialize<List<Result>>(File.ReadAllText(s_file))! : [];

    internal static void Save(Result result) =>
        File.WriteAllText(s_file, JsonSerializer.Serialize(Load().Where(r => r.Load != result.Load).Append(result)));
}
