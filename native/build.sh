#!/bin/sh
# Builds libmood_event for this machine: build.sh OUTPUT-DIRECTORY
# $CC picks the compiler, $CFLAGS is added to ours; libev's source comes from fetch.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTPUT-DIRECTORY}
cc=${CC:-cc}

command -v "$cc" >/dev/null 2>&1 || {
  echo "native/build.sh: error MOODCC: no C compiler ('$cc'). Install one (Debian, Ubuntu: apt-get install gcc libc6-dev;" \
       "Fedora: dnf install gcc; Alpine: apk add gcc musl-dev linux-headers; macOS: xcode-select --install) or set CC." >&2
  exit 1
}

libev=$(sh "$here/fetch.sh")
mkdir -p "$out"

case $(uname -s) in
  Darwin) name=libmood_event.dylib; link="-dynamiclib -install_name @rpath/libmood_event.dylib" ;;
  *)      name=libmood_event.so;    link="-shared -Wl,-soname,libmood_event.so -Wl,-z,defs -Wl,-z,now -Wl,-Bsymbolic" ;;
esac

# libev is older than today's warnings: ours are on for our files only
# shellcheck disable=SC2086
compile() {
  "$cc" -std=gnu11 -O2 -g -fPIC -fvisibility=hidden -fno-strict-aliasing -pthread -D_FILE_OFFSET_BITS=64 \
    -I "$here/hooks" -I "$libev" ${CFLAGS:-} "$@"
}

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
compile -w -c "$here/libev.c" -o "$objects/libev.o"

for source in "$here"/*.c; do
  [ "$source" = "$here/libev.c" ] ||
    compile -Wall -Wextra -Werror -c "$source" -o "$objects/$(basename "$source" .c).o"
done

# shellcheck disable=SC2086
compile $link "$objects"/*.o -o "$objects/$name"
mv "$objects/$name" "$out/$name"
echo "native/build.sh: $out/$name"
