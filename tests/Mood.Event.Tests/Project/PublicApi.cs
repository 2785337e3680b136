using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// The public API as PublicApi.txt has it, one line per member. To accept a change: run this test with
/// MOOD_EVENT_ACCEPT_API=1 in the environment, which writes the file anew, and commit it with the change.
/// </summary>
public sealed class PublicApiTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext s_nullability = new();

    [Fact]
    public void The_public_api_is_the_one_in_PublicApi_txt()
    {
        string path = Path.Combine(Repository.Root, "tests", "Mood.Event.Tests", "PublicApi.txt");
        string[] actual = [.. typeof(Loop).Assembly.GetExportedTypes().SelectMany(Describe).Order(StringComparer.Ordinal)];

        if (Environment.GetEnvironmentVariable("MOOD_EVENT_ACCEPT_API") == "1")
        {
            File.WriteAllLines(path, actual);
        }

        string[] expected = File.ReadAllLines(path);
        string[] difference =
        [
            .. expected.Except(actual).Select(line => "- " + line), .. actual.Except(expected).Select(line => "+ " + line),
        ];
        Assert.True(
            difference.Length == 0,
            $"The public API has changed; if on purpose, accept it (see {nameof(PublicApiTests)}):\n{string.Join('\n', difference)}");
        Assert.Equal(expected, actual);
    }

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
