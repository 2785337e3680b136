using System;
using System.IO;
using Microsoft.Win32.SafeHandles;
using Mood.Event;
using Prompt;

// A prompt that reminds: timers go off while it waits for input. Ctrl-Z stops it with its timers, Ctrl-D and Ctrl-C end it.
if (args.Length > 0)
{
    Console.Error.WriteLine("usage: prompt   (then type: help)");
    return args is ["-h" or "--help"] ? 0 : 2;
}

try
{
    using var loop = new Loop();
    using Signal stopped = loop.Signal(Signum.SIGTSTP, (_, _) =>
    {
        loop.Suspend(); // the reminders do not count the time in the background
        Terminal.StopProcess();
        loop.Resume();
        Console.Write("> ");
    });
    stopped.KeepAlive = false;
    stopped.Start();

    var commands = new Commands(loop, Console.Out);
    loop.Run(async token =>
    {
        using var reader = new StreamReader(Input(loop));
        Console.Write("> ");

        try
        {
            while (await reader.ReadLineAsync(token) is string line && commands.Execute(line))
            {
                Console.Write("> ");
            }

            Console.WriteLine("bye");
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine(); // Ctrl-C: the shell writes its prompt on a new line
        }
    });
    return 0;
}
catch (Exception e) when (e is EventException or PlatformNotSupportedException)
{
    Console.Error.WriteLine($"prompt: {e.Message}");
    return 1;
}

static Stream Input(Loop loop)
{
    try
    {
        return new LoopStream(loop, new SafeFileHandle(0, ownsHandle: false), FileAccess.Read);
    }
    catch (ArgumentException)
    {
        return Console.OpenStandardInput(); // a regular file: reading does not have to wait
    }
}
