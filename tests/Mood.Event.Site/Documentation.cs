using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mood.Event.Tests;

namespace Mood.Event.Site;

/// <summary>The XML documentation of the assemblies, as Markdown.</summary>
internal sealed partial class Documentation
{
    private readonly Dictionary<string, XElement> _members = [];

    /// <summary>Returns the page and the anchor for a documentation id, or null for an id of another library.</summary>
    private readonly Func<string, string?> _linkOf;

    internal Documentation(IEnumerable<Assembly> assemblies, Func<string, string?> linkOf)
    {
        _linkOf = linkOf;

        foreach (XElement member in assemblies.SelectMany(a => Members(Path.ChangeExtension(a.Location, ".xml"))))
        {
            _members[member.Attribute("name")!.Value] = member;
        }
    }

    internal static IEnumerable<XElement> Members(string file) => XDocument.Load(file).Descendants("member");

    internal bool Has(string id) => _members.ContainsKey(id);

    internal IEnumerable<string> Ids => _members.Keys;

    /// <summary>The summary of a member on one line.</summary>
    internal string Summary(string id) => OneLine(Find(id)?.Element("summary"));

    /// <summary>The whole documentation of a member.</summary>
    internal string Full(MemberInfo member)
    {
        string id = DocumentationId.Of(member);

        if (!_members.TryGetValue(id, out XElement? own))
        {
            return ""; // the compiler has made this constructor
        }

        if (Find(id) is not XElement element)
        {
            // The member overrides or implements a member that .NET documents.
            return $"Overrides or implements the member of {(own.Element("inheritdoc")?.Attribute("cref")?.Value is string cref ? Reference(cref) : $"`{Base(member)}`")}.\n";
        }

        string[] names = member is MethodBase method ? [.. method.GetParameters().Select(p => p.Name!)] : [];
        IEnumerable<XElement> parameters = Both("param", "name").Where(e => names.Contains(Key(e, "name"))).OrderBy(e => Array.IndexOf(names, Key(e, "name")));
        string[] parts =
        [
            Blocks(element.Element("summary")),
            Table("parameter", Both("typeparam", "name").Concat(parameters), e => $"`{Key(e, "name")}`"),
            One("returns") is XElement returns ? $"**Returns** {OneLine(returns)}" : "",
            One("value") is XElement value ? $"**Value** {OneLine(value)}" : "",
            Table("exception", Both("exception", "cref"), e => Reference(Key(e, "cref"))),
            Blocks(One("remarks")),
            Blocks(One("example")),
        ];
        return string.Join("\n\n", parts.Where(p => p.Length > 0)) + "\n";

        // An element of the member itself is used before the inherited one.
        XElement? One(string name) => own.Element(name) ?? element.Element(name);
        IEnumerable<XElement> Both(string name, string key) => own.Elements(name)
            .Concat(element.Elements(name).Where(e => own.Elements(name).All(o => Key(o, key) != Key(e, key))));
    }

    private static string Key(XElement element, string attribute) => element.Attribute(attribute)!.Value;

    private static string Base(MemberInfo member)
    {
        MethodInfo? method = member as MethodInfo ?? (member as PropertyInfo)?.GetMethod;
        Type type = member.DeclaringType!;
        Type? declaring = method?.GetBaseDefinition().DeclaringType;
        return Signature.Name(declaring != type && declaring is not null ? declaring
            : type.GetInterfaces().FirstOrDefault(i => i.GetMembers().Any(m => m.Name == member.Name)) ?? type.BaseType!);
    }

    /// <summary>The element that documents a member: the member's own, or the inherited one.</summary>
    private XElement? Find(string id)
    {
        XElement? element = _members.GetValueOrDefault(id);

        while (element?.Element("inheritdoc") is XElement inherit && element.Element("summary") is null)
        {
            element = inherit.Attribute("cref") is XAttribute cref ? _members.GetValueOrDefault(cref.Value) : null;
        }

        return element;
    }

    private string Table(string title, IEnumerable<XElement> elements, Func<XElement, string> name)
    {
        string[] rows = [.. elements.Select(e => $"| {name(e)} | {OneLine(e)} |")];
        return rows.Length == 0 ? "" : $"| {title} | |\n|---|---|\n{string.Join('\n', rows)}";
    }

    private string OneLine(XElement? element) => element is null ? "" : Space().Replace(Inline(element), " ").Trim().Replace("|", "\\|", StringComparison.Ordinal);

    /// <summary>The paragraphs, lists and code of an element.</summary>
    private string Blocks(XElement? element)
    {
        if (element is null)
        {
            return "";
        }

        var blocks = new List<string> { "" };

        foreach (XNode node in element.Nodes())
        {
            if (node is XElement { Name.LocalName: "para" } paragraph)
            {
                blocks.AddRange([Blocks(paragraph), ""]);
            }
            else if (node is XElement { Name.LocalName: "code" } code)
            {
                blocks.AddRange([$"```csharp\n{Unindent(code.Value)}\n```", ""]);
            }
            else if (node is XElement { Name.LocalName: "list" } list)
            {
                blocks.AddRange([string.Join('\n', list.Elements("item").Select(i => "- " + OneLine(i))), ""]);
            }
            else
            {
                blocks[^1] += Inline(node);
            }
        }

        return string.Join("\n\n", blocks.Select(b => b.Contains("```", StringComparison.Ordinal) || b.StartsWith("- ", StringComparison.Ordinal)
            ? b : Space().Replace(b, " ").Trim()).Where(b => b.Length > 0));
    }

    private string Inline(XNode node) => node switch
    {
        XText text => Special().Replace(text.Value, @"\$0"),
        XElement element => element.Name.LocalName switch
        {
            "see" or "seealso" => See(element),
            "paramref" or "typeparamref" => $"`{element.Attribute("name")!.Value}`",
            "c" => $"`{element.Value}`",
            _ => string.Concat(element.Nodes().Select(Inline)) + (element.Name.LocalName == "term" ? ": " : ""),
        },
        _ => "",
    };

    private string See(XElement element) =>
        element.Attribute("langword") is XAttribute word ? $"`{word.Value}`"
        : element.Attribute("href") is XAttribute href ? $"[{(element.Value.Length > 0 ? element.Value : href.Value)}]({href.Value})"
        : Reference(element.Attribute("cref")!.Value, element.Value);

    private string Reference(string id, string text = "")
    {
        string name = text.Length > 0 ? text : NameOf(id);
        return _linkOf(id) is string link ? $"[`{name}`]({link})" : $"`{name}`";
    }

    /// <summary>
    /// The name in a documentation id: "Timer" for T:Mood.Event.Timer, "Timer.Reset" for M:Mood.Event.Timer.Reset.
    /// </summary>
    private static string NameOf(string id)
    {
        string[] names = Arguments().Replace(id[2..], "").Replace("#ctor", "new", StringComparison.Ordinal).Split('.');
        string name = string.Join('.', names[^(id[0] == 'T' ? 1 : Math.Min(2, names.Length))..]);
        return name.EndsWith(".new", StringComparison.Ordinal) ? "new " + name[..^4] : name;
    }

    private static string Unindent(string code)
    {
        string[] lines = code.Trim('\r', '\n').TrimEnd().Split('\n');
        int indent = lines.Where(l => l.Trim().Length > 0).Select(l => l.Length - l.TrimStart().Length).DefaultIfEmpty().Min();
        return string.Join('\n', lines.Select(l => l.Length > indent ? l[indent..].TrimEnd() : ""));
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex(@"[\\*_\[\]<>`]")]
    private static partial Regex Special();

    [GeneratedRegex(@"\(.*|`+\d+|\{.*?\}")]
    private static partial Regex Arguments();
}
