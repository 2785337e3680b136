#!/bin/sh
# Builds, tests and packs this repository. Without arguments it lists its verbs.
set -eu
cd "$(dirname "$0")"

usage() {
  cat <<'END'
usage: ./build.sh VERB [ARGUMENTS]

  native                 builds the native library for this machine
  natives                builds the native libraries for every platform, with zig
  build                  builds everything
  test [FILTER]          runs the tests of the library, or only those whose names contain FILTER
  test-package [FILTER]  makes the packages, then runs programs that use them on every runtime of this machine
  test-windows [FILTER]  runs the tests as a program for Windows, under Wine where this is not Windows; needs zig
  demo [SAMPLE] [ARGS]   runs a sample of docs/samples; the default is echo --selftest
  soak [MINUTES]         runs random operations against models, for 2 minutes by default; --seed N repeats a failure
  bench [AREA] [ARGS]    compares Mood.Event with libev in C and others; --help lists the areas
                         The area kestrel compares Kestrel over loops and over sockets; "bench kestrel soak 5" runs it for 5 minutes
  sanitize [FILTER]      runs the tests over a native library with AddressSanitizer and UndefinedBehaviorSanitizer
  pack                   makes the NuGet packages in artifacts/package/release, with zig. On Linux x64 it downloads zig if there is none: 3 to 10 minutes
                         the first time. Elsewhere, without zig, Mood.Event holds the native library of this machine only
  docs [--check]         makes the documentation site in artifacts/docs/site; needs npm. --check looks at every page in Chromium
  clean                  removes artifacts

The environment variable CONFIGURATION selects Debug or Release. The default is Release.
END
}

configuration=${CONFIGURATION:-Release}

need_dotnet() {
  command -v dotnet >/dev/null 2>&1 || {
    echo "build.sh: the .NET SDK (10 or later) is not on PATH: https://dotnet.microsoft.com/download" >&2; exit 1; }
}

# If no test ends for 15 minutes, one hangs. Then the run ends, and names that test.
run_tests() {
  dotnet test "tests/$1" -c "$configuration" -nologo -v minimal --no-build \
    --blame-hang-timeout 15m --blame-hang-dump-type none --logger trx --results-directory artifacts/tests \
    ${2:+--filter "FullyQualifiedName~$2"} -- RunConfiguration.TreatNoTestsAsError=true
}

verb=${1:-help}
[ $# -eq 0 ] || shift

# The programs of bench and soak have their own help.
case $verb:${1:-} in
  bench:*|soak:*) ;;
  *:-h|*:--help) verb=help ;;
esac

case $verb in
  native)
    need_dotnet
    dotnet msbuild native/build/native.proj -v:minimal -nologo ;;
  natives)
    need_dotnet
    dotnet msbuild native/build/native.proj -t:Natives -v:minimal -nologo ;;
  build)
    need_dotnet
    dotnet build Mood.Event.sln -c "$configuration" -nologo -v minimal ;;
  test)
    need_dotnet
    dotnet build Mood.Event.sln -c "$configuration" -nologo -v minimal
    failed=0
    run_tests Mood.Event.Tests "$@" || failed=$?
    # If the tests of one project fail, those of the next project still run. A filter is for the first project, and must match a test there.
    [ $# -gt 0 ] || run_tests Mood.Event.Hosting.Tests || failed=$?
    [ $# -gt 0 ] || run_tests Mood.Event.AspNetCore.Tests || failed=$?
    exit "$failed" ;;
  test-package)
    need_dotnet
    dotnet build tests/Mood.Event.Package.Tests -c "$configuration" -nologo -v minimal
    run_tests Mood.Event.Package.Tests "$@" ;;
  test-windows)
    need_dotnet
    sh tests/Mood.Event.Windows.Tests/run.sh "$configuration" "$@" ;;
  demo)
    need_dotnet
    [ $# -gt 0 ] || set -- echo --selftest
    sample=$1; shift
    [ -d "docs/samples/$sample" ] || {
      echo "build.sh: there is no sample '$sample'. The samples are: $(cd docs/samples; echo */ | tr -d /)" >&2; exit 2; }
    dotnet build "docs/samples/$sample" -c "$configuration" -nologo -v minimal -clp:NoSummary
    exec dotnet run --project "docs/samples/$sample" -c "$configuration" --no-build -- "$@" ;;
  soak)
    need_dotnet
    dotnet run --project tests/Mood.Event.Soak -c "$configuration" -- "$@" ;;
  bench)
    need_dotnet
    if [ "${1:-}" = kestrel ]; then
      shift
      dotnet build tests/Mood.Event.AspNetCore.Benchmarks -c "$configuration" -nologo -v minimal
      dotnet run --project tests/Mood.Event.AspNetCore.Benchmarks -c "$configuration" --no-build -- "$@"
      exit
    fi
    dotnet build tests/Mood.Event.Benchmarks -c "$configuration" -nologo -v minimal
    dotnet run --project tests/Mood.Event.Benchmarks -c "$configuration" --no-build -- "$@" ;;
  sanitize)
    need_dotnet
    sh native/build/sanitize.sh "$configuration" "$@" ;;
  pack)
    need_dotnet
    if sh native/build/zig.sh >/dev/null; then
      natives=true
      dotnet msbuild native/build/native.proj -t:Natives -v:minimal -nologo "$@"
    else
      natives=false
      echo "build.sh: without zig the package holds the native library of this machine only" >&2
    fi
    for package in Mood.Event Mood.Event.Hosting Mood.Event.AspNetCore; do
      dotnet pack "src/$package" -c "$configuration" -nologo -v minimal -p:PackNatives=$natives "$@"
    done
    folder="$PWD/artifacts/package/$(printf %s "$configuration" | tr '[:upper:]' '[:lower:]')"
    cat <<TEXT

The packages are in $folder. To use them, in the directory of your project:
  dotnet new nugetconfig   # skip this line if there is a nuget.config
  dotnet nuget add source "$folder" --name mood-event --configfile nuget.config
  dotnet add package Mood.Event
NuGet keeps a copy of an older package with the same version. Delete it: rm -rf ~/.nuget/packages/mood.event*
TEXT
    ;;
  docs)
    need_dotnet
    dotnet run --project tests/Mood.Event.Site -c "$configuration" -- "$@" ;;
  clean)
    rm -rf artifacts ;;
  help|-h|--help)
    usage ;;
  *)
    echo "build.sh: unknown verb '$verb'" >&2; usage >&2; exit 2 ;;
esac
