using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>
/// NativeTests.c, which uses the whole C ABI without .NET, runs with the package's library for each Linux platform. If the machine has
/// another processor, it runs in an emulator.
/// </summary>
[Collection(PackageGroup.Name)]
public sealed partial class DriverTests(PackageFixture package)
{
    private static readonly Lazy<string> s_zig = new(() => Command.Run(Place.Repository, "sh", Path.Combine("native", "build", "zig.sh")).Trim());

    private static readonly Lazy<string> s_libev = new(() => Command.Run(Place.Repository, "sh", Path.Combine("native", "build", "fetch.sh")).Trim());

    private static string Driver => Path.Combine(Place.Repository, "tests", "Mood.Event.Tests", "Native", "NativeTests.c");

    // The arguments are the platform, the emulator, and the loader in the distribution's cross C library.
    [Theory]
    [InlineData("linux-x64", null, "/lib64/ld-linux-x86-64.so.2")]
    [InlineData("linux-arm64", "qemu-aarch64", "/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1")]
    [InlineData("linux-arm", "qemu-arm", "/usr/arm-linux-gnueabihf/lib/ld-linux-armhf.so.3")]
    [InlineData("linux-musl-x64", null, "/lib/ld-musl-x86_64.so.1")]
    public void The_driver_passes_on_each_Linux_platform(string rid, string? emulator, string loader)
    {
        if (!CanRun(emulator, loader))
        {
            return;
        }

        string native = package.Native(rid);
        string program = Compile(rid, "driver-" + rid, native, "-Wl,-rpath," + Path.GetDirectoryName(native));
        AssertDone(emulator is null ? [program] : [emulator, "-L", Path.GetDirectoryName(Path.GetDirectoryName(loader))!, program]);
    }

    /// <summary>WindowsTests.c uses the C ABI under Wine, and closes 10,000 loops without losing a handle.</summary>
    [Fact]
    public void The_Windows_driver_passes_under_Wine()
    {
        if (!package.AllNatives || !Wine.IsHere)
        {
            return;
        }

        string directory = Place.New("driver-windows"), import = Path.Combine(directory, "mood_event.lib"), library = package.Native("win-x64");
        string definition = Path.Combine(directory, "mood_event.def"), program = Path.Combine(directory, "driver.exe");
        File.WriteAllLines(definition, ["LIBRARY mood_event.dll", "EXPORTS", .. new Pe(library).Exports]);
        File.Copy(library, Path.Combine(directory, "mood_event.dll"));
        Zig("dlltool", "-m", "i386:x86-64", "-d", definition, "-l", import);
        Zig(
            ["cc", "-target", Targets()["win-x64"], "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-I", Path.Combine(Place.Repository, "native"),
                Path.Combine(Path.GetDirectoryName(Driver)!, "WindowsTests.c"), import, "-lws2_32", "-o", program]);

        using var wine = new Wine("wine-driver");
        string said = Run([]), fine = Run("fine"), console = Run("console");
        Assert.Matches(@"\nall passed, \d+ waits by a fine timer\n$", said);
        Assert.Matches(@"\nall passed, [1-9]\d* waits by a fine timer\n$", fine); // Wine 8 has no fine timers
        Assert.EndsWith("ok console\n", console, StringComparison.Ordinal);

        string Run(params string[] arguments)
        {
            string output = wine.Run(program, arguments);
            Console.WriteLine(output);
            return output;
        }
    }

    /// <summary>The distribution has no musl loader for arm64, so the sources of the library are linked statically.</summary>
    [Fact]
    public void The_driver_passes_when_it_is_linked_statically_with_musl_on_arm64()
    {
        if (!CanRun("qemu-aarch64", null))
        {
            return;
        }

        string[] sources = Directory.GetFiles(Path.Combine(Place.Repository, "native"), "*.c");
        AssertDone("qemu-aarch64", Compile("linux-musl-arm64", "driver-static", ["-static", "-fno-strict-aliasing", .. sources]));
    }

    /// <summary>
    /// C and managed code declare the same fields in the same order. With 32-bit pointers the layouts agree only if C and the runtime leave
    /// the same gaps.
    /// </summary>
    [Fact]
    public void With_32_bits_C_and_managed_code_have_the_same_layout()
    {
        if (!package.AllNatives)
        {
            return;
        }

        string source = Path.Combine(Place.New("layout"), "layout.c");
        File.WriteAllText(source, """
            #include "libev.h"
            #include <stddef.h>
            #define AT(type, field, offset) _Static_assert (offsetof (type, field) == offset, #type "." #field);
            _Static_assert (sizeof (void *) == 4, "32 bits");
            AT (mood_watcher_head, pending, 4) AT (mood_watcher_head, priority, 8) AT (mood_watcher_head, plain, 11) AT (mood_watcher_head, id, 12)
            _Static_assert (sizeof (mood_watcher_head) == 16, "mood_watcher_head");
            AT (mood_pending, revents, 4)
            _Static_assert (sizeof (mood_pending) == 8, "mood_pending");
            AT (mood_queue, counts, 4) AT (mood_queue, priority, 8) AT (mood_queue, halted, 12) AT (mood_queue, always, 16) AT (mood_queue, left, 20)
            _Static_assert (sizeof (mood_queue) == 24, "mood_queue");
            AT (mood_callbacks, pending, 4) AT (mood_callbacks, wake, 8) AT (mood_callbacks, reschedule, 12) AT (mood_callbacks, clock, 16) AT (mood_callbacks, reap, 20)
            AT (mood_file_status, accessed_seconds, 32) AT (mood_file_status, accessed_nanos, 56) AT (mood_file_status, mode, 68) AT (mood_file_status, group, 80)
            _Static_assert (sizeof (mood_file_status) == 88, "mood_file_status");
            """);
        Compile("linux-arm", "layout.o", "-c", source);
    }

    private bool CanRun(string? emulator, string? loader)
    {
        if (!package.AllNatives || (emulator is not null && !Command.IsHere(emulator)))
        {
            return false; // Command has reported it
        }

        if (loader is null || File.Exists(loader))
        {
            return true;
        }

        Console.WriteLine($"There is no {loader} here: the tests that need it are skipped.");
        return false;
    }

    private static string Compile(string rid, string name, params string[] more)
    {
        string program = Path.Combine(Place.New(name + "-build"), name), native = Path.Combine(Place.Repository, "native");
        string[] driver = more.Contains("-c") ? [] : [Driver];
        Zig(
            ["cc", "-target", .. Targets()[rid].Split(' '), "-std=gnu11", "-O2", "-w", "-pthread", "-D_FILE_OFFSET_BITS=64", "-DMOOD_VERSION=\"any\"",
                "-I", Path.Combine(native, "libev"), "-I", native, "-I", s_libev.Value, .. driver, .. more, "-o", program]);
        return program;
    }

    private static void Zig(params string[] arguments)
    {
        string cache = Path.Combine(Path.GetDirectoryName(s_libev.Value)!, "zig-cache");
        Command.Run(Place.Root, "env", [$"ZIG_GLOBAL_CACHE_DIR={cache}", $"ZIG_LOCAL_CACHE_DIR={cache}", s_zig.Value, .. arguments]);
    }

    private static void AssertDone(params string[] command)
    {
        string file = Path.Combine(Place.Root, "watched");
        File.WriteAllText(file, "");
        Assert.EndsWith("done\n", Command.Run(Place.Root, command[0], [.. command[1..], "10", file]), StringComparison.Ordinal);
    }

    /// <summary>The zig target of each platform, as in natives.sh.</summary>
    private static Dictionary<string, string> Targets() => Target()
        .Matches(File.ReadAllText(Path.Combine(Place.Repository, "native", "build", "natives.sh"))).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);

    [GeneratedRegex(@"^build (\S+) +""?([^""\n]+)""?$", RegexOptions.Multiline)]
    private static partial Regex Target();
}
