#!/bin/sh
# Publishes the tests as a program for Windows and runs it. On other systems it runs under Wine. Usage: run.sh CONFIGURATION [FILTER]
# It needs zig (native/build/zig.sh). The run takes at most 20 minutes.
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

# Builds the testing build of the native library (native/testing.h) and the POSIX functions of the tests.
CC=$cc CFLAGS="${CFLAGS:-} -DMOOD_TESTING" sh "$root/native/build/build.sh" "$out/native"
$cc -O2 -Wall -Wextra -Werror -shared "$here/libc.c" -lws2_32 -o "$out/native/libc.dll"
dotnet publish "$here" -c "$configuration" -nologo -v quiet -o "$out/program"
[ -z "$wine" ] || dotnet publish "$here" -c "$configuration" -nologo -v quiet -r linux-x64 --no-self-contained -p:UseAppHost=false -o "$out/host"
cp "$out/native/mood_event.dll" "$out/native/libc.dll" "$out/program"

# Without a display Wine shows no dialog.
unset DISPLAY
export WINEDEBUG=-all

# If the server of Wine crashes, no program that it serves continues. So each of the programs that run at the same time (Program.cs) has a
# server of its own, which belongs to a directory. The servers share the files of the system.
if [ -n "$wine" ]; then
  rm -rf "$out/wine"
  mkdir -p "$out/wine"
  export WINEPREFIX="$out/wine/1"
  wine wineboot --init >/dev/null 2>&1 # its services never close their output, so they must not get ours
  wineserver -w
  unset WINEPREFIX
  for place in 2 3; do
    mkdir "$out/wine/$place"
    cp -a "$out/wine/1"/*.reg "$out/wine/1/.update-timestamp" "$out/wine/1/dosdevices" "$out/wine/$place"
    ln -s ../1/drive_c "$out/wine/$place/drive_c"
  done
fi

# Ends the programs of Wine, including those whose server has crashed, because they would keep our output open.
end_wine() {
  for program in /proc/[0-9]*; do
    if tr '\0' '\n' 2>/dev/null <"$program/environ" | grep -q "^WINEPREFIX=$out/wine/"; then
      [ "${program#/proc/}" = $$ ] || kill -9 "${program#/proc/}" 2>/dev/null || :
    fi
  done
}

cd "$out/program"
failed=0

if [ -n "$wine" ]; then
  trap end_wine EXIT
  # The program that starts the others (Program.cs) runs on the host, without Wine.
  MOOD_EVENT_WINDOWS_TESTS="$wine ./Mood.Event.Tests.exe" MOOD_EVENT_WINE="$out/wine" timeout --kill-after=10 1200 dotnet "$out/host/Mood.Event.Tests.dll" "$@" || failed=$?
else
  ./Mood.Event.Tests.exe "$@" || failed=$?
fi

[ "$failed" -ne 124 ] || echo "run.sh: the tests did not end within 20 minutes" >&2
exit "$failed"
