using System;
using System.IO.Pipes;
using Mood.Event;

namespace Tour.Topics;

internal static class Embedding
{
    public static void Run()
    {
        Backends backends = Ev.EmbeddableBackends & Ev.RecommendedBackends;

        if (OperatingSystem.IsWindows() || backends == Backends.Auto)
        {
            Say.That("no backend of this system can be embedded");
            return;
        }

        using var outer = new Loop();
        using var inner = new Loop(backends: backends);
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var writer = new AnonymousPipeClientStream(PipeDirection.Out, pipe.ClientSafePipeHandle);

        using Embed embed = outer.Embed(inner); // without a callback it runs the inner loop itself
        embed.Start();

        using Io io = inner.Io(pipe.SafePipeHandle, Events.Read, (_, _) =>
        {
            Say.That($"the inner loop ({inner.Backend}) says: byte {pipe.ReadByte()} is here");
            embed.Stop();
        });
        io.Start();

        outer.Timer(0.1, 0, (_, _) =>
        {
            Say.That($"the outer loop ({outer.Backend}) writes a byte into a pipe that the inner one watches");
            writer.WriteByte(42);
        }).Start();
        outer.Start();
    }
}
