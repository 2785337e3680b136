using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests.Guide;

/// <summary>The code of docs/guide/threads.md.</summary>
public sealed class ThreadsGuide : LoopTestBase
{
    [Fact]
    public void A_worker_posts_its_results()
    {
        var results = new List<int>();
        using var loop = new Loop(LoopFlags.NoEnv);
        loop.IncRef(); // keeps Start running until the result has come

        var worker = new Thread(() =>
        {
            int sum = 0;

            for (int i = 1; i <= 1000; i++)
            {
                sum += i;
            }

            loop.Post(() =>
            {
                results.Add(sum); // on the loop's thread, so no lock is needed
                loop.DecRef();
            });
        });

        worker.Start();
        loop.Start();
        Assert.Equal([500_500], results);
        worker.Join();
    }

    [Fact]
    public void A_state_instead_of_a_closure()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        var log = new List<string>();
        string name = "disk";
        double usage = 0.5;

        loop.Post(static item => item.log.Add($"{item.name}: {item.usage:P0}"), (log, name, usage));

        loop.Start();
        Assert.StartsWith("disk: 50", Assert.Single(log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_question_and_its_answer()
    {
        await using var thread = new LoopThread("connections");
        Loop loop = thread.Loop;
        var connections = new List<string>(); // only the loop's thread uses it

        await loop.InvokeAsync(() => connections.Add("first"));
        int count = await loop.InvokeAsync(() => connections.Count);

        string answer = await loop.InvokeAsync(async () =>
        {
            await Task.Delay(10);          // the loop continues meanwhile
            connections.Add("second");     // this runs on the loop's thread again
            return string.Join(", ", connections);
        });

        Assert.Equal(1, count);
        Assert.Equal("first, second", answer);
    }

    [Fact]
    public void The_end_of_a_loop()
    {
        var log = new List<string>();
        var loop = new Loop(LoopFlags.NoEnv);

        loop.Post(() => log.Add("accepted, so it runs"));
        loop.Dispose();                                          // runs the action now, if it has not run yet

        bool accepted = loop.TryPost(() => log.Add("too late")); // false
        Task call = loop.InvokeAsync(() => log.Add("too late")); // fails with ObjectDisposedException

        Assert.False(accepted);
        Assert.IsType<ObjectDisposedException>(call.Exception!.InnerException);
        Assert.Equal(["accepted, so it runs"], log);
    }

    [Fact]
    public void An_asynchronous_main_program()
    {
        using var input = new StringReader("one\ntwo\n");
        using var loop = new Loop(LoopFlags.NoEnv);
        int ticks = 0;
        using Timer timer = loop.Timer(0.001, 0.001, (_, _) => ticks++);
        timer.Start();

        int lines = loop.Run(async () =>
        {
            int read = 0;

            while (await input.ReadLineAsync() is not null)
            {
                read++;
                await Task.Delay(20); // the timer ticks meanwhile, on this same thread
            }

            return read;
        });

        Assert.Equal(2, lines);
        Assert.InRange(ticks, 1, 10_000);
    }

    [Fact]
    public async Task A_loop_on_a_thread_of_its_own()
    {
        int ticks = 0;
        var thread = new LoopThread("ticker");
        thread.Failed += (_, e) => Console.Error.WriteLine($"the ticker has ended: {e.Exception.Message}");

        // the loop is running already, so watchers are made on its thread
        thread.Loop.Post(() => thread.Loop.Timer(0.001, 0.001, (_, _) => Interlocked.Increment(ref ticks)).Start());

        while (Volatile.Read(ref ticks) < 3)
        {
            await Task.Delay(1);
        }

        await thread.StopAsync(); // runs the posted actions, disposes the loop, and waits for the end of the thread

        Assert.False(thread.Loop.TryPost(() => { }));
    }

    [Fact]
    public async Task One_loop_per_core()
    {
        int done = 0;
        await using var group = new LoopGroup(Environment.ProcessorCount, "worker");

        for (int i = 0; i < 100; i++)
        {
            group.Next().Post(() => Interlocked.Increment(ref done)); // each call of Next returns the next loop
        }

        await group.StopAsync();

        Assert.Equal(100, done);
    }

    [Fact]
    public void Exceptions_of_what_was_posted()
    {
        var log = new List<string>();
        using var loop = new Loop(LoopFlags.NoEnv);

        loop.CallbackException += (_, e) => log.Add($"{e.Watcher?.GetType().Name ?? "posted"}: {e.Exception.Message}");
        loop.Post(() => throw new InvalidDataException("that line was no good")); // reported, and the loop continues
        loop.Post([Fatal] () => throw new InvalidDataException("that is the end")); // leaves Start

        Exception? thrown = Record.Exception(() => loop.Start());
        Assert.Equal(["posted: that line was no good"], log);
        Assert.Equal("that is the end", thrown!.Message);
    }

    [Fact]
    public void Exceptions_of_spawned_functions()
    {
        var log = new List<string>();
        using var loop = new Loop(LoopFlags.NoEnv);
        loop.CallbackException += (_, e) => log.Add(e.Exception.Message);

        loop.Run(() =>
        {
            _ = loop.Spawn(async () =>
            {
                await loop.Delay(0.001);
                throw new InvalidDataException("that line was no good"); // reported, and the loop continues
            });
            return Task.CompletedTask;
        });

        Assert.Equal(["that line was no good"], log);
    }
}
