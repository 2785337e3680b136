using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Programs that a machine may lack, such as curl.</summary>
internal static class Tool
{
    /// <summary>The path of the first program that is installed. If none is installed, returns null and reports it.</summary>
    public static string? Find(params string[] names)
    {
        string[] directories = Environment.GetEnvironmentVariable("PATH")!.Split(':');
        string? path = names.SelectMany(n => directories.Select(d => Path.Combine(d, n))).FirstOrDefault(File.Exists);

        if (path is null)
        {
            Console.WriteLine($"{string.Join(" or ", names)} is not installed. The test is skipped.");
        }

        return path;
    }

    /// <summary>Runs a program, asserts that its exit code is 0, and returns its output.</summary>
    public static async Task<string> RunAsync(string path, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{path} {string.Join(' ', arguments)}: {process.ExitCode}\n{output}\n{await error}");
        return output;
    }
}
