using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Mood.Event.Site;

/// <summary>The C# declarations of public types and members.</summary>
internal static class Signature
{
    private static readonly NullabilityInfoContext s_nullability = new();

    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(double)] = "double",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    internal static string Of(MemberInfo member)
    {
        switch (member)
        {
            case Type type:
                return OfType(type);
            case FieldInfo field:
                string value = field.IsLiteral ? " = " + Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture) : "";
                return $"public {(field.IsLiteral ? "const" : "static readonly")} {Name(field.FieldType)} {field.Name}{value};";
            case ConstructorInfo constructor:
                return $"{Access(constructor)} {Simple(constructor.DeclaringType!)}({Parameters(constructor)})";
            case PropertyInfo property:
                MethodInfo[] accessors = [.. property.GetAccessors(nonPublic: true).Where(IsVisible)];
                string body = string.Concat(accessors.Select(a => a == property.GetMethod ? " get;" : IsInit(a) ? " init;" : " set;").Order());
                return $"{Access(accessors[0])}{Modifiers(accessors[0])} {Name(s_nullability.Create(property))} {property.Name} {{{body} }}";
            case EventInfo e:
                return $"{Access(e.AddMethod!)}{Modifiers(e.AddMethod!)} event {Name(s_nullability.Create(e))} {e.Name};";
            case MethodInfo method:
                string name = method.Name switch { "op_Equality" => "operator ==", "op_Inequality" => "operator !=", _ => method.Name };
                string generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
                return $"{Access(method)}{Modifiers(method)} {Name(s_nullability.Create(method.ReturnParameter))} {name}{generic}({Parameters(method)})";
            default:
                throw new ArgumentOutOfRangeException(nameof(member));
        }
    }

    private static string OfType(Type type)
    {
        string kind = type.IsEnum ? "enum"
            : type.IsValueType ? IsReadOnly(type) ? "readonly struct" : "struct"
            : type.IsInterface ? "interface"
            : type.IsAbstract && type.IsSealed ? "static class"
            : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class" : "class";
        Type[] inherited = [.. (type.BaseType?.GetInterfaces() ?? []).Where(i => i.IsPublic)];
        string[] parents = [.. new[] { type.IsEnum ? Enum.GetUnderlyingType(type) : type.IsValueType ? null : type.BaseType }
            .Concat(type.IsEnum ? [] : type.GetInterfaces().Except(inherited))
            .Where(t => t is not null && t.IsPublic && t != typeof(object)).Select(t => Name(t!))];
        string flags = type.IsEnum && type.IsDefined(typeof(FlagsAttribute)) ? "[Flags]\n" : "";
        return $"{flags}public {kind} {Name(type)}{(parents.Length > 0 ? " : " + string.Join(", ", parents) : "")}";
    }

    internal static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    /// <summary>The name of a type without its type arguments.</summary>
    internal static string Simple(Type type) => type.Name.Split('`')[0];

    internal static string Name(Type type) =>
        s_keywords.TryGetValue(type, out string? keyword) ? keyword
        : Nullable.GetUnderlyingType(type) is Type value ? Name(value) + "?"
        : type.IsByRef ? Name(type.GetElementType()!)
        : type.IsArray ? Name(type.GetElementType()!) + "[]"
        : !type.IsGenericType ? type.Name
        : Generic(type, [.. type.GetGenericArguments().Select(Name)]);

    private static string Name(NullabilityInfo info)
    {
        Type type = info.Type.IsByRef ? info.Type.GetElementType()! : info.Type;
        string name = info.GenericTypeArguments.Length > 0 && Nullable.GetUnderlyingType(type) is null
            ? Generic(type, [.. info.GenericTypeArguments.Select(Name)]) : Name(type);
        bool isNull = !type.IsValueType && !type.IsGenericParameter
            && (info.ReadState == NullabilityState.Nullable || info.WriteState == NullabilityState.Nullable);
        return isNull ? name + "?" : name;
    }

    private static string Generic(Type type, string[] arguments) => typeof(ITuple).IsAssignableFrom(type)
        ? $"({string.Join(", ", arguments)})" : $"{Simple(type)}<{string.Join(", ", arguments)}>";

    private static string Parameters(MethodBase method)
    {
        string first = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        string[] parameters = [.. method.GetParameters().Select(p =>
            $"{(p.IsOut ? "out " : p.ParameterType.IsByRef ? "ref " : "")}{Name(s_nullability.Create(p))} {p.Name}{(p.HasDefaultValue ? " = " + Default(p) : "")}")];
        string line = first + string.Join(", ", parameters);

        // A phone shows about 40 characters in a line, and a desktop 70.
        return line.Length <= 40 ? line : $"\n    {first}{string.Join(",\n    ", parameters)}";
    }

    private static string Default(ParameterInfo parameter)
    {
        object? value = parameter.RawDefaultValue;
        Type type = parameter.ParameterType;
        return type.IsEnum ? $"{type.Name}.{Enum.ToObject(type, value!)}"
            : value is null ? type.IsValueType && Nullable.GetUnderlyingType(type) is null ? "default" : "null"
            : value is bool truth ? truth ? "true" : "false"
            : Convert.ToString(value, CultureInfo.InvariantCulture)!;
    }

    private static string Access(MethodBase method) => method.IsPublic ? "public" : "protected";

    private static string Modifiers(MethodInfo method) =>
        method.IsStatic ? " static"
        : method.GetBaseDefinition() != method ? " override"
        : method.IsAbstract ? " abstract"
        : method.IsVirtual && !method.IsFinal ? " virtual" : "";

    private static bool IsInit(MethodInfo setter) =>
        setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static bool IsReadOnly(Type type) => type.IsDefined(typeof(IsReadOnlyAttribute));
}
