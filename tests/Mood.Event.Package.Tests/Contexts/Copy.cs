using System;
using System.Reflection;
using System.Runtime.Loader;

/// <summary>A load context with a program and its own copy of Mood.Event. It finds files with the program's deps.json.</summary>
internal sealed class Copy : AssemblyLoadContext
{
    private readonly AssemblyDependencyResolver _files;
    private readonly bool _own;
    private readonly string _program;

    /// <param name="program">The program's assembly.</param>
    /// <param name="own">Whether this context itself searches for native libraries.</param>
    /// <param name="isCollectible">Whether it can be unloaded.</param>
    public Copy(string program, bool own = true, bool isCollectible = false)
        : base(program, isCollectible)
    {
        _files = new AssemblyDependencyResolver(program);
        _own = own;
        _program = program;
    }

    // The type is not stored, because a context that refers to its own contents is never unloaded.
    private Type Guest => LoadFromAssemblyPath(_program).GetType("Guest", throwOnError: true)!;

    public string Version => (string)Guest.GetProperty("Version")!.GetValue(null)!;

    public void Run(string topic) => Call("Run", topic);

    public IDisposable TakeDefault() => (IDisposable)Call("TakeDefault")!;

    public IDisposable Watch(int signum, Action seen) => (IDisposable)Call("Watch", signum, seen)!;

    protected override Assembly? Load(AssemblyName assemblyName) =>
        _files.ResolveAssemblyToPath(assemblyName) is string path ? LoadFromAssemblyPath(path) : null;

    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _own && _files.ResolveUnmanagedDllToPath(unmanagedDllName) is string path ? LoadUnmanagedDllFromPath(path) : 0;

    private object? Call(string method, params object[] arguments) =>
        Guest.GetMethod(method)!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null);

    private object? Native(string function, params object[] arguments) =>
        LoadFromAssemblyName(new AssemblyName("Mood.Event")).GetType("Mood.Event.Native", throwOnError: true)!
            .GetMethod(function, BindingFlags.NonPublic | BindingFlags.Static)!.Invoke(null, arguments);
}
