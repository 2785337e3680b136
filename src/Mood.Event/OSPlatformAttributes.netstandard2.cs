namespace System.Runtime.Versioning;

/// <summary>Tells the platform analyzer that a member does not work on a platform. netstandard2.0 does not have this attribute.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Constructor | AttributeTargets.Method | AttributeTargets.Property)]
internal sealed class UnsupportedOSPlatformAttribute(string platformName) : Attribute
{
    public string PlatformName { get; } = platformName;
}

/// <summary>Tells the platform analyzer that a property is true on one platform only. netstandard2.0 does not have this attribute.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SupportedOSPlatformGuardAttribute(string platformName) : Attribute
{
    public string PlatformName { get; } = platformName;
}
