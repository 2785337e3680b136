#!/bin/sh
# Builds libmood_event for every platform of the package, by one cross compiler: natives.sh OUTPUT-DIRECTORY
# It lands in OUTPUT-DIRECTORY/RID/native, as in a package. The same sources and the same zig give the same bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: natives.sh OUTPUT-DIRECTORY}
zig=$(sh "$here/zig.sh")

# what zig builds for itself, the C libraries mostly, it keeps beside itself and not in the tree
cache=${MOOD_EVENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mood-event}
export ZIG_GLOBAL_CACHE_DIR="${ZIG_GLOBAL_CACHE_DIR:-$cache/zig-cache}"
export ZIG_LOCAL_CACHE_DIR="${ZIG_LOCAL_CACHE_DIR:-$cache/zig-cache}"

# no debug information and no symbols but the exported ones: what is not there cannot differ
build() {
  CC="$zig cc -target $2" CFLAGS="${CFLAGS:-} -g0" LDFLAGS="-Wl,-s" sh "$here/build.sh" "$out/$1/native"
}

# glibc 2.17 is the oldest that .NET has run on; musl has no versions. 32-bit ARM is what Debian calls armhf, without NEON.
# native.proj looks for the last one.
build win-x64          x86_64-windows-gnu
build win-arm64        aarch64-windows-gnu
build linux-x64        x86_64-linux-gnu.2.17
build linux-arm64      aarch64-linux-gnu.2.17
build linux-arm        "arm-linux-gnueabihf.2.17 -mcpu=generic+v7a+vfp3d16-neon-vfp3-d32"
build linux-musl-x64   x86_64-linux-musl
build linux-musl-arm64 aarch64-linux-musl
build osx-x64          x86_64-macos.11.0
build osx-arm64        aarch64-macos.11.0
