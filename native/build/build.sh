#!/bin/sh
# Builds libmood_event for the target of the compiler, by default this machine: build.sh OUTPUT-DIRECTORY
# $CC selects the compiler and may contain arguments. $CFLAGS and $LDFLAGS are added to the flags below. fetch.sh provides libev's
# source.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
native=$(dirname "$here")
out=${1:?usage: build.sh OUTPUT-DIRECTORY}

# The default on Windows is zig, because native/windows was written for zig's headers.
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

# The version is the property in Directory.Build.props. MSBuild passes MOOD_EVENT_VERSION, because its caller may set another
# version.
version=${MOOD_EVENT_VERSION:-$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$native/../Directory.Build.props")}
version=${version%%+*} # without build metadata, like Ev.Version
mkdir -p "$out"

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# The exports are limited by -fvisibility and by a list for the linker. The compiler's own libraries contain visible functions
# (stat of old glibcs, arithmetic of 32-bit ARM), which only the list hides.
target=$($cc -dumpmachine 2>/dev/null || :)
system="-fPIC -pthread -D_FILE_OFFSET_BITS=64"
wepoll= # its source, on Windows
set -- "$native"/*.c

case $target in
  *darwin*|*macos*)
    name=libmood_event.dylib
    link="-dynamiclib -install_name @rpath/libmood_event.dylib" ;;
  *windows*|*mingw*)
    # windows/ has files that replace those for POSIX. wepoll includes headers of the SDK by names with upper-case letters.
    name=mood_event.dll
    link="-shared -lws2_32 -Wl,--gc-sections"
    wepoll=$(sh "$here/fetch.sh" wepoll)
    mkdir "$objects/case"
    for header in WinSock2.h WS2tcpip.h Windows.h; do
      echo "#include_next <$(echo "$header" | tr '[:upper:]' '[:lower:]')>" >"$objects/case/$header"
    done
    system=
    set -- "$native"/windows/*.c
    for source in "$native"/*.c; do
      case ${source##*/} in
        child.c|io.c|known.c|pidfd.c|processes.c|reaping.c|signal.c|socket.c|status.c|stream.c) ;;
        *) set -- "$@" "$source" ;;
      esac
    done ;;
  *)
    name=libmood_event.so
    echo '{ global: mood_*; local: *; };' >"$objects/exports"
    link="-shared -Wl,-soname,$name -Wl,-z,defs -Wl,-z,now -Wl,-Bsymbolic -Wl,--gc-sections -Wl,--version-script,$objects/exports" ;;
esac

# shellcheck disable=SC2086
compile() {
  $cc -std=gnu11 -O2 -g -ffile-prefix-map="$native=native" -ffile-prefix-map="$libev=libev" -fvisibility=hidden \
    -fno-strict-aliasing $system -I "$native/libev" -I "$libev" \
    ${wepoll:+"-ffile-prefix-map=$wepoll=wepoll" -I "$native/windows/include" -I "$wepoll" -I "$objects/case"} \
    "-DMOOD_VERSION=\"$version\"" ${CFLAGS:-} "$@"
}

# Warnings are on for our files only, because libev and wepoll cause many warnings of today's compilers.
for source; do
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
