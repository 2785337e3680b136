#!/bin/sh
# Prints the directory of an arm64 Debian system that has only what Mono needs, for an emulator. The packages are unpacked there, not
# installed. apt downloads the packages from the machine's own sources and checks their signatures. The lists, the state and the packages
# of apt are in a temporary directory of this script. The result is kept in a cache outside the tree, beside libev's source
# (native/build/fetch.sh).
set -eu

cache=${MOOD_EVENT_CACHE:-${XDG_CACHE_HOME:-${HOME:?mono-arm64.sh: neither MOOD_EVENT_CACHE nor HOME is set}/.cache}/mood-event}
root=$cache/mono-arm64
[ -d "$root" ] && { echo "$root"; exit 0; }

fail() { echo "mono-arm64.sh: $*" >&2; exit 1; }

command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || fail "apt-get or dpkg-deb is not here"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/root"
: >"$work/status" # no package counts as installed, so apt downloads a package with everything that it needs

apt() {
  apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Install-Recommends=false -o APT::Sandbox::User=root \
    -o "Dir::State=$work/state" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" "$@" >>"$work/log" 2>&1
}

apt update || : # a failure is ignored, because the packages may come from another source
apt install --download-only mono-runtime || { tail -n 3 "$work/log" >&2; fail "apt-get could not get mono-runtime for arm64"; }
(cd "$work" && apt download mono-devel) || { tail -n 3 "$work/log" >&2; fail "apt-get could not get mono-devel"; }

for package in "$work"/cache/archives/*.deb; do
  dpkg-deb --extract "$package" "$work/root"
done

# mono-devel has the compilers. Only its files that programs for .NET Standard need are copied.
dpkg-deb --fsys-tarfile "$work"/mono-devel_*.deb | tar -x -C "$work/root" ./usr/lib/mono/4.5/Facades

mkdir -p "$cache"
mv "$work/root" "$root" 2>/dev/null || [ -d "$root" ] # another run may have made the directory first
echo "$root"
