using System;
using System.Collections.Generic;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The queue of pending events, which native code fills and managed code walks: its size and its order.</summary>
public sealed class PendingQueueTests : LoopTestBase
{
    [Theory]
    [InlineData("clear")]
    [InlineData("stop")]
    [InlineData("start, stop")]
    [InlineData("in turn")]
    [InlineData("reset")] // of an active timer
    [InlineData("stop, reset")]
    public unsafe void Events_that_are_fed_and_taken_back_outside_start_leave_nothing_in_the_queue(string how)
    {
        Loop loop = NewLoop();
        Timer first = loop.Timer(1000, 1000, (_, _) => { }), second = loop.Timer(1000, 0, (_, _) => { });
        int* counts = Native.mood_loop_queue(loop.Handle.Pointer)->Counts;
        int most = 0;

        for (int i = 0; i < 100_000; i++)
        {
            if (how == "start, stop")
            {
                first.Start();
            }

            if (how == "stop, reset")
            {
                first.Stop();
            }

            first.Feed(Events.Custom);

            if (how.EndsWith("reset", StringComparison.Ordinal))
            {
                first.Reset();
            }
            else if (how == "in turn")
            {
                second.Clear(); // the first watcher stays pending
                (first, second) = (second, first);
            }
            else if (how == "clear")
            {
                Assert.Equal(Events.Custom, first.Clear());
            }
            else
            {
                first.Stop();
            }

            most = Math.Max(most, counts[PendingQueue.Priorities / 2]);
        }

        Assert.InRange(most, 1, 100);
    }

    [Fact]
    public void Cleared_events_do_not_change_the_order_of_the_others()
    {
        const int Count = 500;
        Loop loop = NewLoop();
        List<int> Run(bool crowded)
        {
            var order = new List<int>();
            var timers = new List<Timer>();
            Timer extra = loop.Timer(1000, 0, (_, _) => { });

            for (int i = 0; i < Count; i++)
            {
                int number = i;
                timers.Add(loop.Timer(1000, 0, (_, _) =>
                {
                    order.Add(number);

                    if (crowded && number % 7 == 0)
                    {
                        // Some pending events are cleared in the middle of the walk.
                        for (int j = 0; j < 100; j++)
                        {
                            extra.Feed(Events.Custom);
                            extra.Clear();
                        }
                    }
                }, priority: i % 3 - 1));
                timers[i].Feed(Events.Custom);
            }

            for (int i = 0; i < Count; i += 3)
            {
                timers[i].Clear();
            }

            for (int i = 0; crowded && i < 1000; i++)
            {
                extra.Feed(Events.Custom);
                extra.Clear();
            }

            for (int i = 1; i < Count; i += 3)
            {
                Assert.True(timers[i].IsPending);
            }

            loop.Invoke();
            timers.ForEach(t => t.Dispose());
            return order;
        }

        List<int> plain = Run(crowded: false);
        Assert.Equal(plain, Run(crowded: true));
        Assert.Equal(Count - (Count + 2) / 3, plain.Count);
    }
}
