using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace Mood.Event.Benchmarks;

/// <summary>
/// The last results of each area. They are stored beside the programs, because a whole run takes long and areas may be run one by
/// one. All contenders of a comparison are always from the same run.
/// </summary>
internal static class Store
{
    private static readonly JsonSerializerOptions s_options = new() { WriteIndented = true };

    private static string FilePath => Path.Combine(Native.Directory, "results.json");

    internal static IReadOnlyList<Result> Load() =>
        File.Exists(FilePath) ? JsonSerializer.Deserialize<List<Result>>(File.ReadAllText(FilePath), s_options)! : [];

    /// <summary>Replaces the stored results of the same areas.</summary>
    internal static void Save(IReadOnlyList<Result> results)
    {
        HashSet<string> renewed = [.. results.Select(r => r.Area)];
        Result[] all = [.. Load().Where(r => !renewed.Contains(r.Area)), .. results];
        File.WriteAllText(FilePath, JsonSerializer.Serialize(all, s_options));
    }
}
