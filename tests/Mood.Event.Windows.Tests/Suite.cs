using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Threading;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Mood.Event.Tests;

/// <summary>The tests of this assembly, which xunit finds and runs in this process.</summary>
internal static class Suite
{
    private static readonly XunitTestFramework s_framework = new(new Messages());

    /// <summary>The names of the classes with a test whose name contains the filter.</summary>
    internal static IEnumerable<string> FindClasses(string filter) => typeof(Suite).Assembly.GetTypes()
        .Where(t => !t.IsAbstract && t.GetMethods().Any(m => m.IsDefined(typeof(FactAttribute), inherit: true)
            && $"{t.FullName}.{m.Name}".Contains(filter, StringComparison.Ordinal)))
        .Select(t => t.FullName!)
        .Order(StringComparer.Ordinal);

    /// <summary>The number of test methods of a class. A method with several data counts once.</summary>
    internal static int CountMethods(string type) =>
        typeof(Suite).Assembly.GetType(type, throwOnError: true)!.GetMethods().Count(m => m.IsDefined(typeof(FactAttribute), inherit: true));

    // Only the process of one class calls this, because under Wine a process that uses reflection on all classes crashes or hangs.
    private static List<ITestCase> Find(string type)
    {
        var found = new List<ITestCase>();
        using ITestFrameworkDiscoverer discoverer = s_framework.GetDiscoverer(Reflector.Wrap(typeof(Suite).Assembly));
        using var messages = new Messages();
        messages.On<ITestCaseDiscoveryMessage>(m => found.Add(m.TestCase));
        discoverer.Find(type, includeSourceInformation: false, messages, new Options());
        messages.Wait();
        return found;
    }

    // Whether the filter includes a test and skips.txt does not name it.
    private static bool IsChosen(ITestCase test, string filter) =>
        test.DisplayName.Contains(filter, StringComparison.Ordinal) && Skips.ReasonOf(test.DisplayName) is null;

    /// <summary>Runs the tests of a class that are not skipped, one by one, and writes a line about each step and each skipped test.</summary>
    /// <param name="type">The name of the class.</param>
    /// <param name="first">The number of the test to begin with.</param>
    /// <param name="filter">A part of the names of the tests to run.</param>
    internal static void Run(string type, int first, string filter)
    {
        List<ITestCase> found = Find(type);
        List<ITestCase> tests = [.. found.Where(t => IsChosen(t, filter))];

        foreach (ITestCase test in found)
        {
            if (Skips.ReasonOf(test.DisplayName) is string reason)
            {
                Say($"left {reason}\t{test.DisplayName}");
            }
        }

        for (int i = first; i < tests.Count; i++)
        {
            Say(string.Create(CultureInfo.InvariantCulture, $"test {i} {tests[i].DisplayName}"));

            if (!RunOne(tests[i]))
            {
                // Under Wine 8 the second exception that leaves a method called by reflection never arrives. So no test runs after a
                // failed one in this process.
                Say("more");
                Environment.Exit(0);
            }
        }

        Say("end");
        Environment.Exit(0); // also ends the threads that a failed test has left behind
    }

    // Returns whether the test passed.
    private static bool RunOne(ITestCase test)
    {
        using ITestFrameworkExecutor executor = s_framework.GetExecutor(typeof(Suite).Assembly.GetName());
        using var messages = new Messages();
        messages.On<ITestPassed>(m => Say("passed " + m.Test.DisplayName));
        messages.On<ITestSkipped>(m => Say($"skipped {m.Test.DisplayName}: {m.Reason}"));
        bool hasFailed = false;
        messages.On<IFailureInformation>(_ => hasFailed = true);
        messages.On<IFailureInformation>(m => Say($"failed {(m as ITestMessage)?.Test.DisplayName ?? test.DisplayName}: {Text(m)}"));
        executor.RunTests([test], messages, new Options());
        messages.Wait();
        return !hasFailed;
    }

    private static string Text(IFailureInformation failure) =>
        string.Join(" | ", failure.ExceptionTypes.Zip(failure.Messages, (t, m) => $"{t}: {m}").Concat(failure.StackTraces)).ReplaceLineEndings(" / ");

    private static void Say(string line)
    {
        Console.Out.WriteLine(ClassProcess.Mark + line);
        Console.Out.Flush();
    }

    /// <summary>Receives xunit's messages.</summary>
#pragma warning disable xUnit3000 // .NET has only one AppDomain, so no call comes from another one
    private sealed class Messages : IMessageSink, IDisposable
#pragma warning restore xUnit3000
    {
        private readonly ManualResetEventSlim _end = new();
        private readonly List<Action<IMessageSinkMessage>> _handlers = [];

        public bool OnMessage(IMessageSinkMessage message)
        {
            _handlers.ForEach(h => h(message));

            if (message is IDiscoveryCompleteMessage or ITestAssemblyFinished)
            {
                _end.Set();
            }

            return true;
        }

        public void Dispose() => _end.Dispose();

        internal void On<T>(Action<T> handler)
            where T : class => _handlers.Add(m =>
            {
                if (m is T typed)
                {
                    handler(typed);
                }
            });

        internal void Wait() => _end.Wait();
    }

    /// <summary>The options of xunit, by their names.</summary>
    private sealed class Options : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object?> _values = new()
        {
            ["xunit.discovery.PreEnumerateTheories"] = true,
            ["xunit.execution.DisableParallelization"] = true,
            ["xunit.discovery.SynchronousMessageReporting"] = true,
            ["xunit.execution.SynchronousMessageReporting"] = true,
        };

        public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out object? value) ? (TValue)value! : default!;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
    }
}
