using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The public API of an assembly as text.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext s_nullability = new();

    /// <summary>
    /// Fails and shows the difference if the file does not have these lines. With MOOD_EVENT_ACCEPT_API=1, writes them to the
    /// file first.
    /// </summary>
    internal static void AssertIsFile(string path, string[] actual)
    {
        if (Environment.GetEnvironmentVariable("MOOD_EVENT_ACCEPT_API") == "1")
        {
            File.WriteAllLines(path, actual);
        }

        string[] expected = File.ReadAllLines(path);
        string[] difference = Difference(expected, actual);
        Assert.True(
            difference.Length == 0,
            $"The public API is not the one in {Path.GetFileName(path)}. To accept the change, run the test with MOOD_EVENT_ACCEPT_API=1:\n{string.Join('\n', difference)}");
        Assert.Equal(expected, actual);
    }

    /// <summary>The lines that describe the API: one for each public member.</summary>
    internal static string[] Of(Assembly assembly) =>
        [.. assembly.GetExportedTypes().SelectMany(Describe).Order(StringComparer.Ordinal)];

    internal static string[] Difference(string[] from, string[] to) =>
        [.. from.Except(to).Select(line => "- " + line), .. to.Except(from).Select(line => "+ " + line)];

    private static IEnumerable<string> Describe(Type type)
    {
        string kind = type.IsEnum ? $"enum : {Name(Enum.GetUnderlyingType(type))}"
            : type.IsValueType ? "struct"
            : typeof(Delegate).IsAssignableFrom(type) ? "delegate"
            : type.IsInterface ? "interface"
            : type.IsAbstract && type.IsSealed ? "static class"
            : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class" : "class";
        string parents = string.Join(", ", new[] { type.BaseType }.Concat(type.GetInterfaces())
            .Where(t => t is not null && t.IsPublic && t != typeof(object) && !type.IsEnum).Select(t => Name(t!)));
        yield return $"{Name(type)}: {kind}{(parents.Length > 0 ? " : " + parents : "")}";

        foreach (MemberInfo member in type.GetMembers(Declared))
        {
            if (Describe(member) is string line)
            {
                yield return $"{Name(type)}.{line}";
            }
        }
    }

    private static string? Describe(MemberInfo member)
    {
        switch (member)
        {
            case FieldInfo field when field.IsPublic && !field.IsSpecialName:
                return field.IsLiteral
                    ? $"{field.Name} = {Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}"
                    : $"{field.Name}: {Name(field.FieldType)}";
            case ConstructorInfo constructor when IsVisible(constructor):
                return $"new({Parameters(constructor)})";
            case PropertyInfo property when property.GetAccessors(nonPublic: true).Any(IsVisible):
                string accessors = (property.GetMethod is MethodInfo get && IsVisible(get) ? " get;" : "")
                    + (property.SetMethod is MethodInfo set && IsVisible(set) ? " set;" : "");
                return $"{Static(property.GetAccessors(true)[0])}{property.Name}: {Name(property.PropertyType)}{Null(s_nullability.Create(property))} {{{accessors} }}";
            case EventInfo e when IsVisible(e.AddMethod!):
                return $"{Static(e.AddMethod!)}event {e.Name}: {Name(e.EventHandlerType!)}";
            case MethodInfo method when IsVisible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)):
                string generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
                return $"{Static(method)}{method.Name}{generic}({Parameters(method)}): {Name(method.ReturnType)}{Null(s_nullability.Create(method.ReturnParameter))}";
            default:
                return null;
        }
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Static(MethodBase method) => method.IsStatic ? "static " : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p =>
        $"{(p.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "")}{Name(p.ParameterType)}{Null(s_nullability.Create(p))} {p.Name}"
        + (p.HasDefaultValue ? $" = {Convert.ToString(p.RawDefaultValue ?? "null", CultureInfo.InvariantCulture)}" : "")));

    private static string Null(NullabilityInfo info) =>
        !info.Type.IsValueType && info.ReadState == NullabilityState.Nullable ? "?" : "";

    private static string Name(Type type)
    {
        if (type.IsByRef)
        {
            return "ref " + Name(type.GetElementType()!);
        }

        if (type.IsArray)
        {
            return Name(type.GetElementType()!) + "[]";
        }

        if (!type.IsGenericType)
        {
            return type.Name;
        }

        string name = typeof(ITuple).IsAssignableFrom(type) ? "" : type.Name.Split('`')[0];
        return $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
