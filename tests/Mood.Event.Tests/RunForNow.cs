using System;
using System.Threading.Tasks;

namespace Mood.Event.Tests;

internal static class RunForNow
{
    internal static void Run(this Loop loop, Func<Task> main)
    {
        Task task = loop.InvokeAsync(main);
        loop.IncRef();
        while (!task.IsCompleted)
        {
            loop.Start(RunFlags.Once);
        }

        loop.DecRef();
        task.GetAwaiter().GetResult();
    }
}
