using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Checks that the managed side declares the same constants, layouts and functions as the C side. A compiled C program gives the values of the
/// C side.
/// </summary>
public sealed partial class AbiTests : IDisposable
{
    private static readonly Lazy<Dictionary<string, long>> s_answers = new(Ask);

    private readonly string _directory = Directory.CreateTempSubdirectory("mood-event-abi-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public unsafe void The_fields_at_the_head_of_a_watcher_have_the_offsets_of_C()
    {
        Native.WatcherMemory memory;
        Assert.Equal(Answer("size mood_watcher_head"), sizeof(Native.WatcherMemory));
        AssertFields(typeof(Native.WatcherMemory), "mood_watcher_head", (byte*)&memory, new Dictionary<string, nint>
        {
            ["active"] = (nint)(&memory.Active),
            ["pending"] = (nint)(&memory.Pending),
            ["priority"] = (nint)(&memory.Priority),
            ["kind"] = (nint)(&memory.Kind),
            ["background"] = (nint)(&memory.Background),
            ["plain"] = (nint)(&memory.Plain),
            ["id"] = (nint)(&memory.Id),
        });
    }

    [Fact]
    public unsafe void The_fields_of_the_pending_queue_have_the_offsets_of_C()
    {
        Native.QueueMemory queue;
        Native.PendingMemory pending;
        Assert.Equal(Answer("size mood_queue"), sizeof(Native.QueueMemory));
        Assert.Equal(Answer("size mood_pending"), sizeof(Native.PendingMemory));
        AssertFields(typeof(Native.QueueMemory), "mood_queue", (byte*)&queue, new Dictionary<string, nint>
        {
            ["slots"] = (nint)(&queue.Slots),
            ["counts"] = (nint)(&queue.Counts),
            ["priority"] = (nint)(&queue.Priority),
            ["halted"] = (nint)(&queue.Halted),
            ["always"] = (nint)(&queue.Always),
            ["left"] = (nint)(&queue.Left),
        });
        AssertFields(typeof(Native.PendingMemory), "mood_pending", (byte*)&pending, new Dictionary<string, nint>
        {
            ["watcher"] = (nint)(&pending.Watcher),
            ["revents"] = (nint)(&pending.Revents),
        });
        Assert.Equal(PendingQueue.Priorities, Answer("MOOD_PRIORITIES"));
        Assert.Equal(Native.Fds, Answer("MOOD_FDS"));
        Assert.Equal((PendingQueue.Sent, PendingQueue.Error), ((int)Answer("EV_ASYNC"), (int)Answer("EV_ERROR")));
    }

    [Fact]
    public unsafe void The_fields_of_the_file_status_have_the_offsets_of_C()
    {
        Native.FileStatusMemory status;
        Assert.Equal(Answer("size mood_file_status"), sizeof(Native.FileStatusMemory));
        AssertFields(typeof(Native.FileStatusMemory), "mood_file_status", (byte*)&status, new Dictionary<string, nint>
        {
            ["size"] = (nint)(&status.Size),
            ["device"] = (nint)(&status.Device),
            ["inode"] = (nint)(&status.Inode),
            ["device_type"] = (nint)(&status.DeviceType),
            ["accessed_seconds"] = (nint)(&status.AccessedSeconds),
            ["modified_seconds"] = (nint)(&status.ModifiedSeconds),
            ["changed_seconds"] = (nint)(&status.ChangedSeconds),
            ["accessed_nanos"] = (nint)(&status.AccessedNanos),
            ["modified_nanos"] = (nint)(&status.ModifiedNanos),
            ["changed_nanos"] = (nint)(&status.ChangedNanos),
            ["mode"] = (nint)(&status.Mode),
            ["link_count"] = (nint)(&status.LinkCount),
            ["user"] = (nint)(&status.User),
            ["group"] = (nint)(&status.Group),
        });
    }

    [Fact]
    public unsafe void The_fields_of_the_callbacks_have_the_offsets_of_C()
    {
        Native.Callbacks callbacks;
        Assert.Equal(Answer("size mood_callbacks"), sizeof(Native.Callbacks));
        AssertFields(typeof(Native.Callbacks), "mood_callbacks", (byte*)&callbacks, new Dictionary<string, nint>
        {
            ["event"] = (nint)(&callbacks.Event),
            ["pending"] = (nint)(&callbacks.Pending),
            ["wake"] = (nint)(&callbacks.Wake),
            ["reschedule"] = (nint)(&callbacks.Reschedule),
            ["clock"] = (nint)(&callbacks.Clock),
            ["reap"] = (nint)(&callbacks.Reap),
        });
    }

    [Fact]
    public void The_kinds_of_watchers_have_the_values_of_the_C_header()
    {
        foreach (Native.Kind kind in Enum.GetValues<Native.Kind>())
        {
            Assert.Equal(Answer($"MOOD_{kind.ToString().ToUpperInvariant()}"), (long)kind);
        }

        Assert.Equal(Answer("MOOD_KINDS"), Enum.GetValues<Native.Kind>().Length);
    }

    [Fact]
    public void The_flags_and_events_have_the_values_of_libev()
    {
        AssertValues(
            "EVFLAG_", typeof(LoopFlags), [("Auto", "AUTO"), ("NoInotify", "NOINOTIFY"), ("SignalFd", "SIGNALFD"),
            ("NoSigMask", "NOSIGMASK"), ("NoTimerFd", "NOTIMERFD"), ("NoEnv", "NOENV"), ("ForkCheck", "FORKCHECK")]);
        AssertValues(
            "EVBACKEND_", typeof(Backends), [("Select", "SELECT"), ("Poll", "POLL"), ("Epoll", "EPOLL"), ("Kqueue", "KQUEUE"),
            ("DevPoll", "DEVPOLL"), ("Port", "PORT"), ("LinuxAio", "LINUXAIO"), ("IoUring", "IOURING"), ("All", "ALL"), ("Mask", "MASK")],
            ours: "Auto");
        AssertValues("EVRUN_", typeof(RunFlags), [("NoWait", "NOWAIT"), ("Once", "ONCE")], ours: "Default");
        AssertValues("EVBREAK_", typeof(BreakHow), [("Cancel", "CANCEL"), ("One", "ONE"), ("All", "ALL")]);
        AssertValues(
            "EV_", typeof(Events), [("Undefined", "UNDEF"), ("None", "NONE"), ("Read", "READ"), ("Io", "IO"), ("Write", "WRITE"),
            ("Timer", "TIMER"), ("Periodic", "PERIODIC"), ("Signal", "SIGNAL"), ("Child", "CHILD"), ("Stat", "STAT"), ("Idle", "IDLE"),
            ("Prepare", "PREPARE"), ("Check", "CHECK"), ("Embed", "EMBED"), ("Fork", "FORK"), ("Cleanup", "CLEANUP"),
            ("Async", "ASYNC"), ("Custom", "CUSTOM"), ("Error", "ERROR")]);
        Assert.Equal(Ev.MinPriority, Answer("EV_MINPRI"));
        Assert.Equal(Ev.MaxPriority, Answer("EV_MAXPRI"));
        Assert.Equal((Answer("EV_VERSION_MAJOR"), Answer("EV_VERSION_MINOR")), (Ev.AbiVersion.Major, Ev.AbiVersion.Minor));
        Assert.Equal(Native.AbiVersion, Answer("MOOD_ABI_VERSION"));
        Assert.Equal((Native.RunActive, Native.RunFailed), (Answer("MOOD_RUN_ACTIVE"), Answer("MOOD_RUN_FAILED")));
    }

    [Fact]
    public void Signal_numbers_are_those_of_this_platform()
    {
        PropertyInfo[] signals = typeof(Signum).GetProperties(BindingFlags.Public | BindingFlags.Static);
        Assert.NotEmpty(signals);
        Assert.All(signals, p => Assert.Equal((p.Name, Answer(p.Name)), (p.Name, (int)p.GetValue(null)!)));
    }

    [Fact]
    public void Errno_constants_are_those_of_this_platform()
    {
        FieldInfo[] constants = [.. typeof(Native).GetFields(BindingFlags.NonPublic | BindingFlags.Static)
            .Where(f => f.IsLiteral && f.Name.StartsWith('E') && f.Name.All(char.IsAsciiLetterUpper))];
        Assert.NotEmpty(constants);
        Assert.Equal(Native.NoBackend, Answer("MOOD_ENOBACKEND"));
        Assert.All(constants, f => Assert.Equal((f.Name, Answer(f.Name)), (f.Name, (int)f.GetRawConstantValue()!)));
    }

    // -- the library --------------------------------------------------------------------------------------------------

    [Fact]
    public void The_library_exports_the_functions_of_mood_event_h_and_nothing_else() =>
        Assert.Equal(Functions("mood_event.h").Order(StringComparer.Ordinal), Exports(Repository.ShippedNativeLibrary));

    [Fact]
    public void The_testing_build_exports_the_functions_of_testing_h_too() =>
        Assert.Equal([.. Functions("mood_event.h").Concat(Functions("testing.h")).Order(StringComparer.Ordinal)], Exports(Repository.NativeLibrary));

    [Fact]
    public void The_library_imports_from_the_C_library_only_and_no_function_that_changes_the_host_process()
    {
        string[] needed = [.. NeededLine().Matches(Repository.Run("readelf", "-d", "-W", Repository.ShippedNativeLibrary)).Select(m => m.Groups[1].Value)];
        Assert.NotEmpty(needed);
        Assert.All(needed, name => Assert.Matches(@"^(libc\.|libpthread\.|ld-linux|ld-musl)", name));

        string[] imported = [.. Repository.Run("nm", "-D", "--undefined-only", Repository.ShippedNativeLibrary)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[^1].Split('@')[0])];
        Assert.Contains("epoll_wait", imported); // proves that nm has listed the imports
        // pthread_sigmask is allowed: signal.c unblocks a signal for a moment, so that the calling thread receives it.
        string[] forbidden =
        [
            "signal", "sigprocmask", "signalfd", "fork", "vfork", "system", "popen", "exit", "_exit",
            "atexit", "setenv", "dlopen", "dlsym", "longjmp", "pthread_create", "__assert_fail", "clone",
        ];
        Assert.Empty(imported.Intersect(forbidden));
    }

    [Theory]
    [InlineData(typeof(Native), "mood_event.h")]
    [InlineData(typeof(NativeTesting), "testing.h")]
    public void Every_import_is_a_function_of_its_header_and_every_function_is_imported(Type type, string header)
    {
        MethodInfo[] imports = Imports(type);
        Assert.Equal(Functions(header).Order(StringComparer.Ordinal), imports.Select(m => m.Name).Order(StringComparer.Ordinal));
        Assert.All(imports, m => Assert.Equal(Native.Library, m.GetCustomAttribute<DllImportAttribute>()!.Value));
    }

    [Theory]
    [InlineData(typeof(Native), "mood_event.h")]
    [InlineData(typeof(NativeTesting), "testing.h")]
    public void Every_import_has_the_signature_of_its_header(Type type, string header)
    {
        Dictionary<string, string> declared = Declarations(header);
        Assert.All(Imports(type), m => Assert.Equal(
            $"{m.Name} {declared[m.Name].Replace("void*", "mood_loop*", StringComparison.Ordinal)}",
            $"{m.Name} {CType(m.ReturnType, m.Name == nameof(Native.mood_watcher_new))}({string.Join(',', m.GetParameters().Select(p => CType(p.ParameterType, p.Name == "w")))})"));
    }

    [Fact]
    public void Verify_aborts_with_a_message_when_a_watcher_is_corrupt()
    {
        string program = Compile("verify", """
            #include "libev.h"
            #include <stdio.h>
            static void event (void *data, mood_watcher *w, int32_t revents) { (void)data; (void)w; (void)revents; }
            static void nothing (void *data) { (void)data; }
            static double never (void *data, mood_watcher *w, double now) { (void)data; (void)w; return now + 1e30; }
            int main (int argc, char **argv)
            {
              mood_callbacks callbacks = { event, nothing, nothing, never, 0, 0 };
              mood_loop *loop;
              mood_watcher *w;
              (void)argv;
              mood_initialize (MOOD_SIGNALS_NATIVE);
              if (mood_loop_new (EVFLAG_NOENV, 0, &callbacks, 0, &loop)) return 2;
              w = mood_watcher_new (loop, MOOD_TIMER, 0);
              mood_timer_set (w, 100., 0.);
              mood_watcher_start (w);
              mood_loop_verify (loop);
              puts ("healthy");
              fflush (stdout);
              if (argc > 1) w->priority = 99;
              mood_loop_verify (loop);
              puts ("still healthy");
              return 0;
            }
            """, Repository.NativeLibrary, "-Wl,-rpath," + AppContext.BaseDirectory);
        Assert.Equal((0, "healthy\nstill healthy\n"), Repository.TryRun(program) is var well ? (well.ExitCode, well.Output) : default);
        (int exitCode, string output, string error) = Repository.TryRun(program, "corrupt");
        Assert.Equal("healthy\n", output);
        Assert.Equal(128 + Signum.SIGABRT, exitCode);
        Assert.Contains("libmood_event: assertion failed", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "first 2, later 0, the first is back")]
    [InlineData("chain", "first 2, later 2, the later one is still there")]
    public void A_SIGCHLD_handler_that_was_installed_before_the_loop_remains_after_it(string argument, string expected)
    {
        string program = Compile("chain", """
            #include "libev.h"
            #include <signal.h>
            #include <stdio.h>
            static int first, later;
            static struct sigaction ours;
            static void on_first (int signum) { (void)signum; first++; }
            static void on_later (int signum, siginfo_t *info, void *context)
            {
              later++;
              ours.sa_sigaction (signum, info, context);
            }
            static void event (void *data, mood_watcher *w, int32_t revents) { (void)data; (void)w; (void)revents; }
            static void nothing (void *data) { (void)data; }
            static double never (void *data, mood_watcher *w, double now) { (void)data; (void)w; return now + 1e30; }
            int main (int argc, char **argv)
            {
              mood_callbacks callbacks = { event, nothing, nothing, never, 0, 0 };
              struct sigaction action = { 0 }, now;
              mood_loop *loop;
              (void)argc;
              action.sa_handler = on_first;
              sigaction (SIGCHLD, &action, 0);
              mood_initialize (MOOD_SIGNALS_NATIVE);
              if (mood_loop_new (EVFLAG_NOENV, 1, &callbacks, 0, &loop)) return 2;
              sigaction (SIGCHLD, 0, &ours);
              if (!(ours.sa_flags & SA_SIGINFO) || ours.sa_handler == on_first) return 3;
              if (*argv [1])
                {
                  action.sa_sigaction = on_later;
                  action.sa_flags = SA_SIGINFO;
                  sigaction (SIGCHLD, &action, 0);
                }
              raise (SIGCHLD);
              mood_loop_close (loop);
              mood_loop_release (loop);
              raise (SIGCHLD);
              sigaction (SIGCHLD, 0, &now);
              printf ("first %d, later %d, %s\n", first, later,
                      now.sa_sigaction == on_later ? "the later one is still there"
                      : now.sa_handler == on_first ? "the first is back" : "another one is there");
              return 0;
            }
            """, Repository.NativeLibrary, "-Wl,-rpath," + AppContext.BaseDirectory);
        (int exitCode, string output, string error) = Repository.TryRun(program, argument);
        Assert.Equal((0, expected + "\n", ""), (exitCode, output, error));
    }

    [GeneratedRegex(@"\(NEEDED\).*\[(.*?)\]")]
    private static partial Regex NeededLine();

    [GeneratedRegex(@"MOOD_API\s+((?:const\s+)?\w+\s*\*?)\s*(mood_\w+)\s*\(([^)]*)\)\s*;")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex CComment();

    private static string Header(string name) => CComment().Replace(Repository.Read("native/" + name), " ");

    private static IEnumerable<string> Functions(string header) => Declaration().Matches(Header(header)).Select(m => m.Groups[2].Value);

    private static string[] Exports(string library) =>
        [.. Repository.Run("nm", "-D", "--defined-only", library).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ')[^1]).Order(StringComparer.Ordinal)];

    private static MethodInfo[] Imports(Type type) =>
        [.. type.GetMethods(BindingFlags.NonPublic | BindingFlags.Static).Where(m => m.IsDefined(typeof(DllImportAttribute)))];

    /// <summary>The C types of each function of a header. A pointer is written as its target type and a star.</summary>
    private static Dictionary<string, string> Declarations(string header)
    {
        static string Type(string declared)
        {
            // The last word is the name of the parameter, if the header names it.
            string text = declared.Replace("const ", "", StringComparison.Ordinal).Trim();
            Match m = Regex.Match(text, @"^(\w+)\s*(\**)\s*\w*$");
            return m.Groups[1].Value + m.Groups[2].Value;
        }

        return Declaration().Matches(Header(header)).ToDictionary(
            m => m.Groups[2].Value,
            m => $"{Type(m.Groups[1].Value)}({(m.Groups[3].Value.Trim() == "void" ? "" : string.Join(',', m.Groups[3].Value.Split(',').Select(Type)))})");
    }

    /// <summary>The C type of a managed parameter. A nint is a watcher, a loop or the host's own data.</summary>
    private static string CType(Type type, bool watcher) => type switch
    {
        _ when watcher => "mood_watcher*",
        _ when type == typeof(void) => "void",
        _ when type == typeof(int) => "int32_t",
        _ when type == typeof(uint) => "uint32_t",
        _ when type == typeof(long) => "int64_t",
        _ when type == typeof(ulong) => "uint64_t",
        _ when type == typeof(double) => "double",
        _ when type == typeof(nint) => "mood_loop*",
        _ when type == typeof(nint).MakePointerType() => "mood_loop**",
        _ when type == typeof(byte).MakePointerType() => "char*",
        _ when type == typeof(int).MakePointerType() => "int32_t*",
        _ when type == typeof(long).MakePointerType() => "int64_t*",
        _ when type == typeof(double).MakePointerType() => "double*",
        _ when type == typeof(Native.Callbacks).MakePointerType() => "mood_callbacks*",
        _ when type == typeof(Native.QueueMemory).MakePointerType() => "mood_queue*",
        _ when type == typeof(Native.FileStatusMemory).MakePointerType() => "mood_file_status*",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no C type"),
    };

    private static long Answer(string question) => s_answers.Value[question];

    private static void AssertValues(string prefix, Type type, (string Managed, string C)[] names, string? ours = null)
    {
        Assert.All(names, n => Assert.Equal(
            (n.Managed, (int)Answer(prefix + n.C)),
            (n.Managed, unchecked((int)Convert.ToInt64(Enum.Parse(type, n.Managed), CultureInfo.InvariantCulture)))));
        Assert.Equal(Enum.GetNames(type).Where(n => n != ours).Order(), names.Select(n => n.Managed).Order());
    }

    private static unsafe void AssertFields(Type type, string name, byte* start, Dictionary<string, nint> fields)
    {
        const BindingFlags Fields = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
        Assert.Equal(type.GetFields(Fields).Length, fields.Count);
        Assert.All(fields, f => Assert.Equal((f.Key, Answer($"offset {name}.{f.Key}")), (f.Key, f.Value - (nint)start)));
    }

    private static Dictionary<string, long> Ask()
    {
        var program = new StringBuilder("""
            #include "libev.h"
            #include <errno.h>
            #include <signal.h>
            #include <stddef.h>
            #include <stdio.h>
            #define SAY(name, value) printf ("%s=%lld\n", name, (long long)(value));
            #ifndef SIGPWR
            # define SIGPWR -1
            #endif
            #ifndef SIGRTMIN
            # define SIGRTMIN -1
            # define SIGRTMAX -1
            #endif
            int main (void) {

            """);

        void Value(string name) => program.Append(CultureInfo.InvariantCulture, $"SAY (\"{name}\", {name})\n");

        foreach ((string type, string fields) in new[]
        {
            ("mood_file_status", "size device inode device_type accessed_seconds modified_seconds changed_seconds accessed_nanos modified_nanos changed_nanos mode link_count user group"),
            ("mood_callbacks", "event pending wake reschedule clock reap"),
            ("mood_watcher_head", "active pending priority kind background plain id"),
            ("mood_queue", "slots counts priority halted always left"),
            ("mood_pending", "watcher revents"),
        })
        {
            program.Append(CultureInfo.InvariantCulture, $"SAY (\"size {type}\", sizeof ({type}))\n");

            foreach (string field in fields.Split(' '))
            {
                program.Append(CultureInfo.InvariantCulture, $"SAY (\"offset {type}.{field}\", offsetof ({type}, {field}))\n");
            }
        }

        foreach (string name in Enum.GetNames<Native.Kind>())
        {
            Value($"MOOD_{name.ToUpperInvariant()}");
        }

        string[] constants =
        [
            "MOOD_KINDS", "MOOD_PRIORITIES", "MOOD_FDS", "MOOD_RUN_ACTIVE", "MOOD_RUN_FAILED", "MOOD_ABI_VERSION", "MOOD_ENOBACKEND", "EV_VERSION_MAJOR", "EV_VERSION_MINOR", "EV_MINPRI", "EV_MAXPRI",
            .. "AUTO NOINOTIFY SIGNALFD NOSIGMASK NOTIMERFD NOENV FORKCHECK".Split(' ').Select(n => "EVFLAG_" + n),
            .. "SELECT POLL EPOLL KQUEUE DEVPOLL PORT LINUXAIO IOURING ALL MASK".Split(' ').Select(n => "EVBACKEND_" + n),
            "EVRUN_NOWAIT", "EVRUN_ONCE", "EVBREAK_CANCEL", "EVBREAK_ONE", "EVBREAK_ALL",
            .. "UNDEF NONE READ IO WRITE TIMER PERIODIC SIGNAL CHILD STAT IDLE PREPARE CHECK EMBED FORK CLEANUP ASYNC CUSTOM ERROR"
                .Split(' ').Select(n => "EV_" + n),
            .. typeof(Signum).GetProperties(BindingFlags.Public | BindingFlags.Static).Select(p => p.Name),
            "EPERM", "EINTR", "EBADF", "ECHILD", "ENOMEM", "EACCES", "EBUSY", "ENOSPC", "ERANGE", "ELOOP",
        ];
        Array.ForEach(constants, Value);
        program.Append("return 0; }\n");

        using var abi = new AbiTests();
        return Repository.Run(abi.Compile("ask", program.ToString())).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('=')).ToDictionary(p => p[0], p => long.Parse(p[1], CultureInfo.InvariantCulture));
    }

    private string Compile(string name, string source, params string[] more)
    {
        string file = Path.Combine(_directory, name + ".c");
        File.WriteAllText(file, source);
        return Repository.Compile(file, Path.Combine(_directory, name), more);
    }
}
