using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The sources of this repository, and the programs that the tests run on them.</summary>
internal static class Repository
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    internal static string Root { get; } = Path.GetFullPath(typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!);

    /// <summary>The native library that the tests run with: the testing build (native/testing.h).</summary>
    internal static string NativeLibrary { get; } = Path.Combine(AppContext.BaseDirectory, "libmood_event.so");

    /// <summary>The native library that the package ships, which the programs in host/ run with.</summary>
    internal static string ShippedNativeLibrary { get; } = Path.Combine(AppContext.BaseDirectory, "host", "libmood_event.so");

    internal static string[] TrackedFiles =>
        Run("git", "-c", "safe.directory=*", "-C", Root, "ls-files", "-z").Split('\0', StringSplitOptions.RemoveEmptyEntries);

    internal static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Compiles a C program that sees our headers and libev's; returns its path.</summary>
    internal static string Compile(string source, string program, params string[] more)
    {
        string native = Path.Combine(Root, "native");
        string libev = Run("sh", Path.Combine(native, "build", "fetch.sh")).Trim();
        Run(
            Environment.GetEnvironmentVariable("CC") ?? "cc",
            ["-std=gnu11", "-w", "-I", Path.Combine(native, "libev"), "-I", native, "-I", libev, source, "-o", program, .. more]);
        return program;
    }

    /// <summary>Runs a program, which must succeed, and returns its output.</summary>
    internal static string Run(string program, params string[] arguments)
    {
        (int exitCode, string output, string error) = TryRun(program, arguments);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {exitCode}\n{error}");
        return output;
    }

    /// <summary>Whether a program is installed and succeeds with these arguments.</summary>
    internal static bool IsHere(string program, params string[] arguments)
    {
        try
        {
            return TryRun(program, arguments).ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Runs a program. Fails if it takes longer than five minutes.</summary>
    internal static (int ExitCode, string Output, string Error) TryRun(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();

        if (!Task.WaitAll([output, error], s_patience) || !process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)}: it has not ended, or a child of it has its output open, after {s_patience}.");
        }

        return (process.ExitCode, output.Result, error.Result);
    }
}
