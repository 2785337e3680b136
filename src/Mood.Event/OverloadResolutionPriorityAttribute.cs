namespace System.Runtime.CompilerServices;

/// <summary>Tells compilers which of two equally good overloads to take. Compilers from C# 13 on know the attribute by its name.
/// The target frameworks do not have it.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Constructor | AttributeTargets.Property)]
internal sealed class OverloadResolutionPriorityAttribute(int priority) : Attribute
{
    public int Priority { get; } = priority;
}
