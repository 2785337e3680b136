#!/bin/sh
# Builds libmood_event for every platform of the package, with one cross compiler: natives.sh OUTPUT-DIRECTORY
# The libraries are put in OUTPUT-DIRECTORY/RID/native, as in a package. The same sources and the same zig give the same bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: natives.sh OUTPUT-DIRECTORY}
zig=$(sh "$here/zig.sh")

# zig builds C libraries for its own use. They are cached beside zig and not in the tree.
cache=${MOOD_EVENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mood-event}
export ZIG_GLOBAL_CACHE_DIR="${ZIG_GLOBAL_CACHE_DIR:-$cache/zig-cache}"
export ZIG_LOCAL_CACHE_DIR="${ZIG_LOCAL_CACHE_DIR:-$cache/zig-cache}"

# Without debug information, and with exported symbols only, so that builds of the same sources do not differ.
build() {
  CC="$zig cc -target $2" CFLAGS="${CFLAGS:-} -g0" LDFLAGS="-Wl,-s" sh "$here/build.sh" "$out/$1/native"
}

# glibc 2.17 is the oldest version that .NET has supported. musl has no such versions. 32-bit ARM is Debian's armhf, without NEON.
# native.proj takes the last library as the sign that all are built.
build win-x64          x86_64-windows-gnu
build win-arm64        aarch64-windows-gnu
build linux-x64        x86_64-linux-gnu.2.17
build linux-arm64      aarch64-linux-gnu.2.17
build linux-arm        "arm-linux-gnueabihf.2.17 -mcpu=generic+v7a+vfp3d16-neon-vfp3-d32"
build linux-musl-x64   x86_64-linux-musl
build linux-musl-arm64 aarch64-linux-musl
build osx-x64          x86_64-macos.11.0
build osx-arm64        aarch64-macos.11.0
