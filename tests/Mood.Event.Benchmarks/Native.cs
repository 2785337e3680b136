using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>The C side, which native/build.sh builds. Each area declares the functions that it calls.</summary>
internal static class Native
{
    /// <summary>libev's benchmarks, for LibraryImport.</summary>
    internal const string Libev = "mood_bench";

    /// <summary>libuv's benchmarks, for LibraryImport. They exist only if <see cref="HasLibuv"/> is true.</summary>
    internal const string Libuv = "mood_bench_uv";

    /// <summary>The directory of the libraries and programs.</summary>
    internal static string Directory { get; } = Metadata("BenchOutput");

    internal static string RepositoryRoot { get; } = Metadata("RepositoryRoot");

    /// <summary>Whether the C side was built with libuv's header, and libuv is installed now.</summary>
    internal static bool HasLibuv { get; } = NativeLibrary.TryLoad(PathOf(Libuv), out _);

    /// <summary>Whether there is a C side. It is built on Linux only.</summary>
    internal static bool IsBuilt { get; } = File.Exists(PathOf(Libev));

    internal static void Initialize() => NativeLibrary.SetDllImportResolver(
        typeof(Native).Assembly, (name, _, _) => name is Libev or Libuv ? NativeLibrary.Load(PathOf(name)) : 0);

    /// <summary>Returns the result of a C round if it is a number, and throws if it is an error code.</summary>
    internal static double Check(double result, string what) => result switch
    {
        >= 0 => result,
        -1 => throw new UnavailableException($"{what}: not on this machine"),
        _ => throw new BenchmarkException($"{what}: the work was not done ({result})"),
    };

    private static string PathOf(string library) => Path.Combine(Directory, $"lib{library}.so");

    private static string Metadata(string key) => typeof(Native).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
