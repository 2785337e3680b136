#!/bin/sh
# Everything this repository does, in one place. Without arguments it says what.
set -eu
cd "$(dirname "$0")"

usage() {
  cat <<'END'
usage: ./build.sh VERB [ARGUMENTS]

  native                 the native library for this machine
  natives                the native libraries for every platform, with zig
  build                  everything
  test [FILTER]          the tests of the library, or those whose names contain FILTER
  test-package [FILTER]  the tests of the package: it is made, restored into fresh projects and run on every runtime here
  demo [SAMPLE] [ARGS]   a sample from docs/samples; without one: echo --selftest
  soak [MINUTES]         random operations against models (2 minutes); --seed N replays a failure
  bench [AREA] [ARGS]    Mood.Event against C libev and others, in turn; --help says more
  sanitize [FILTER]      the tests over a native library built with ASan and UBSan
  pack                   the NuGet package with the natives, into artifacts/package/release; without zig: with this machine's only
  clean                  removes what was built

CONFIGURATION is Release unless the environment says otherwise.
END
}

configuration=${CONFIGURATION:-Release}

need_dotnet() {
  command -v dotnet >/dev/null 2>&1 || {
    echo "build.sh: the .NET SDK (10 or later) is not on PATH: https://dotnet.microsoft.com/download" >&2; exit 1; }
}

run_tests() {
  dotnet test "tests/$1" -c "$configuration" -nologo -v minimal --no-build \
    ${2:+--filter "FullyQualifiedName~$2"} -- RunConfiguration.TreatNoTestsAsError=true
}

verb=${1:-help}
[ $# -eq 0 ] || shift

case $verb in
  native)
    need_dotnet
    dotnet msbuild native/native.proj -v:minimal -nologo ;;
  natives)
    need_dotnet
    dotnet msbuild native/native.proj -t:Natives -v:minimal -nologo ;;
  build)
    need_dotnet
    dotnet build Mood.Event.sln -c "$configuration" -nologo -v minimal ;;
  test)
    need_dotnet
    dotnet build Mood.Event.sln -c "$configuration" -nologo -v minimal
    run_tests Mood.Event.Tests "$@" ;;
  test-package)
    need_dotnet
    dotnet build tests/Mood.Event.Package.Tests -c "$configuration" -nologo -v minimal
    run_tests Mood.Event.Package.Tests "$@" ;;
  demo)
    need_dotnet
    [ $# -gt 0 ] || set -- echo --selftest
    sample=$1; shift
    [ -d "docs/samples/$sample" ] || {
      echo "build.sh: there is no sample '$sample'. There are: $(ls docs/samples | tr '\n' ' ')" >&2; exit 2; }
    dotnet build "docs/samples/$sample" -c "$configuration" -nologo -v minimal
    dotnet run --project "docs/samples/$sample" -c "$configuration" --no-build -- "$@" ;;
  soak)
    need_dotnet
    dotnet run --project tests/Mood.Event.Soak -c "$configuration" -- "$@" ;;
  bench)
    need_dotnet
    dotnet build tests/Mood.Event.Benchmarks -c "$configuration" -nologo -v minimal
    dotnet run --project tests/Mood.Event.Benchmarks -c "$configuration" --no-build -- "$@" ;;
  sanitize)
    need_dotnet
    sh native/sanitize.sh "$configuration" "$@" ;;
  pack)
    need_dotnet
    if sh native/zig.sh >/dev/null; then
      natives=true
      dotnet msbuild native/native.proj -t:Natives -v:minimal -nologo "$@"
    else
      natives=false
      echo "build.sh: without zig the package holds the native library of this machine only" >&2
    fi
    dotnet pack src/Mood.Event -c "$configuration" -nologo -v minimal -p:PackNatives=$natives "$@" ;;
  clean)
    rm -rf artifacts ;;
  help|-h|--help)
    usage ;;
  *)
    echo "build.sh: unknown verb '$verb'" >&2; usage >&2; exit 2 ;;
esac
