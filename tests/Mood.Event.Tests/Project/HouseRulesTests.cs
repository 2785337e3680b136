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

/// <summary>The rules of this repository that can be checked by looking.</summary>
public sealed partial class HouseRulesTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static IEnumerable<string> Sources => Repository.TrackedFiles
        .Where(f => f.StartsWith("src/", StringComparison.Ordinal) && f.EndsWith(".cs", StringComparison.Ordinal));

    [Theory]
    [InlineData(@"\bunsafe\b", "/Handles/|/Interop/")]
    [InlineData(@"\bGCHandle\b", "/Handles/|/Interop/")]
    [InlineData(@"\bDangerous\w+", "/Handles/|/Interop/")]
    [InlineData(@"\bDllImport\b|\bLibraryImport\b", @"/Interop/Native[\w.]*\.cs$")]
    [InlineData(@"\bUnmanagedCallersOnly\b", @"/Interop/Trampoline\.cs$")]
    public void What_is_dangerous_stays_where_it_belongs(string what, string where)
    {
        string[] users = [.. Sources.Where(f => Regex.IsMatch(Code(f), what))];
        Assert.NotEmpty(users);
        Assert.All(users, f => Assert.Matches(where, f));
    }

    [Fact]
    public void Interop_knows_no_public_class_but_those_it_dispatches_to()
    {
        string[] dispatched = [nameof(Watcher), nameof(Loop), nameof(Scheduler)];
        string[] forbidden = [.. typeof(Loop).Assembly.GetExportedTypes().Select(t => t.Name.Split('`')[0]).Except(dispatched)];
        string[] found = [.. Sources.Where(f => f.Contains("/Interop/", StringComparison.Ordinal)).SelectMany(f =>
        {
            // the names of enum mood_kind's members are the kinds'
            string code = Enumeration().Replace(Code(f), "");
            return forbidden.Where(name => Regex.IsMatch(code, $@"(?<![.\w]){name}\b(?!\s*=)")).Select(name => $"{f}: {name}");
        })];
        Assert.Empty(found);
    }

    [Fact]
    public void No_finalizer_stops_a_watcher()
    {
        // no class has a finalizer of its own, and those of SafeHandle end in Handles/, where nothing stops a watcher
        Assert.DoesNotContain(Sources, f => Regex.IsMatch(Code(f), @"~\w+\s*\(\s*\)"));
        string[] stoppers = [.. Sources.Where(f => Regex.IsMatch(Code(f), @"\bmood_watcher_(stop|clear)\b"))];
        Assert.NotEmpty(stoppers);
        Assert.All(stoppers, f => Assert.DoesNotContain("/Handles/", f, StringComparison.Ordinal));

        // and what those call in native code does not either
        string free = Regex.Match(Repository.Read("native/watcher.c"), @"\nmood_watcher_free \(.*?\n\}", RegexOptions.Singleline).Value;
        Assert.Contains("free (", free, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"_stop\b", free);
    }

    [Fact]
    public void Nothing_public_speaks_of_pointers()
    {
        Type[] pointers = [typeof(nint), typeof(nuint), typeof(void).MakePointerType()];
        string[] found = [.. PublicMembers().Where(m => TypesOf(m).Any(t => t.IsPointer || t.IsFunctionPointer || pointers.Contains(t)))
            .Select(m => $"{m.DeclaringType}.{m.Name}")];
        Assert.Empty(found);
    }

    [Fact]
    public void Everything_public_is_documented()
    {
        var documented = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Mood.Event.xml")).Descendants("member")
            .Where(m => m.Element("inheritdoc") is not null || !string.IsNullOrWhiteSpace(m.Element("summary")?.Value))
            .Select(m => m.Attribute("name")!.Value).ToHashSet();
        string[] all = [.. typeof(Loop).Assembly.GetExportedTypes().Select(t => "T:" + t.FullName), .. PublicMembers().Select(DocumentationId)];
        Assert.InRange(all.Length, 200, int.MaxValue);
        Assert.Empty(all.Except(documented));
    }

    [Fact]
    public void Files_of_src_are_short()
    {
        // about 300 lines; what is one thing may be a little longer
        Assert.All(Sources, f => Assert.True(
            Repository.Read(f).Split('\n').Length - 1 <= 350, f));
    }

    [Fact]
    public void The_top_level_holds_nothing_else()
    {
        string[] allowed =
        [
            "Mood.Event.sln", "src", "native", "tests", "docs", "build.sh", "build.ps1", "Directory.Build.props", "README.md",
            "LICENSE", ".ci", ".editorconfig", ".gitattributes", ".gitignore", ".github",
        ];
        Assert.Empty(Repository.TrackedFiles.Select(f => f.Split('/')[0]).Distinct().Except(allowed));
    }

    [Fact]
    public void No_binary_is_committed()
    {
        // a picture in the documentation is no program
        Assert.DoesNotContain(Repository.TrackedFiles, f => !f.EndsWith(".png", StringComparison.Ordinal)
            && File.Exists(Path.Combine(Repository.Root, f)) && File.ReadAllBytes(Path.Combine(Repository.Root, f)).Contains((byte)0));
        Assert.DoesNotContain(Repository.TrackedFiles, f => BinaryName().IsMatch(f));
    }

    [Fact]
    public void No_file_names_the_machine_it_was_written_on_or_where_that_got_its_packages()
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

    // written so that they do not match themselves
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

    /// <summary>The name the compiler gives a member in the documentation file.</summary>
    private static string DocumentationId(MemberInfo member)
    {
        string type = member.DeclaringType!.FullName!;
        return member switch
        {
            FieldInfo => $"F:{type}.{member.Name}",
            PropertyInfo => $"P:{type}.{member.Name}",
            EventInfo => $"E:{type}.{member.Name}",
            ConstructorInfo c => $"M:{type}.#ctor{Parameters(c)}",
            MethodInfo m => $"M:{type}.{m.Name}{(m.IsGenericMethod ? "``" + m.GetGenericArguments().Length : "")}{Parameters(m)}",
            _ => throw new ArgumentOutOfRangeException(nameof(member)),
        };

        static string Parameters(MethodBase method) => method.GetParameters() is { Length: > 0 } parameters
            ? $"({string.Join(',', parameters.Select(p => TypeId(p.ParameterType)))})" : "";

        static string TypeId(Type type) =>
            type.IsByRef ? TypeId(type.GetElementType()!) + "@"
            : type.IsArray ? TypeId(type.GetElementType()!) + "[]"
            : type.IsGenericMethodParameter ? "``" + type.GenericParameterPosition
            : type.IsGenericParameter ? "`" + type.GenericParameterPosition
            : type.IsGenericType ? $"{type.GetGenericTypeDefinition().FullName!.Split('`')[0]}{{{string.Join(',', type.GetGenericArguments().Select(TypeId))}}}"
            : type.FullName!;
    }
}
