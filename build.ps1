# build.sh for PowerShell: the same verbs, the same meaning. Without arguments it says what.
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot

$usage = @'
usage: ./build.ps1 VERB [ARGUMENTS]

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
'@

$configuration = if ($env:CONFIGURATION) { $env:CONFIGURATION } else { 'Release' }
$verb = if ($args.Count) { $args[0] } else { 'help' }
$rest = @($args | Select-Object -Skip 1)

function Fail($message, $code) {
    [Console]::Error.WriteLine("build.ps1: $message")
    exit $code
}

# everything that is built needs the native library
if ($verb -in 'native', 'natives', 'build', 'test', 'test-package', 'demo', 'soak', 'bench', 'sanitize', 'pack') {
    if ($env:OS -eq 'Windows_NT') { Fail 'the native library cannot be built on Windows yet' 1 }
    if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
        Fail 'the .NET SDK (10 or later) is not on PATH: https://dotnet.microsoft.com/download' 1
    }
}

switch ($verb) {
    'native' { dotnet msbuild native/native.proj -v:minimal -nologo }
    'natives' { dotnet msbuild native/native.proj -t:Natives -v:minimal -nologo }
    'build' { dotnet build Mood.Event.sln -c $configuration -nologo -v minimal }
    { $_ -in 'test', 'test-package' } {
        $filter = @(if ($rest) { '--filter', "FullyQualifiedName~$($rest[0])" })
        $tests = if ($verb -eq 'test') { 'tests/Mood.Event.Tests' } else { 'tests/Mood.Event.Package.Tests' }
        $what = if ($verb -eq 'test') { 'Mood.Event.sln' } else { $tests }
        dotnet build $what -c $configuration -nologo -v minimal
        if ($LASTEXITCODE) { exit $LASTEXITCODE }
        dotnet test $tests -c $configuration -nologo -v minimal --no-build @filter -- RunConfiguration.TreatNoTestsAsError=true
    }
    'demo' {
        if (-not $rest) { $rest = @('echo', '--selftest') }
        $sample = $rest[0]
        if (-not (Test-Path "docs/samples/$sample" -PathType Container)) {
            Fail "there is no sample '$sample'. There are: $((Get-ChildItem docs/samples -Directory).Name)" 2
        }
        $arguments = @($rest | Select-Object -Skip 1)
        dotnet run --project "docs/samples/$sample" -c $configuration -- @arguments
    }
    'soak' { dotnet run --project tests/Mood.Event.Soak -c $configuration -- @rest }
    'bench' { dotnet run --project tests/Mood.Event.Benchmarks -c $configuration -- @rest }
    'sanitize' { sh native/sanitize.sh $configuration @rest }
    'pack' {
        sh native/zig.sh | Out-Null
        $natives = if ($LASTEXITCODE) { 'false' } else { 'true' }
        if ($natives -eq 'true') {
            dotnet msbuild native/native.proj -t:Natives -v:minimal -nologo @rest
            if ($LASTEXITCODE) { exit $LASTEXITCODE }
        } else {
            [Console]::Error.WriteLine('build.ps1: without zig the package holds the native library of this machine only')
        }
        dotnet pack src/Mood.Event -c $configuration -nologo -v minimal "-p:PackNatives=$natives" @rest
    }
    'clean' { if (Test-Path artifacts) { Remove-Item artifacts -Recurse -Force }; exit 0 }
    { $_ -in 'help', '-h', '--help' } { $usage; exit 0 }
    default { [Console]::Error.WriteLine("build.ps1: unknown verb '$verb'"); [Console]::Error.WriteLine($usage); exit 2 }
}

exit $LASTEXITCODE
