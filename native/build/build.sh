#!/bin/sh
# Builds libmood_event for what the compiler compiles for, which is this machine unless it says otherwise: build.sh OUTPUT-DIRECTORY
# $CC picks the compiler and may bring arguments, $CFLAGS and $LDFLAGS are added to ours; libev's source comes from fetch.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
native=$(dirname "$here")
out=${1:?usage: build.sh OUTPUT-DIRECTORY}

# on Windows zig, whose headers native/windows was written for
case $(uname -s) in
  MINGW*|MSYS*|CYGWIN*) cc=${CC:-zig cc} ;;
  *) cc=${CC:-cc} ;;
esac

command -v "${cc%% *}" >/dev/null 2>&1 || {
  echo "native/build/build.sh: error MOODCC: no C compiler ('$cc'). Install one (Debian, Ubuntu: apt-get install gcc libc6-dev;" \
       "Fedora: dnf install gcc; Alpine: apk add gcc musl-dev linux-headers; macOS: xcode-select --install; Windows: zig) or set CC." >&2
  exit 1
}

libev=$(sh "$here/fetch.sh")

# of the one property, unless MSBuild, which may have been told another, says it
version=${MOOD_EVENT_VERSION:-$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$native/../Directory.Build.props")}
version=${version%%+*} # without build metadata, as Ev.Version
mkdir -p "$out"

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# the exports are said twice: what the compiler's own libraries bring (stat of old glibcs, arithmetic of 32-bit ARM) is visible
target=$($cc -dumpmachine 2>/dev/null || :)
sources=$(ls "$native"/*.c)
system="-fPIC -pthread -D_FILE_OFFSET_BITS=64"

case $target in
  *darwin*|*macos*)
    name=libmood_event.dylib
    link="-dynamiclib -install_name @rpath/libmood_event.dylib" ;;
  *windows*|*mingw*)
    # windows/ has its own files in place of those that are about POSIX. wepoll includes headers of the SDK in letter case.
    name=mood_event.dll
    link="-shared -lws2_32 -Wl,--gc-sections"
    wepoll=$(sh "$here/fetch.sh" wepoll)
    mkdir "$objects/case"
    for header in WinSock2.h WS2tcpip.h Windows.h; do
      echo "#include_next <$(echo "$header" | tr '[:upper:]' '[:lower:]')>" >"$objects/case/$header"
    done
    system="-ffile-prefix-map=$wepoll=wepoll -I $native/windows/include -I $wepoll -I $objects/case"
    sources=$(ls "$native"/*.c "$native"/windows/*.c | grep -Ev "^$native/(child|io|known|pidfd|processes|reaping|signal|socket|stat|stream)[.]c$") ;;
  *)
    name=libmood_event.so
    echo '{ global: mood_*; local: *; };' >"$objects/exports"
    link="-shared -Wl,-soname,$name -Wl,-z,defs -Wl,-z,now -Wl,-Bsymbolic -Wl,--gc-sections -Wl,--version-script,$objects/exports" ;;
esac

# shellcheck disable=SC2086
compile() {
  $cc -std=gnu11 -O2 -g -ffile-prefix-map="$native=native" -ffile-prefix-map="$libev=libev" -fvisibility=hidden \
    -fno-strict-aliasing $system -I "$native/libev" -I "$libev" "-DMOOD_VERSION=\"$version\"" ${CFLAGS:-} "$@"
}

# libev and wepoll are older than today's warnings: ours are on for our files only
for source in $sources; do
  case $source in
    */libev.c|*/epoll.c) warnings=-w ;;
    *) warnings="-Wall -Wextra -Werror" ;;
  esac

  # shellcheck disable=SC2086
  compile $warnings -c "$source" -o "$objects/$(basename "$(dirname "$source")")-$(basename "$source" .c).o"
done

# shellcheck disable=SC2086
compile $link ${LDFLAGS:-} "$objects"/*.o -o "$objects/$name"
mv "$objects/$name" "$out/$name"
echo "native/build/build.sh: $out/$name"
