using System;
using System.IO;
using Mood.Event;
using Tail;

// Writes the last lines of a file and follows it, like `tail -F`: also when it is cut, replaced (log rotation) or does not exist yet.
// After a file was renamed, programs may still write to it. The sample prints these bytes as soon as the path has a file again.
if (args.Length != 1 || args[0].Length == 0 || args[0][0] == '-')
{
    Console.Error.WriteLine("usage: tail FILE   (Ctrl-C ends it)");
    return args is ["-h" or "--help"] ? 0 : 2;
}

try
{
    using var loop = new Loop();
    using Stream output = Console.OpenStandardOutput();
    using var follower = new Follower(loop, args[0], output);

    foreach (int signum in new[] { Signum.SIGINT, Signum.SIGTERM })
    {
        loop.Signal(signum, (signal, _) => signal.Loop.Stop()).Start();
    }

    follower.Start();
    loop.CallbackException += (_, e) => Console.Error.WriteLine($"tail: {e.Exception.Message}");
    loop.Start();
    return 0;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or EventException or PlatformNotSupportedException)
{
    Console.Error.WriteLine($"tail: {e.Message}");
    return 1;
}
