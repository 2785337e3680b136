using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Mood.Event.Tests;

namespace Mood.Event.Site;

/// <summary>A page for each public type, with the declaration and the XML documentation of every member.</summary>
internal sealed class ApiPages
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private readonly Documentation _documentation;
    private readonly Dictionary<string, string> _links = [];
    private readonly HashSet<string> _netStandard;

    internal ApiPages(Assembly[] assemblies)
    {
        _netStandard = [.. Documentation.Members(Path.Combine(AppContext.BaseDirectory, "netstandard2.0", "Mood.Event.xml")).Select(m => m.Attribute("name")!.Value)];
        Types = [.. assemblies.SelectMany(a => a.GetExportedTypes()).OrderBy(t => t.Name, StringComparer.Ordinal)];

        foreach (Type type in Types)
        {
            _links[DocumentationId.Of(type)] = $"./{FileOf(type)}";

            foreach (MemberInfo member in Members(type))
            {
                _links[DocumentationId.Of(member)] = $"./{FileOf(type)}{(type.IsEnum ? "" : "#" + Slug(Heading(member)))}";
            }
        }

        _documentation = new Documentation(assemblies, _links.GetValueOrDefault);

        // the XML file of a package may document internal types too
        HashSet<string> names = [.. Types.Select(t => t.FullName!)];
        string[] lost = [.. _documentation.Ids.Except(_links.Keys).Where(id => names.Contains(TypeOf(id)))];

        if (lost.Length > 0)
        {
            throw new InvalidOperationException($"These members are documented, but no page has them: {string.Join(", ", lost)}");
        }
    }

    internal Type[] Types { get; }

    internal static string FileOf(Type type) => Slug(Title(type)) + ".md";

    internal static string Title(Type type) => Signature.Name(type);

    internal string Page(Type type, string? page)
    {
        var text = new StringBuilder($"# {Title(type)}: API\n");
        Append(text, type);
        text.Append(CultureInfo.InvariantCulture, $"\nPackage {type.Assembly.GetName().Name}, namespace {type.Namespace}.");
        text.Append(page is null ? "\n" : $" Read more in [the reference](../{page}).\n");

        if (type.IsEnum)
        {
            text.Append("\n| value | | |\n|---|---|---|\n");
            Members(type).Cast<FieldInfo>().ToList().ForEach(f =>
                text.Append(CultureInfo.InvariantCulture, $"| `{f.Name}` | `{Value(f)}` | {_documentation.Summary(DocumentationId.Of(f))} |\n"));
            return text.ToString();
        }

        foreach (IGrouping<string, MemberInfo> overloads in Members(type).GroupBy(Heading))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {overloads.Key}\n");

            foreach (MemberInfo member in overloads)
            {
                Append(text, member);
            }
        }

        return text.ToString();
    }

    internal string Index() => "# API\n\nThe public types with the declaration and the XML documentation of every member, as the packages ship it. "
        + "[The reference](../index.md) explains them topic by topic.\n\n| | |\n|---|---|\n"
        + string.Concat(Types.Select(t => $"| [`{Title(t)}`]({FileOf(t)}) | {_documentation.Summary(DocumentationId.Of(t))} |\n"));

    /// <summary>The anchor that GitHub makes for a heading.</summary>
    internal static string Slug(string heading) =>
        string.Concat(heading.Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_').Select(char.ToLowerInvariant)).Replace(' ', '-');

    private void Append(StringBuilder text, MemberInfo member)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n```csharp\n{Signature.Of(member)}\n```\n\n{_documentation.Full(member)}");

        if (!IsInNetStandard(member))
        {
            text.Append("\n*Not in the build for netstandard2.0.*\n");
        }
    }

    /// <summary>Whether the netstandard2.0 build has a member. Only the package Mood.Event has such a build.</summary>
    private bool IsInNetStandard(MemberInfo member)
    {
        string id = DocumentationId.Of(member);
        return (member as Type ?? member.DeclaringType!).Assembly != typeof(Loop).Assembly || _netStandard.Contains(id) || !_documentation.Has(id);
    }

    private static string TypeOf(string id)
    {
        string name = id[2..].Split('(')[0];
        return id[0] == 'T' ? name : name[..name.LastIndexOf('.')];
    }

    private static string Heading(MemberInfo member) => member switch
    {
        ConstructorInfo => $"new {Signature.Simple(member.DeclaringType!)}",
        { Name: "op_Equality" } => "Equality operator",
        { Name: "op_Inequality" } => "Inequality operator",
        _ => member.Name,
    };

    private static string Value(FieldInfo field) => field.DeclaringType!.IsDefined(typeof(FlagsAttribute))
        ? $"0x{Convert.ToInt64(field.GetRawConstantValue(), null):X}".Replace("0xFFFFFFFF", "0x", StringComparison.Ordinal)
        : $"{field.GetRawConstantValue()}";

    /// <summary>
    /// The members in the order of the page: constructors come first, then the others by name. The values of an enum are ordered
    /// by value.
    /// </summary>
    private static IEnumerable<MemberInfo> Members(Type type) => type.GetMembers(Declared).Where(m => !m.IsDefined(typeof(CompilerGeneratedAttribute)) && m switch
    {
        FieldInfo f => (f.IsPublic || f.IsFamily) && !f.IsSpecialName,
        MethodInfo x => Signature.IsVisible(x) && (!x.IsSpecialName || x.Name.StartsWith("op_", StringComparison.Ordinal)),
        ConstructorInfo c => Signature.IsVisible(c),
        PropertyInfo p => p.GetAccessors(true).Any(Signature.IsVisible),
        EventInfo e => Signature.IsVisible(e.AddMethod!),
        _ => false,
    }).OrderBy(m => m is not ConstructorInfo).ThenBy(m => type.IsEnum ? Convert.ToInt64(((FieldInfo)m).GetRawConstantValue(), null) : 0)
        .ThenBy(m => m.Name, StringComparer.Ordinal);
}
