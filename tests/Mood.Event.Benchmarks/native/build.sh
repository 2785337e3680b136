#!/bin/sh
# Builds the C side of the benchmarks: build.sh OUTPUT-DIRECTORY
# The files NAME-libev.c become libmood_bench.so, and the files NAME-libuv.c become libmood_bench_uv.so. The files echo-*.c,
# load.c and pin.c become programs. Without libuv's header (Debian: libuv1-dev), the files that need libuv are left out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTPUT-DIRECTORY}
cc=${CC:-cc}

libev=$(sh "$here/../../../native/build/fetch.sh")
mkdir -p "$out"
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# The flags are those of native/build/build.sh, so that libev is equally fast on both sides.
# shellcheck disable=SC2086
compile() {
  "$cc" -std=gnu11 -O2 -g -fPIC -fvisibility=hidden -fno-strict-aliasing -pthread -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DNDEBUG \
    -I "$here" -I "$libev" ${CFLAGS:-} "$@"
}

ours() {
  compile -Wall -Wextra -Werror -Wno-strict-aliasing "$@"
}

# sources SUFFIX: lists the source files of the library
sources() {
  for source in "$here"/*-"$1".c; do
    case $(basename "$source") in
      echo-*) ;;
      *) echo "$source" ;;
    esac
  done
}

# program NAME ARGUMENTS: builds a program from NAME.c, if that file exists
program() {
  name=$1; shift
  [ ! -f "$here/$name.c" ] || { ours "$here/$name.c" "$@" -o "$objects/$name"; mv "$objects/$name" "$out/$name"; }
}

compile -w -c "$here/libev.c" -o "$objects/libev.o"

# shellcheck disable=SC2046
ours -shared -Wl,-z,defs -Wl,-z,now -Wl,-Bsymbolic $(sources libev) "$objects/libev.o" -lm -o "$objects/libmood_bench.so"
mv "$objects/libmood_bench.so" "$out/libmood_bench.so"
program echo-libev "$objects/libev.o" -lm
program load
program pin

if printf '#include <uv.h>\n' | "$cc" -E - >/dev/null 2>&1; then
  # shellcheck disable=SC2046
  ours -shared -Wl,-z,defs -Wl,-z,now $(sources libuv) -luv -lm -o "$objects/libmood_bench_uv.so"
  mv "$objects/libmood_bench_uv.so" "$out/libmood_bench_uv.so"
  program echo-libuv -luv
else
  rm -f "$out/libmood_bench_uv.so" "$out/echo-libuv"
  echo "tests/Mood.Event.Benchmarks/native/build.sh: built without libuv, whose header is missing" >&2
fi

echo "tests/Mood.Event.Benchmarks/native/build.sh: $out"
