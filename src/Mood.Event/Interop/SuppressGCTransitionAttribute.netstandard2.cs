namespace System.Runtime.InteropServices;

/// <summary>netstandard2.0 lacks this attribute. A runtime that does not know it makes an ordinary transition.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
internal sealed class SuppressGCTransitionAttribute : Attribute;
