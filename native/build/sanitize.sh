#!/bin/sh
# Runs the tests with a native library that is built with AddressSanitizer and UndefinedBehaviorSanitizer: sanitize.sh
# CONFIGURATION [FILTER]
# Three classes do not run: NativeTests use valgrind and ThreadSanitizer themselves, MemoryTests measure the memory of the
# process, and AbiTests check the imports, to which a sanitizer adds its own.
# LeakSanitizer is off, because the runtime does not free much of its memory at exit. The tests count native objects themselves.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
configuration=$1
output=artifacts/sanitize
cc=${CC:-cc}

dotnet build tests/Mood.Event.Tests -c "$configuration" -nologo -v quiet
rm -rf "$output"
cp -r "artifacts/bin/Mood.Event.Tests/$(echo "$configuration" | tr '[:upper:]' '[:lower:]')" "$output"
CFLAGS="-DMOOD_TESTING -fsanitize=address,undefined -fno-sanitize-recover=undefined" sh native/build/build.sh "$output"

# The runtime handles SIGSEGV itself, and uses its own alternate stacks.
export ASAN_OPTIONS=detect_leaks=0:handle_segv=0:handle_sigfpe=0:use_sigaltstack=0:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1
LD_PRELOAD="$("$cc" -print-file-name=libasan.so) $("$cc" -print-file-name=libubsan.so)" \
  dotnet vstest "$output/Mood.Event.Tests.dll" \
  --Blame:"CollectHangDump;TestTimeout=15min;HangDumpType=None" --logger:trx --logger:console --ResultsDirectory:artifacts/tests \
  --testcasefilter:"FullyQualifiedName!~NativeTests&FullyQualifiedName!~MemoryTests&FullyQualifiedName!~AbiTests${2:+&FullyQualifiedName~$2}"
