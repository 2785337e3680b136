using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The rules of this repository that a test can check by reading its files.</summary>
public sealed partial class HouseRulesTests
{
    private const string Rooms = "src/Mood.Event/";

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static IEnumerable<string> Sources => Repository.TrackedFiles
        .Where(f => f.StartsWith("src/", StringComparison.Ordinal) && f.EndsWith(".cs", StringComparison.Ordinal));

    [Theory]
    [InlineData(@"\bunsafe\b", "/Handles/|/Interop/")]
    [InlineData(@"\bGCHandle\b", "/Handles/|/Interop/")]
    [InlineData(@"\bDangerous\w+", "/Handles/|/Interop/")]
    [InlineData(@"\bDllImport\b|\bLibraryImport\b", @"/Interop/Native[\w.]*\.cs$")]
    [InlineData(@"\bUnmanagedCallersOnly\b", @"/Interop/Trampoline[\w.]*\.cs$")]
    public void Unsafe_code_is_only_in_its_folders(string what, string where)
    {
        string[] users = [.. Sources.Where(f => Regex.IsMatch(Code(f), what))];
        Assert.NotEmpty(users);
        Assert.All(users, f => Assert.Matches(where, f));
    }

    /// <summary>
    /// A file may use the classes of its own layer and of the layers below, and every enum. The exceptions are the places where
    /// native code calls managed code, and the pools that each loop has. Error is the lowest layer, because every layer throws.
    /// </summary>
    [Fact]
    public void A_folder_uses_only_classes_of_its_own_layer_and_of_lower_ones()
    {
        string[] exceptions =
        [
            "Interop/Trampoline.cs: Loop", "Interop/Trampoline.cs: Scheduler",
            "Interop/PendingQueue.cs: Watcher", "Interop/PendingQueue.cs: WatcherTable",
            "Interop/PendingQueue.cs: StartContext", "Interop/PendingQueue.cs: CallbackGauge", "Error.cs: Native", "Error.cs: Platform", "Error.cs: Loop",
            "Error.Library.cs: Platform",
            "Signals/SignalRegistrations.cs: Loop", "Awaitables/Waits.cs: AcceptOperation", "Awaitables/Waits.cs: ConnectOperation",
            "Awaitables/Waits.cs: ReceiveOperation", "Awaitables/Waits.cs: ReceiveFromOperation", "Awaitables/Waits.cs: SendOperation",
            "Awaitables/Waits.cs: SendToOperation", "Awaitables/Waits.cs: SendSequenceOperation",
        ];
        var code = Sources.Where(f => f.StartsWith(Rooms, StringComparison.Ordinal)).ToDictionary(f => f[Rooms.Length..], Code);
        (string Name, int Layer)[] types = [.. code.SelectMany(f =>
            Declaration().Matches(f.Value).Select(m => (m.Groups[1].Value, Layer(f.Key)))).Distinct()];
        Assert.InRange(types.Length, 60, int.MaxValue);
        string[] found = [.. code.SelectMany(f =>
        {
            string body = Enumeration().Replace(f.Value, ""); // the members of enum mood_kind have the names of watchers
            return types.Where(t => t.Layer > Layer(f.Key) && IsUsed(t.Name, body)).Select(t => $"{f.Key}: {t.Name}");
        })];
        Assert.Empty(found.Select(f => f.Replace(".net8.", ".", StringComparison.Ordinal).Replace(".netstandard2.", ".", StringComparison.Ordinal))
            .Except(exceptions));

        static bool IsUsed(string type, string body) =>
            Regex.IsMatch(body, $@"(?<![.\w])(?:Event\.)?{type}\b(?!\s*(?:=[^=>]|\(|;))|\bnew\s+{type}\s*\(|(?<![.\w]){type}\.\w");
    }

    /// <summary>
    /// Thread.Interrupt ends the wait of a lock statement with an exception. A Gate completes the wait, and SignalRegistrations does the same
    /// with Uninterrupted. An interrupt in Library only means that the next call loads the native library.
    /// </summary>
    [Fact]
    public void A_lock_statement_is_only_where_an_interrupt_is_harmless()
    {
        string[] users = [.. Sources.Where(f => f.StartsWith(Rooms, StringComparison.Ordinal) && Regex.IsMatch(Code(f), @"\block \("))];
        Assert.Equal([Rooms + "Interop/Library.cs", Rooms + "Signals/SignalRegistrations.net8.cs"], users.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_finalizer_stops_a_watcher()
    {
        // No class declares a finalizer. The finalizers of the SafeHandles call code in Handles/, which stops no watcher.
        Assert.DoesNotContain(Sources, f => Regex.IsMatch(Code(f), @"~\w+\s*\(\s*\)"));
        string[] stoppers = [.. Sources.Where(f => Regex.IsMatch(Code(f), @"\bmood_watcher_(stop|clear)\b"))];
        Assert.NotEmpty(stoppers);
        Assert.All(stoppers, f => Assert.DoesNotContain("/Handles/", f, StringComparison.Ordinal));

        // The native code that the SafeHandles call stops no watcher either.
        string free = Regex.Match(Repository.Read("native/watcher.c"), @"\nmood_watcher_free \(.*?\n\}", RegexOptions.Singleline).Value;
        Assert.Contains("free (", free, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"_stop\b", free);
    }

    [Fact]
    public void No_public_member_has_a_pointer_type()
    {
        Type[] pointers = [typeof(nint), typeof(nuint), typeof(void).MakePointerType()];
        string[] found = [.. PublicMembers().Where(m => TypesOf(m).Any(t => t.IsPointer || t.IsFunctionPointer || pointers.Contains(t)))
            .Select(m => $"{m.DeclaringType}.{m.Name}")];
        Assert.Empty(found);
    }

    [Fact]
    public void Every_public_member_is_documented()
    {
        var documented = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Mood.Event.xml")).Descendants("member")
            .Where(m => m.Element("inheritdoc") is not null || !string.IsNullOrWhiteSpace(m.Element("summary")?.Value))
            .Select(m => m.Attribute("name")!.Value).ToHashSet();
        string[] all = [.. typeof(Loop).Assembly.GetExportedTypes().Select(DocumentationId.Of), .. PublicMembers().Select(DocumentationId.Of)];
        Assert.InRange(all.Length, 200, int.MaxValue);
        Assert.Empty(all.Except(documented));
    }

    [Fact]
    public void The_documentation_that_ships_holds_public_members_only()
    {
        XDocument documentation = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Mood.Event.xml"));
        string[] all = [.. documentation.Descendants("member").Select(m => m.Attribute("name")!.Value)];
        Assert.Empty(all.Except([.. typeof(Loop).Assembly.GetExportedTypes().Select(DocumentationId.Of), .. PublicMembers().Select(DocumentationId.Of)]));
        Assert.Empty(documentation.Descendants("content"));

        // If a member inherits the documentation of another member of this library, that member is documented.
        Assert.Empty(documentation.Descendants("inheritdoc").Select(i => i.Attribute("cref")?.Value)
            .Where(cref => cref?.Contains("Mood.Event", StringComparison.Ordinal) == true).Except(all));
    }

    [Fact]
    public void Files_of_src_are_short()
    {
        // The aim is about 300 lines. A file about one topic may need a few more.
        Assert.All(Sources, f => Assert.True(
            Repository.Read(f).Split('\n').Length - 1 <= 350, f));
    }

    [Fact]
    public void The_top_level_has_only_the_allowed_entries()
    {
        string[] allowed =
        [
            "Mood.Event.sln", "src", "native", "tests", "docs", "build.sh", "build.ps1", "Directory.Build.props", "README.md",
            "LICENSE", ".ci", ".clang-format", ".editorconfig", ".gitattributes", ".gitignore", ".github",
        ];
        Assert.Empty(Repository.TrackedFiles.Select(f => f.Split('/')[0]).Distinct().Except(allowed));
    }

    [Fact]
    public void No_binary_is_committed()
    {
        // Pictures for the documentation are allowed.
        Assert.DoesNotContain(Repository.TrackedFiles, f => !f.EndsWith(".png", StringComparison.Ordinal)
            && File.Exists(Path.Combine(Repository.Root, f)) && File.ReadAllBytes(Path.Combine(Repository.Root, f)).Contains((byte)0));
        Assert.DoesNotContain(Repository.TrackedFiles, f => BinaryName().IsMatch(f));
    }

    [Fact]
    public void No_file_names_a_machine_path_or_a_package_host()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string[] places = [.. new[] { Repository.Root.TrimEnd('/'), home }.Where(p => p.Count(c => c == '/') > 1)];
        string[] found = [.. Repository.TrackedFiles.Where(f => File.Exists(Path.Combine(Repository.Root, f))).SelectMany(f =>
        {
            string text = Repository.Read(f);
            return MachinePath().Matches(text).Concat(PackageHost().Matches(text)).Select(m => $"{f}: {m.Value}")
                .Concat(places.Where(p => text.Contains(p, StringComparison.Ordinal)).Select(p => $"{f}: {p}"));
        })];
        Assert.Empty(found);
    }

    // The brackets in these patterns keep them from matching this file.
    [GeneratedRegex(@"(?<![\w.~])/(?:wor[k]|hom[e]/\w+|Use[r]s/\w+|roo[t])/|\b[A-Z]:\\\\?Use[r]s\\")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"ap[i]\.nuget\.org|/v[3]/index\.json|artifac[t]ory|pypi\.or[g]|registr[y]\.\w+\.\w+|://[^/\s""']+:[^/\s""'@]+@")]
    private static partial Regex PackageHost();

    [GeneratedRegex(@"\.(so|dylib|dll|exe|o|a|nupkg|snupkg|pdb|zip|gz|tar|jar)$")]
    private static partial Regex BinaryName();

    [GeneratedRegex(@"enum\s+\w+\s*\{[^}]*\}", RegexOptions.Singleline)]
    private static partial Regex Enumeration();

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/|""(?:\\.|[^""\\])*""", RegexOptions.Singleline)]
    private static partial Regex CommentOrString();

    [GeneratedRegex(@"(?m)^(?:\w+ )*(?:class|struct|interface) (\w+)")]
    private static partial Regex Declaration();

    /// <summary>The layer of a file of src/Mood.Event by its folder. 0 is the lowest.</summary>
    private static int Layer(string file) => file.Split('/')[0] switch
    {
        "EventException.cs" or "Uninterrupted.cs" or "UnixTime.cs" => 0,
        string name when name.StartsWith("Error.", StringComparison.Ordinal) => 0,
        "Interop" => 1,
        "Ev.cs" or "Ev.net8.cs" or "Validate.cs" or "Handles" or "Signals" => 2,
        "Sockets" => 4,
        _ => 3,
    };

    /// <summary>A source without its comments and strings.</summary>
    private static string Code(string file) => CommentOrString().Replace(Repository.Read(file), " ");

    private static IEnumerable<MemberInfo> PublicMembers() => typeof(Loop).Assembly.GetExportedTypes()
        .SelectMany(t => t.GetMembers(Declared)).Where(m => !m.IsDefined(typeof(CompilerGeneratedAttribute)) && m switch
        {
            FieldInfo f => (f.IsPublic || f.IsFamily) && !f.IsSpecialName,
            MethodInfo x => IsVisible(x) && !x.IsSpecialName,
            ConstructorInfo c => IsVisible(c) && (c.GetParameters().Length > 0 || !c.DeclaringType!.IsDefined(typeof(AttributeUsageAttribute))),
            PropertyInfo p => p.GetAccessors(true).Any(IsVisible),
            EventInfo e => IsVisible(e.AddMethod!),
            _ => false,
        });

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static IEnumerable<Type> TypesOf(MemberInfo member) => member switch
    {
        FieldInfo f => [f.FieldType],
        PropertyInfo p => [p.PropertyType],
        EventInfo e => [e.EventHandlerType!],
        MethodInfo m => [m.ReturnType, .. m.GetParameters().Select(p => p.ParameterType)],
        ConstructorInfo c => c.GetParameters().Select(p => p.ParameterType),
        _ => [],
    };

    [Fact]
    public void Native_code_is_formatted_as_clang_format_has_it()
    {
        if (!Repository.IsHere("clang-format", "--version"))
        {
            Console.WriteLine("clang-format is not installed: the format of the native code is not checked.");
            return;
        }

        string[] files = [.. Repository.TrackedFiles
            .Where(f => f.EndsWith(".c", StringComparison.Ordinal) || f.EndsWith(".h", StringComparison.Ordinal))
            .Select(f => Path.Combine(Repository.Root, f))];
        Assert.NotEmpty(files);
        Repository.Run("clang-format", ["--dry-run", "-Werror", .. files]);
    }
}
