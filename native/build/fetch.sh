#!/bin/sh
# Prints the directory of a source that the build needs. If the cache does not have it, fetches it first: fetch.sh [libev|wepoll]
# The source comes from the file that $LIBEV_TARBALL or $WEPOLL_SOURCE names, or from upstream, or from the distribution's source package.
# The script always checks it against the sha256 in libev.lock or wepoll.lock. The cache is outside the tree: $MOOD_EVENT_CACHE, or the
# folder mood-event in $XDG_CACHE_HOME or ~/.cache.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=${1:-libev}
. "$here/$name.lock"

cache=${MOOD_EVENT_CACHE:-${XDG_CACHE_HOME:-${HOME:?fetch.sh: neither MOOD_EVENT_CACHE nor HOME is set}/.cache}/mood-event}
source=$cache/$name-$version-$sha256

case $name in
  libev) main=ev.c variable=LIBEV_TARBALL given=${LIBEV_TARBALL:-} ;;
  wepoll) main=wepoll.c variable=WEPOLL_SOURCE given=${WEPOLL_SOURCE:-} ;;
esac

[ -f "$source/$main" ] && { echo "$source"; exit 0; }

say() { echo "native/build/fetch.sh: $*" >&2; }

# MSBuild shows a line of this form as an error, even with a quiet verbosity.
fail() { say "error MOOD$(echo "$name" | tr '[:lower:]' '[:upper:]'): $*"; }

checked() {
  if command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum "$1"); else sum=$(shasum -a 256 "$1"); fi
  [ "${sum%% *}" = "$sha256" ] || { fail "$1 has sha256 ${sum%% *}, $name.lock says $sha256"; return 1; }
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
got=$work/$file

from_upstream() {
  say "fetching $url"
  if command -v curl >/dev/null 2>&1; then curl -sSfL --connect-timeout 10 --max-time 120 -o "$got" "$url"
  elif command -v wget >/dev/null 2>&1; then wget -q -T 20 -t 1 -O "$got" "$url"
  else say "neither curl nor wget is here"; return 1; fi
}

# A source package of Debian and its relatives contains the upstream tarball. libev's tarball is the one that libev.lock names. The
# tarball of zeromq3 contains wepoll.c. The machine's configuration is not changed: its list of sources is copied, with deb-src in
# place of deb, and apt keeps its lists in a temporary directory.
from_debian() {
  command -v apt-get >/dev/null 2>&1 || return 1
  say "fetching the source package $debian_source with apt-get"
  mkdir -p "$work/sources" "$work/lists/partial" "$work/package"
  for list in /etc/apt/sources.list.d/*.sources; do
    [ -f "$list" ] && sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/sources/$(basename "$list")"
  done
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$list" ] && sed -n 's/^deb /deb-src /p' "$list" >"$work/sources/$(basename "$list").list"
  done
  set -- -q -o APT::Sandbox::User=root -o Dir::Etc::sourcelist=/dev/null \
    -o "Dir::Etc::sourceparts=$work/sources" -o "Dir::State::Lists=$work/lists"
  # If one source does not answer, another one may have the package.
  apt-get "$@" update >"$work/log" 2>&1 || true
  (cd "$work/package" && apt-get "$@" source --download-only "$debian_source" >>"$work/log" 2>&1) || {
    tail -n 3 "$work/log" >&2; return 1; }
  tarball=$(ls "$work/package/$debian_source"_*.orig.tar.gz)

  case $name in
    libev) mv "$tarball" "$got" ;;
    wepoll) tar -xzf "$tarball" -C "$work/package" && cp "$work"/package/*/external/wepoll/wepoll.c "$got" ;;
  esac
}

if [ -n "$given" ]; then
  cp "$given" "$got" && checked "$got"
else
  { from_upstream && checked "$got"; } || { from_debian && checked "$got"; }
fi || {
  fail "$name $version could not be fetched. Check the network, or download $file yourself (from $url) and set $variable to its path."
  exit 1
}

mkdir -p "$cache" "$work/tree"

case $name in
  libev) tar -xzf "$got" -C "$work/tree" --strip-components=1 ;;
  wepoll) mv "$got" "$work/tree/$main" ;;
esac

mv "$work/tree" "$source" 2>/dev/null || [ -f "$source/$main" ] # another build may have been faster
echo "$source"
