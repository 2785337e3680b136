using System;
using System.IO;
using System.Linq;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>The processor, the dependencies and the exports of the native library of each platform.</summary>
[Collection(PackageGroup.Name)]
public sealed partial class NativeLibraryTests(PackageFixture package)
{
    private static readonly string[] s_functions = [.. Declaration()
        .Matches(File.ReadAllText(Path.Combine(Place.Repository, "native", "mood_event.h"))).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal)];

    [Theory]
    [InlineData("linux-x64", "Advanced Micro Devices X86-64")]
    [InlineData("linux-arm64", "AArch64")]
    [InlineData("linux-arm", "ARM")]
    [InlineData("linux-musl-x64", "Advanced Micro Devices X86-64")]
    [InlineData("linux-musl-arm64", "AArch64")]
    public void Linux(string rid, string machine)
    {
        if (!package.AllNatives)
        {
            return; // PackageFixture has reported the reason
        }

        string file = package.Native(rid), elf = Command.Run(Place.Root, "readelf", "-h", "-l", "-d", "-V", "-W", file);
        Assert.Equal(machine, Field(elf, @"Machine:\s+(.*)"));
        Assert.Equal("libmood_event.so", Field(elf, @"\(SONAME\).*\[(.*)\]"));
        Assert.Matches(@"GNU_STACK.* RW ", elf); // shows that the stack is not executable
        Assert.DoesNotMatch(@"\((TEXTREL|RPATH|RUNPATH)\)", elf);

        if (rid == "linux-arm")
        {
            Assert.Contains("hard-float ABI", elf, StringComparison.Ordinal);
        }

        string[] needed = [.. Regex.Matches(elf, @"\(NEEDED\).*\[(.*)\]").Select(m => m.Groups[1].Value)];
        Version[] versions = [.. Regex.Matches(elf, @"GLIBC_([\d.]+)").Select(m => Version.Parse(m.Groups[1].Value))];

        if (rid.Contains("musl", StringComparison.Ordinal))
        {
            Assert.Equal(["libc.so"], needed);
            Assert.Empty(versions);
        }
        else
        {
            Assert.All(needed, n => Assert.Matches(@"^(libc\.so\.6|libpthread\.so\.0|ld-linux.*)$", n));
            Console.WriteLine($"{rid}: GLIBC_{versions.Max()}");
            Assert.True(versions.Max() <= new Version(2, 17), $"{rid} needs GLIBC_{versions.Max()}");
        }

        string[] exports = [.. Command.Run(Place.Root, "nm", "-D", "--defined-only", file)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[^1]).Order(StringComparer.Ordinal)];
        Assert.Equal(s_functions, exports);
    }

    [Theory]
    [InlineData("osx-x64", MachO.X64)]
    [InlineData("osx-arm64", MachO.Arm64)]
    public void MacOS(string rid, uint machine)
    {
        if (!package.AllNatives)
        {
            return;
        }

        var library = new MachO(package.Native(rid));
        Assert.Equal(machine, library.Machine);
        Assert.Equal("@rpath/libmood_event.dylib", library.Id);
        Assert.Equal(["/usr/lib/libSystem.B.dylib"], library.Needed);
        Assert.Equal(new Version(11, 0), library.OldestSystem);
        Assert.True(library.IsSigned || machine == MachO.X64, "an arm64 Mac loads a library only if it is signed, and an ad-hoc signature is enough");

        // select is the default backend there. The other variants of it refuse numbers of 1024 and more.
        Assert.Equal(["_select$DARWIN_EXTSN"], library.Imports.Where(i => i == "_select" || i.StartsWith("_select$", StringComparison.Ordinal)));

        // The linker adds two symbols for the image itself.
        Assert.Equal(
            s_functions.Select(f => "_" + f),
            library.Exports.Except(["__mh_dylib_header", "___dso_handle"]).Order(StringComparer.Ordinal));
    }

    /// <summary>The library depends on the Universal CRT, the C library that is part of Windows 10 and later.</summary>
    [Theory]
    [InlineData("win-x64", Machine.Amd64)]
    [InlineData("win-arm64", Machine.Arm64)]
    public void Windows(string rid, Machine machine)
    {
        if (!package.AllNatives)
        {
            return;
        }

        var library = new Pe(package.Native(rid));
        Assert.Equal(machine, library.Machine);
        Assert.Equal(s_functions, library.Exports.Order(StringComparer.Ordinal));
        Assert.All(library.Needed, n => Assert.Matches(@"^(KERNEL32\.dll|WS2_32\.dll|api-ms-win-crt-[a-z]+-l1-1-0\.dll)$", n));
        Assert.True(library.Characteristics.HasFlag(DllCharacteristics.DynamicBase | DllCharacteristics.NxCompatible), $"{library.Characteristics}");
    }

    [Fact]
    public void The_same_sources_make_the_same_bytes_in_another_directory()
    {
        if (!package.AllNatives)
        {
            return;
        }

        // The second build uses other directories, and a zig cache without our code.
        string again = Place.New("again"), native = Directory.CreateDirectory(Path.Combine(again, "elsewhere")).FullName;
        Command.Run(Place.Root, "cp", "-r", Path.Combine(Place.Repository, "native") + "/.", native);
        Command.Run(
            again, "env", $"MOOD_EVENT_VERSION={package.Version}", $"ZIG_LOCAL_CACHE_DIR={Path.Combine(again, "cache")}", "sh", Path.Combine(native, "build", "natives.sh"), Path.Combine(again, "runtimes"));

        string first = Path.Combine(package.Content, "runtimes");
        string[] files = [.. Directory.GetFiles(first, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(first, f))];
        Assert.Equal(9, files.Length);
        Assert.All(files, f => Assert.True(
            File.ReadAllBytes(Path.Combine(first, f)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(again, "runtimes", f))), f));
    }

    private static string Field(string text, string pattern) => Regex.Match(text, pattern).Groups[1].Value.Trim();

    [GeneratedRegex(@"^MOOD_API[^(]*?(mood_\w+) \(", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
