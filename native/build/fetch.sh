#!/bin/sh
# Prints the directory of libev's unpacked source, fetching it first where the cache does not have it yet:
# from $LIBEV_TARBALL, else from upstream, else from the distribution's source package. Always checked against
# libev.lock. The cache lies outside the tree: $MOOD_EVENT_CACHE, else $XDG_CACHE_HOME or ~/.cache, mood-event.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/libev.lock"

cache=${MOOD_EVENT_CACHE:-${XDG_CACHE_HOME:-${HOME:?fetch.sh: neither MOOD_EVENT_CACHE nor HOME is set}/.cache}/mood-event}
source=$cache/libev-$version-$sha256
[ -f "$source/ev.c" ] && { echo "$source"; exit 0; }

say() { echo "native/build/fetch.sh: $*" >&2; }

# MSBuild shows a line of this shape as an error of its own, however quiet it was told to be
fail() { say "error MOODLIBEV: $*"; }

checked() {
  if command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum "$1"); else sum=$(shasum -a 256 "$1"); fi
  [ "${sum%% *}" = "$sha256" ] || { fail "$1 has sha256 ${sum%% *}, libev.lock says $sha256"; return 1; }
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tarball=$work/libev.tar.gz

from_upstream() {
  say "fetching $url"
  if command -v curl >/dev/null 2>&1; then curl -sSfL --connect-timeout 10 --max-time 120 -o "$tarball" "$url"
  elif command -v wget >/dev/null 2>&1; then wget -q -T 20 -t 1 -O "$tarball" "$url"
  else say "neither curl nor wget is here"; return 1; fi
}

# The Debian family's source package brings the upstream tarball. The machine's own configuration stays as it is: its
# sources are copied with deb turned into deb-src, and apt keeps its lists in a place of ours.
from_debian() {
  command -v apt-get >/dev/null 2>&1 || return 1
  say "fetching the source package $debian_source with apt-get"
  mkdir -p "$work/sources" "$work/lists/partial" "$work/package"
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/sources/$(basename "$file")"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] && sed -n 's/^deb /deb-src /p' "$file" >"$work/sources/$(basename "$file").list"
  done
  set -- -q -o APT::Sandbox::User=root -o Dir::Etc::sourcelist=/dev/null \
    -o "Dir::Etc::sourceparts=$work/sources" -o "Dir::State::Lists=$work/lists"
  # a source that does not answer is no reason to stop: the package may come from another one
  apt-get "$@" update >"$work/log" 2>&1 || true
  (cd "$work/package" && apt-get "$@" source --download-only "$debian_source" >>"$work/log" 2>&1) || {
    tail -n 3 "$work/log" >&2; return 1; }
  mv "$work/package/${debian_source}_$version.orig.tar.gz" "$tarball"
}

if [ -n "${LIBEV_TARBALL:-}" ]; then
  cp "$LIBEV_TARBALL" "$tarball" && checked "$tarball"
else
  { from_upstream && checked "$tarball"; } || { from_debian && checked "$tarball"; }
fi || {
  fail "libev $version could not be had. Check the network, or download libev-$version.tar.gz yourself" \
      "(from $url) and set LIBEV_TARBALL to its path."
  exit 1
}

mkdir -p "$cache" "$work/tree"
tar -xzf "$tarball" -C "$work/tree" --strip-components=1
mv "$work/tree" "$source" 2>/dev/null || [ -f "$source/ev.c" ] # another build may have been faster
echo "$source"
