using System;
using System.Linq;
using System.Reflection;

namespace Mood.Event.Tests;

/// <summary>Makes the identifiers of types and members that the compiler writes into the documentation file.</summary>
internal static class DocumentationId
{
    internal static string Of(MemberInfo member)
    {
        string? type = member.DeclaringType?.FullName;
        return member switch
        {
            Type t => "T:" + t.FullName,
            FieldInfo => $"F:{type}.{member.Name}",
            PropertyInfo => $"P:{type}.{member.Name}",
            EventInfo => $"E:{type}.{member.Name}",
            ConstructorInfo c => $"M:{type}.#ctor{Parameters(c)}",
            MethodInfo m => $"M:{type}.{m.Name}{(m.IsGenericMethod ? "``" + m.GetGenericArguments().Length : "")}{Parameters(m)}",
            _ => throw new ArgumentOutOfRangeException(nameof(member)),
        };
    }

    private static string Parameters(MethodBase method) => method.GetParameters() is { Length: > 0 } parameters
        ? $"({string.Join(',', parameters.Select(p => TypeId(p.ParameterType)))})" : "";

    private static string TypeId(Type type) =>
        type.IsByRef ? TypeId(type.GetElementType()!) + "@"
        : type.IsArray ? TypeId(type.GetElementType()!) + "[]"
        : type.IsGenericMethodParameter ? "``" + type.GenericParameterPosition
        : type.IsGenericParameter ? "`" + type.GenericParameterPosition
        : type.IsGenericType ? $"{type.GetGenericTypeDefinition().FullName!.Split('`')[0]}{{{string.Join(',', type.GetGenericArguments().Select(TypeId))}}}"
        : type.FullName!;
}
