using System;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// NativeTests.c uses the whole native library without .NET. It also runs under Valgrind and with ThreadSanitizer.
/// </summary>
public sealed class NativeTests : IDisposable
{
    /// <summary>
    /// The functions that access libev's flags between threads (EV_ATOMIC_T: pipe_write_wanted, sent, pending ...) and
    /// signals[].loop. Three of the functions are ours. These variables are plain words, which libev orders with fences, and
    /// ThreadSanitizer does not understand fences. The test with Valgrind finds a use after free in these functions.
    /// </summary>
    private const string Suppressions = """
        race_top:^evpipe_write$
        race_top:^pipecb$
        race_top:^ev_run$
        race_top:^ev_feed_signal$
        race_top:^ev_feed_signal_event$
        race_top:^mood_ev_signal_detach$
        race_top:^ev_async_send$
        race_top:^mood_async_send$
        race_top:^mood_ev_take_wakes$

        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("mood-event-native-").FullName;

    private string WatchedFile => Path.Combine(_directory, "file");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Watchers_of_every_kind_on_every_backend_are_freed_in_any_order()
    {
        AssertDone(Repository.TryRun(CompileDriver(AppContext.BaseDirectory), "60", WatchedFile));
    }

    [Fact]
    public void Valgrind_finds_no_wrong_access_and_no_leak()
    {
        string driver = CompileDriver(AppContext.BaseDirectory);

        if (!Repository.IsHere("valgrind", "--version"))
        {
            Console.WriteLine("valgrind is not installed: the native driver runs without it.");
            AssertDone(Repository.TryRun(driver, "10", WatchedFile));
            return;
        }

        // One thread runs at a time. With a fair lock, threads that only send cannot keep the loop's thread waiting.
        AssertDone(Repository.TryRun("valgrind", "--fair-sched=try", "--error-exitcode=99", "--leak-check=full", "-q", driver, "10", WatchedFile));
    }

    [Fact]
    public void ThreadSanitizer_finds_no_race_except_on_the_flags_of_libev()
    {
        string cc = Environment.GetEnvironmentVariable("CC") ?? "cc";
        string probe = Path.Combine(_directory, "probe.c"), suppressions = Path.Combine(_directory, "suppressions");
        File.WriteAllText(probe, "int main (void) { return 0; }");
        File.WriteAllText(suppressions, Suppressions);

        if (!Repository.IsHere(cc, "-fsanitize=thread", probe, "-o", Path.Combine(_directory, "probe")) || !Repository.IsHere(Path.Combine(_directory, "probe")))
        {
            Console.WriteLine("No program runs with ThreadSanitizer here: the native driver runs without it.");
            AssertDone(Repository.TryRun(CompileDriver(AppContext.BaseDirectory), "10", WatchedFile));
            return;
        }

        // -Wno-tsan: the compiler warns about the fences. The suppressions cover the functions with fences.
        Repository.Run(
            "env", "CFLAGS=-DMOOD_TESTING -fsanitize=thread -Wno-tsan", "sh", Path.Combine(Repository.Root, "native", "build", "build.sh"), _directory);
        AssertDone(Repository.TryRun(
            "env", "TSAN_OPTIONS=suppressions=" + suppressions, CompileDriver(_directory, "-fsanitize=thread"), "40", WatchedFile));
    }

    [Fact]
    public void AddressSanitizer_and_UndefinedBehaviorSanitizer_find_nothing()
    {
        const string flags = "-fsanitize=address,undefined";
        string cc = Environment.GetEnvironmentVariable("CC") ?? "cc", probe = Path.Combine(_directory, "probe.c");
        File.WriteAllText(probe, "int main (void) { return 0; }");

        if (!Repository.IsHere(cc, flags, probe, "-o", Path.Combine(_directory, "probe")) || !Repository.IsHere(Path.Combine(_directory, "probe")))
        {
            Console.WriteLine("No program runs with AddressSanitizer here: the native driver runs without it.");
            AssertDone(Repository.TryRun(CompileDriver(AppContext.BaseDirectory), "10", WatchedFile));
            return;
        }

        Repository.Run("env", $"CFLAGS=-DMOOD_TESTING {flags} -fno-sanitize-recover=undefined", "sh", Path.Combine(Repository.Root, "native", "build", "build.sh"), _directory);
        AssertDone(Repository.TryRun(CompileDriver(_directory, flags, "-fno-sanitize-recover=undefined"), "20", WatchedFile));
    }

    [Fact]
    public void The_library_can_be_built_in_a_directory_whose_path_has_a_space()
    {
        string copy = Path.Combine(_directory, "a path");
        Directory.CreateDirectory(copy);
        Repository.Run("cp", "-r", Path.Combine(Repository.Root, "native"), Path.Combine(Repository.Root, "Directory.Build.props"), copy);
        Repository.Run("sh", Path.Combine(copy, "native", "build", "build.sh"), Path.Combine(copy, "out"));
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(copy, "out"), "*mood_event.*"));
    }

    [Fact]
    public void The_call_that_runs_out_of_memory_returns_the_error()
    {
        // The program's own allocator replaces the one of the C library.
        string source = Path.Combine(_directory, "memory.c");
        File.WriteAllText(source, """
            #include "libev.h"
            #include <errno.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            static int fail;
            void *__libc_calloc (size_t, size_t);
            void *calloc (size_t n, size_t size) { return fail ? 0 : __libc_calloc (n, size); }
            char *strdup (const char *s) { return fail ? 0 : strcpy (malloc (strlen (s) + 1), s); }
            static void event (void *data, mood_watcher *w, int32_t revents) { (void)data; (void)w; (void)revents; }
            static void nothing (void *data) { (void)data; }
            static double never (void *data, mood_watcher *w, double now) { (void)data; (void)w; return now + 1e30; }
            int main (void)
            {
              mood_callbacks callbacks = { event, nothing, nothing, never, 0, 0 };
              mood_loop *loop, *other;
              mood_watcher *stat;
              mood_initialize (MOOD_SIGNALS_NATIVE);
              if (mood_loop_new (EVFLAG_NOENV, 0, &callbacks, 0, &loop)) return 1;
              stat = mood_watcher_new (loop, MOOD_STAT, 0);
              if (mood_stat_set (stat, "/", 1.)) return 2;
              fail = 1;
              if (mood_loop_new (EVFLAG_NOENV, 0, &callbacks, 0, &other) != -ENOMEM) return 3;
              if (mood_watcher_new (loop, MOOD_TIMER, 0)) return 4;
              if (mood_stat_set (stat, "/other", 2.) != -ENOMEM || mood_stat_interval (stat) != 1.) return 5;
              fail = 0;
              if (mood_live (MOOD_LOOPS) != 1 || mood_live (MOOD_WATCHERS) != 1) return 6;
              mood_watcher_free (stat);
              mood_loop_close (loop);
              mood_loop_release (loop);
              return mood_live (MOOD_LOOPS) || mood_live (MOOD_WATCHERS) ? 7 : 0;
            }
            """);
        string program = Repository.Compile(
            source, Path.Combine(_directory, "memory"), "-DMOOD_TESTING", "-rdynamic", "-fno-builtin", Repository.NativeLibrary, "-Wl,-rpath," + AppContext.BaseDirectory);
        Assert.Equal(0, Repository.TryRun(program).ExitCode);
    }

    /// <summary>
    /// native/error.c recognizes libev's asserts about a closed fd by their texts. This test fails if a new libev has other
    /// texts.
    /// </summary>
    [Fact]
    public void The_texts_of_libev_s_asserts_about_fds_are_those_that_error_c_looks_for()
    {
        string libev = Repository.Run("sh", Path.Combine(Repository.Root, "native", "build", "fetch.sh")).Trim();
        string[] closed = [.. new[] { "ev_epoll", "ev_iouring", "ev_kqueue", "ev_linuxaio", "ev_poll", "ev_select", "ev" }
            .SelectMany(file => Regex.Matches(
                File.ReadAllText(Path.Combine(libev, file + ".c")),
                $@"assert \(\(""(libev: [^""]*(?:{(file == "ev" ? "pipe_w not active" : "(?:invalid|bad) fd")})[^""]*)"""))
            .Select(m => m.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(
            [
                "libev: I/O watcher with invalid fd found in epoll_ctl",
                "libev: event loop rejected bad fd",
                "libev: kqueue found invalid fd",
                "libev: pipe_w not active, but pipe not written",
                "libev: poll found invalid fd in poll set",
            ],
            closed);
        string[] texts = [.. Regex.Matches(Repository.Read("native/error.c"), @"strstr \(condition, ""([^""]+)""\)").Select(m => m.Groups[1].Value)];
        Assert.All(closed, t => Assert.Contains(texts, x => t.Contains(x, StringComparison.Ordinal)));
        Assert.All(texts, x => Assert.Contains(closed, t => t.Contains(x, StringComparison.Ordinal)));
    }

    private static void AssertDone((int ExitCode, string Output, string Error) run)
    {
        Assert.True(run.ExitCode == 0, $"exit code {run.ExitCode}\n{run.Error}");
        Assert.EndsWith("done\n", run.Output, StringComparison.Ordinal);
    }

    private string CompileDriver(string library, params string[] more)
    {
        File.WriteAllText(WatchedFile, "");
        return Repository.Compile(
            Path.Combine(Repository.Root, "tests", "Mood.Event.Tests", "Native", "NativeTests.c"),
            Path.Combine(_directory, "driver"),
            ["-DMOOD_TESTING", "-g", "-pthread", Path.Combine(library, "libmood_event.so"), "-Wl,-rpath," + library, .. more]);
    }
}
