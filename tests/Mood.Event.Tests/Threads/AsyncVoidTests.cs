using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Reflection.Emit;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The exceptions of async void callbacks, for which the loop's SynchronizationContext is set.</summary>
public sealed class AsyncVoidTests : LoopTestBase
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task On_a_LoopThread_the_exception_raises_CallbackException_on_the_loop_s_thread(bool afterAwait)
    {
        await using var thread = new LoopThread("async void", LoopFlags.NoEnv);
        Loop loop = thread.Loop;
        var told = new TaskCompletionSource<(string Message, bool IsPosted, int Thread)>(TaskCreationOptions.RunContinuationsAsynchronously);
        int loopThread = await loop.InvokeAsync(() =>
        {
            loop.CallbackException += (_, e) =>
                told.SetResult((e.Exception.Message, e.Watcher is null, Environment.CurrentManagedThreadId));
            loop.Timer(0, 0, async (_, _) =>
            {
                if (afterAwait)
                {
                    await Task.Delay(1);
                }

                throw new InvalidTimeZoneException("thrown");
            }).Start();
            return Environment.CurrentManagedThreadId;
        });
        Assert.Equal(("thrown", false, loopThread), await told.Task.WaitAsync(TimeSpan.FromSeconds(Patience)));
    }

    [Fact]
    public void In_a_Run_the_exception_raises_CallbackException()
    {
        Loop loop = NewLoop();
        var told = new List<string>();
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        loop.Run(async () =>
        {
            loop.Timer(0, 0, async (_, _) =>
            {
                await loop.Delay(0.001);
                throw new InvalidTimeZoneException("thrown");
            }).Start();

            while (told.Count == 0)
            {
                await loop.Delay(0.001);
            }
        });
        Assert.Equal(["thrown"], told);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void In_a_Start_the_exception_raises_CallbackException_with_the_watcher(bool afterAwait)
    {
        System.Threading.SynchronizationContext.SetSynchronizationContext(null); // xunit has set a context
        Loop loop = NewLoop();
        var told = new List<(Watcher?, string)>();
        loop.CallbackException += (_, e) => told.Add((e.Watcher, e.Exception.Message));
        Timer timer = loop.Timer(0, 0, async (_, _) =>
        {
            Assert.Null(System.Threading.SynchronizationContext.Current);

            if (afterAwait)
            {
                await loop.Delay(0.001);
            }

            throw new InvalidTimeZoneException("thrown");
        });
        timer.Start();
        loop.Start();
        Assert.Equal([(timer, "thrown")], told);
        Assert.Null(System.Threading.SynchronizationContext.Current);
    }

    [Fact]
    public void Each_of_several_callbacks_in_one_delegate_is_handled()
    {
        System.Threading.SynchronizationContext.SetSynchronizationContext(null); // xunit has set a context
        Loop loop = NewLoop();
        var told = new List<string>();
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        Action<Timer, Events> callback = (_, _) => told.Add("first");
        callback += async (_, _) =>
        {
            await loop.Delay(0.001);
            throw new InvalidTimeZoneException("second");
        };
        callback += (_, _) => told.Add("third");
        Timer timer = loop.Timer(0, 0, callback);
        Assert.Same(callback, timer.Callback);
        timer.Callback = callback;
        Assert.Same(callback, timer.Callback);
        timer.Start();
        loop.Start();
        Assert.Equal(["first", "third", "second"], told);
    }

    [Fact]
    public void A_fatal_exception_of_an_async_void_callback_leaves_Start()
    {
        System.Threading.SynchronizationContext.SetSynchronizationContext(null); // xunit has set a context
        Loop loop = NewLoop();
        loop.Timer(0, 0, [Fatal] async (_, _) =>
        {
            await loop.Delay(0.001);
            throw new InvalidTimeZoneException();
        }).Start();
        loop.Timer(60, 0, (_, _) => { }).Start();
        Assert.Throws<InvalidTimeZoneException>(() => loop.Start());
    }

    [Fact]
    public void After_the_end_of_Start_the_exception_is_reported_at_once()
    {
        System.Threading.SynchronizationContext.SetSynchronizationContext(null); // xunit has set a context
        Loop loop = NewLoop();
        using var told = new System.Threading.ManualResetEventSlim();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.CallbackException += (_, _) => told.Set();
        loop.Timer(0, 0, async (_, _) =>
        {
            await gate.Task;
            throw new InvalidTimeZoneException();
        }).Start();
        loop.Start();
        gate.SetResult();
        Assert.True(told.Wait(TimeSpan.FromSeconds(Patience)));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Outside_Start_a_fatal_exception_of_an_async_void_callback_leaves_Invoke(bool byAttribute)
    {
        System.Threading.SynchronizationContext.SetSynchronizationContext(null); // xunit has set a context
        Loop loop = NewLoop();
        var told = new List<string>();
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        Timer timer = byAttribute
            ? loop.Timer(0, 0, [Fatal] async (_, _) => await Fail("fatal"))
            : loop.Timer(0, 0, async (_, _) => await Fail("fatal"));
        timer.Fatal = !byAttribute;
        Assert.Equal("fatal", Assert.Throws<InvalidTimeZoneException>(() => timer.Invoke(Events.Timer)).Message);
        Assert.Empty(told);

        timer.Callback = async (_, _) => await Fail("not fatal");
        timer.Fatal = false;
        timer.Invoke(Events.Timer);
        Assert.Equal(["not fatal"], told);

        timer.Start();
        loop.Start(); // the loop still works
        Assert.Equal(["not fatal", "not fatal"], told);

        static Task Fail(string message) => Task.FromException(new InvalidTimeZoneException(message));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void An_exception_while_Start_ends_does_not_wait_for_the_next_Start(bool fatal)
    {
        System.Threading.SynchronizationContext.SetSynchronizationContext(null); // xunit has set a context
        Loop loop = NewLoop();
        using var told = new System.Threading.ManualResetEventSlim();
        loop.CallbackException += (_, _) => told.Set();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Timer first = loop.Timer(0, 0, async (_, _) =>
        {
            await gate.Task;
            throw new InvalidTimeZoneException();
        });
        first.Fatal = fatal;
        first.Start();
        Timer last = loop.Timer(
            0,
            0,
            (_, _) =>
            {
                gate.SetResult();
                System.Threading.Thread.Sleep(200); // meanwhile the exception is thrown on another thread, and this Start handles no more events
            },
            priority: Ev.MinPriority);
        last.Start();

        if (fatal)
        {
            Assert.Throws<InvalidTimeZoneException>(() => loop.Start(RunFlags.NoWait));
        }
        else
        {
            loop.Start(RunFlags.NoWait);
        }

        Assert.Equal(!fatal, told.Wait(TimeSpan.FromSeconds(fatal ? 0 : Patience)));
        Assert.False(loop.Start()); // the loop still works
    }

    [Fact]
    public void No_exception_is_lost_when_it_races_with_the_end_of_Start()
    {
        System.Threading.SynchronizationContext.SetSynchronizationContext(null); // xunit has set a context
        const int Rounds = 300;
        Loop loop = NewLoop();
        using var told = new System.Threading.CountdownEvent(Rounds);
        loop.CallbackException += (_, _) => told.Signal();

        for (int i = 0; i < Rounds; i++)
        {
            int spins = i * 20;
            var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Timer(0, 0, async (_, _) =>
            {
                await gate.Task;
                throw new InvalidTimeZoneException();
            }).Start();
            loop.Timer(0, 0, (_, _) =>
            {
                gate.SetResult();
                System.Threading.Thread.SpinWait(spins);
            }).Start();
            loop.Start();
        }

        Assert.True(told.Wait(TimeSpan.FromSeconds(Patience)));
    }

    [Fact]
    public void Every_form_of_callback_is_recognized()
    {
        int value = 0;
        Action<Timer, Events> ordinary = (_, _) => value++, asynchronous = async (_, _) => await Task.Delay(value);
        Assert.False(AsyncVoidMethod.IsIn(ordinary)); // the closure has asynchronous lambdas too
        Assert.True(AsyncVoidMethod.IsIn(asynchronous));
        Assert.True(AsyncVoidMethod.IsIn(ordinary + asynchronous));
        Assert.True(AsyncVoidMethod.IsIn(asynchronous + ordinary));
        Assert.False(AsyncVoidMethod.IsIn(ordinary + ordinary));
        Assert.True(AsyncVoidMethod.IsIn((Action)AsyncStatic));
        Assert.True(AsyncVoidMethod.IsIn((Action)new AsyncVoidTests().AsyncInstance));
        Assert.True(AsyncVoidMethod.IsIn((Action)new object().AsyncExtension));
        Assert.True(AsyncVoidMethod.IsIn((Action)Letters().AsyncExtension));
        Assert.False(AsyncVoidMethod.IsIn((Action)new AsyncVoidTests().Every_form_of_callback_is_recognized));
        Assert.True(AsyncVoidMethod.IsIn(Generic(1)));

        static async void AsyncStatic() => await Task.Yield();

        static Action Generic<T>(T value) => async () => await Task.FromResult(value);

        static IEnumerable<char> Letters()
        {
            yield return 'a';
        }
    }

    [Fact]
    public void Recognizing_an_async_void_callback_allocates_nothing()
    {
        if (Environment.Version.Major < 9)
        {
            return; // before .NET 9, Delegate has no HasSingleTarget
        }

        const int Count = 1000;
        long allocated = -1;

        for (int attempt = 0; attempt < 5 && allocated != 0; attempt++)
        {
            var callbacks = new Action[Count];

            for (int i = 0; i < Count; i++)
            {
                int number = i;
                callbacks[i] = () => callbacks[number] = null!;
            }

            long before = GC.GetAllocatedBytesForCurrentThread();

            foreach (Action callback in callbacks)
            {
                AsyncVoidMethod.IsIn(callback);
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_callback_beside_a_lambda_with_a_type_of_a_missing_assembly_is_called()
    {
        var missing = new PersistedAssemblyBuilder(new AssemblyName("missing"), typeof(object).Assembly);
        Type absent = missing.DefineDynamicModule("missing").DefineType("Absent", TypeAttributes.Public).CreateType();
        var assembly = new PersistedAssemblyBuilder(new AssemblyName("lambdas"), typeof(object).Assembly);
        TypeBuilder closure = assembly.DefineDynamicModule("lambdas").DefineType("<>c", TypeAttributes.Public);
        closure.DefineDefaultConstructor(MethodAttributes.Public);
        closure.DefineMethod("Other", MethodAttributes.Public, typeof(void), [absent]).GetILGenerator().Emit(OpCodes.Ret);
        closure.DefineMethod("Call", MethodAttributes.Public, typeof(void), []).GetILGenerator().Emit(OpCodes.Ret);
        closure.CreateType();
        using var file = new MemoryStream();
        assembly.Save(file);
        Type loaded = Assembly.Load(file.ToArray()).GetType("<>c")!;
        Delegate callback = loaded.GetMethod("Call")!.CreateDelegate<Action>(Activator.CreateInstance(loaded));
        Assert.False(AsyncVoidMethod.IsIn(callback));
    }

    private async void AsyncInstance() => await Task.Yield();
}

/// <summary>An extension method as a callback.</summary>
internal static class AsyncVoidExtensions
{
    internal static async void AsyncExtension(this object target)
    {
        await Task.Yield();
        GC.KeepAlive(target);
    }
}
