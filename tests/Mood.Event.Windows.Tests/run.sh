#!/bin/sh
# Publishes the tests as a program for Windows, and runs it, under Wine where this is not Windows: run.sh CONFIGURATION [FILTER]
# It needs zig (native/build/zig.sh). The run itself takes 10 minutes at most.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/artifacts/windows-tests
configuration=${1:?usage: run.sh CONFIGURATION [FILTER]}
shift

case $(uname -s) in
  MINGW*|MSYS*|CYGWIN*) wine= ;;
  *) wine=wine
     command -v wine >/dev/null 2>&1 || {
       echo "run.sh: Wine is not installed (Debian, Ubuntu: apt-get install wine wine64)" >&2; exit 1; } ;;
esac

zig=$(sh "$root/native/build/zig.sh")
cc="$zig cc -target x86_64-windows-gnu"
cache=${MOOD_EVENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mood-event}
export ZIG_GLOBAL_CACHE_DIR="${ZIG_GLOBAL_CACHE_DIR:-$cache/zig-cache}"
export ZIG_LOCAL_CACHE_DIR="${ZIG_LOCAL_CACHE_DIR:-$cache/zig-cache}"

# the testing build of the native library (native/testing.h), and the POSIX functions of the tests
CC=$cc CFLAGS="${CFLAGS:-} -DMOOD_TESTING" sh "$root/native/build/build.sh" "$out/native"
$cc -O2 -Wall -Wextra -Werror -shared "$here/libc.c" -lws2_32 -o "$out/native/libc.dll"
dotnet publish "$here" -c "$configuration" -nologo -v quiet -o "$out/program"
[ -z "$wine" ] || dotnet publish "$here" -c "$configuration" -nologo -v quiet -r linux-x64 --no-self-contained -p:UseAppHost=false -o "$out/host"
cp "$out/native/mood_event.dll" "$out/native/libc.dll" "$out/program"

# Wine keeps its Windows directory there. Without a display it shows no dialog.
export WINEPREFIX="$out/wine" WINEDEBUG=-all
unset DISPLAY
cd "$out/program"
failed=0

if [ -n "$wine" ]; then
  # the program that starts the others runs here (Program.cs)
  MOOD_EVENT_WINDOWS_TESTS="$wine ./Mood.Event.Tests.exe" timeout --kill-after=10 600 dotnet "$out/host/Mood.Event.Tests.dll" "$@" || failed=$?
else
  ./Mood.Event.Tests.exe "$@" || failed=$?
fi

[ "$failed" -ne 124 ] || echo "run.sh: the tests did not end within 10 minutes" >&2
[ -z "$wine" ] || wineserver -k || true
exit "$failed"
