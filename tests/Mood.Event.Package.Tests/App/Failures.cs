using System;
using System.Threading;
using Mood.Event;

internal static class Failures
{
    public static void Exceptions()
    {
        using (var loop = new Loop())
        {
            string seen = "";
            int after = 0;
            loop.CallbackException += (_, e) => seen += e.Watcher!.GetType().Name + " " + e.Exception.Message;
            loop.Timer(0, 0, (_, _) => throw new InvalidOperationException("an accident")).Start();
            loop.Timer(0.01, 0, (_, _) => after++).Start();
            Check.Ends(loop);
            Check.That(seen == "Timer an accident", "an exception goes to CallbackException");
            Check.That(after == 1, "the loop continues");
        }
    }

    public static void Fatal()
    {
        using (var loop = new Loop())
        {
            var thrown = new InvalidOperationException("a great one");
            Mood.Event.Timer timer = loop.Timer(0, 0, (_, _) => throw thrown);
            timer.Fatal = true;
            timer.Start();

            try
            {
                Check.Ends(loop);
                Check.That(false, "a fatal exception leaves Start");
            }
            catch (InvalidOperationException e) when (ReferenceEquals(e, thrown))
            {
                Check.That(e.StackTrace!.Contains("Fatal"), "the fatal exception has its stack trace");
            }

            loop.Timer(0, 0, [Fatal] (_, _) => throw thrown).Start();

            try
            {
                Check.Ends(loop);
                Check.That(false, "an exception of a callback with the attribute [Fatal] leaves Start");
            }
            catch (InvalidOperationException e) when (ReferenceEquals(e, thrown))
            {
            }
        }
    }

    public static void WrongThread()
    {
        using (var loop = new Loop())
        {
            Exception? seen = null;
            var thread = new Thread(() =>
            {
                try
                {
                    loop.Now();
                }
                catch (InvalidOperationException e)
                {
                    seen = e;
                }

                loop.Stop();
            });
            loop.Timer(0, 0, (_, _) => thread.Start()).Start();
            loop.Timer(30, 0, (_, _) => { }).Start();
            loop.Start();
            thread.Join();
            Check.That(seen != null, "a member that another thread calls while the loop runs throws");
        }

        try
        {
            using (var loop = new Loop())
            {
                loop.Timer(double.NaN, 0, (_, _) => { });
            }

            Check.That(false, "NaN is refused");
        }
        catch (ArgumentOutOfRangeException)
        {
        }
    }
}
