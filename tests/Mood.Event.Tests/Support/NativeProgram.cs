using System;
using System.IO;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// A C program in the folder Native that uses the native library. A function that it defines replaces the one of the C library.
/// </summary>
internal static class NativeProgram
{
    /// <summary>Compiles the program and runs it. It must exit with code 0, and its last line must be "done".</summary>
    internal static void Run(string source)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("mood-event-native-");

        try
        {
            string program = Repository.Compile(
                Path.Combine(Repository.Root, "tests", "Mood.Event.Tests", "Native", source),
                Path.Combine(directory.FullName, "program"),
                "-rdynamic",
                "-g",
                "-pthread",
                Repository.NativeLibrary,
                "-Wl,-rpath," + AppContext.BaseDirectory,
                "-ldl");
            (int exitCode, string output, string error) = Repository.TryRun(program);
            Assert.True(exitCode == 0, $"exit code {exitCode}\n{error}");
            Assert.EndsWith("done\n", output, StringComparison.Ordinal);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
