using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// The ExecutionContext of callbacks: every callback and posted action starts with the AsyncLocal values that Start had.
/// </summary>
public sealed class CallbackContextTests : AnyWatcherTestBase
{
    private readonly AsyncLocal<string?> _local = new();

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_value_that_a_callback_sets_is_gone_in_the_next_callback_and_after_Start(string kind)
    {
        Loop loop = LoopFor(kind);
        _local.Value = "start";
        var seen = new List<string?>();
        using var any = new AnyWatcher(loop, kind, (w, _) =>
        {
            seen.Add(_local.Value);
            _local.Value = kind;
            w.Stop();
            w.Feed(Events.Custom); // causes a second call in the same iteration
            loop.Post(() => seen.Add(_local.Value));

            if (seen.Count > 1)
            {
                w.Clear();
            }
        });
        StartAndTrigger(any);

        while (seen.Count < 4)
        {
            loop.Start(RunFlags.Once);
        }

        Assert.Equal("start", _local.Value);
        Assert.All(seen, value => Assert.Equal("start", value));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_value_is_gone_after_a_callback_that_throws(Backends backend)
    {
        Loop loop = NewLoop(backend);
        loop.CallbackException += (_, _) => Assert.NotNull(_local.Value);
        var seen = new List<string?>();
        Action<Idle, Events> callback = (_, _) =>
        {
            seen.Add(_local.Value);
            _local.Value = "idle";
            throw new InvalidTimeZoneException();
        };
        loop.Idle(callback).Feed(Events.Custom);
        loop.Idle(callback).Feed(Events.Custom);
        loop.Post(() =>
        {
            seen.Add(_local.Value);
            _local.Value = "posted";
            throw new InvalidTimeZoneException();
        });
        loop.Post(_ => seen.Add(_local.Value), 1);
        loop.Start();
        Assert.Null(_local.Value);
        Assert.Equal([null, null, null, null], seen);
    }

    /// <summary>
    /// Without this field, each event would cost an additional call of ExecutionContext.Capture: see StartContext.net8.cs.
    /// </summary>
    [Fact]
    public void This_runtime_has_the_field_that_StartContext_reads() => Assert.Equal(
        typeof(ExecutionContext),
        typeof(Thread).GetField("_executionContext", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)?.FieldType);

    [Fact]
    public void A_value_that_a_posted_action_sets_is_gone_in_the_next_action_in_Start_and_in_Dispose()
    {
        var loop = new Loop(LoopFlags.NoEnv);
        var seen = new List<string?>();

        void Set()
        {
            seen.Add(_local.Value);
            _local.Value = "posted";
        }

        loop.Post(Set);
        loop.Post(_ => Set(), 1);
        loop.Start();
        Assert.Null(_local.Value);
        loop.Post(Set);
        loop.Post(Set);
        loop.Dispose();
        Assert.Null(_local.Value);
        Assert.Equal([null, null, null, null], seen);
    }

    [Fact]
    public void A_value_that_a_reschedule_function_sets_is_gone_in_the_callback_and_after_Start()
    {
        Loop loop = NewLoop();
        var seen = new List<string?>();
        loop.Scheduler(
            (_, now) =>
            {
                seen.Add(_local.Value);
                _local.Value = "reschedule";
                return now;
            },
            (w, _) =>
            {
                seen.Add(_local.Value);
                w.Stop();
            }).Start();
        Assert.Null(_local.Value);
        loop.Start();
        Assert.Null(_local.Value);
        Assert.All(seen, Assert.Null);
    }

    [Fact]
    public void A_value_that_Loop_Callback_sets_is_gone_after_Start()
    {
        Loop loop = NewLoop();
        loop.Callback = l =>
        {
            l.Invoke();
            _local.Value = "Loop.Callback";
        };
        loop.Timer(0, 0, (_, _) => { }).Start();
        loop.Start();
        Assert.Null(_local.Value);
    }

    [Fact]
    public void A_nested_Start_begins_with_the_values_of_the_callback_around_it()
    {
        Loop loop = NewLoop();
        var seen = new List<string?>();
        loop.Timer(0, 0, (_, _) =>
        {
            _local.Value = "outer";
            loop.Timer(0, 0, (_, _) =>
            {
                seen.Add(_local.Value);
                _local.Value = "inner";
            }).Start();
            loop.Start(RunFlags.Once);
            seen.Add(_local.Value);
        }).Start();
        loop.Start();
        Assert.Equal(["outer", "outer"], seen);
        Assert.Null(_local.Value);
    }

    [Fact]
    public void An_async_method_keeps_its_values_after_its_awaits_and_other_callbacks_do_not_see_them()
    {
        Loop loop = NewLoop();
        var seen = new List<string?>();
        loop.Timer(0, 0.001, (w, _) =>
        {
            seen.Add(_local.Value);

            if (seen.Count == 10)
            {
                w.Stop();
            }
        }).Start();
        loop.Run(async () =>
        {
            _local.Value = "main";

            while (seen.Count < 10)
            {
                await loop.Delay(0.0005);
                Assert.Equal("main", _local.Value);
            }
        });
        Assert.All(seen, Assert.Null);
        Assert.Null(_local.Value);
    }

    [Fact]
    public void A_value_that_main_sets_before_it_returns_its_task_is_not_seen_by_callbacks()
    {
        Loop loop = NewLoop();
        var seen = new List<string?>();
        loop.Run(() =>
        {
            _local.Value = "main"; // this function is not async, because an async method would restore the context itself
            var ended = new TaskCompletionSource();
            loop.Timer(0, 0, (_, _) =>
            {
                seen.Add(_local.Value);
                ended.SetResult();
            }).Start();
            return ended.Task;
        });
        Assert.Equal([null], seen);
        Assert.Null(_local.Value);
    }

    [Fact]
    public void A_callback_that_suppresses_the_flow_of_contexts_suppresses_it_for_itself_alone()
    {
        Loop loop = NewLoop();
        var seen = new List<bool>();
        Action<Timer, Events> callback = (_, _) =>
        {
            seen.Add(ExecutionContext.IsFlowSuppressed());
            ExecutionContext.SuppressFlow();
        };
        loop.Timer(0, 0, callback).Start();
        loop.Timer(0, 0, callback).Start();
        loop.Start();
        Assert.Equal([false, false], seen);
        Assert.False(ExecutionContext.IsFlowSuppressed());
    }
}
