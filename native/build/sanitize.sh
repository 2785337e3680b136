#!/bin/sh
# The tests over a native library built with AddressSanitizer and UndefinedBehaviorSanitizer: sanitize.sh CONFIGURATION [FILTER]
# Left out: NativeTests, which bring valgrind and ThreadSanitizer of their own, MemoryTests, which weigh the process,
# and AbiTests, which want the library without a sanitizer's imports.
# Leaks are for the tests' own counters: the runtime leaves too much behind at exit for LeakSanitizer.
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

# the runtime needs SIGSEGV for itself, and its own alternate stacks
export ASAN_OPTIONS=detect_leaks=0:handle_segv=0:handle_sigfpe=0:use_sigaltstack=0:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1
LD_PRELOAD="$("$cc" -print-file-name=libasan.so) $("$cc" -print-file-name=libubsan.so)" \
  dotnet vstest "$output/Mood.Event.Tests.dll" \
  --testcasefilter:"FullyQualifiedName!~NativeTests&FullyQualifiedName!~MemoryTests&FullyQualifiedName!~AbiTests${2:+&FullyQualifiedName~$2}"
