# build.sh for PowerShell, with the same verbs. Without arguments it lists them.
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot

$usage = @'
usage: ./build.ps1 VERB [ARGUMENTS]

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
'@

$configuration = if ($env:CONFIGURATION) { $env:CONFIGURATION } else { 'Release' }
$verb = if ($args.Count) { $args[0] } else { 'help' }

# PowerShell splits -p:NAME=VALUE into two arguments, which are joined here
$rest = @(for ($i = 1; $i -lt $args.Count; $i++) {
    if ($args[$i] -match '^-\w+:$' -and $i + 1 -lt $args.Count) { "$($args[$i])$($args[++$i])" } else { $args[$i] }
})

# The programs of bench and soak have their own help.
if ($verb -notin 'bench', 'soak' -and $rest -and $rest[0] -in '-h', '--help') { $verb = 'help' }

function Fail($message, $code) {
    [Console]::Error.WriteLine("build.ps1: $message")
    exit $code
}

# these verbs need dotnet, and sh to build the native library
if ($verb -in 'native', 'natives', 'build', 'test', 'test-package', 'test-windows', 'demo', 'soak', 'bench', 'sanitize', 'pack', 'docs') {
    if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
        Fail 'the .NET SDK (10 or later) is not on PATH: https://dotnet.microsoft.com/download' 1
    }
    if (-not (Get-Command sh -ErrorAction SilentlyContinue)) {
        Fail 'sh is not on PATH. On Windows it comes with Git: add C:\Program Files\Git\bin to PATH.' 1
    }
}

switch ($verb) {
    'native' { dotnet msbuild native/build/native.proj -v:minimal -nologo }
    'natives' { dotnet msbuild native/build/native.proj -t:Natives -v:minimal -nologo }
    'build' { dotnet build Mood.Event.sln -c $configuration -nologo -v minimal }
    { $_ -in 'test', 'test-package' } {
        # If no test ends for 15 minutes, one hangs. Then the run ends, and names that test.
        $blame = '--blame-hang-timeout', '15m', '--blame-hang-dump-type', 'none', '--logger', 'trx', '--results-directory', 'artifacts/tests'
        $filter = @(if ($rest) { '--filter', "FullyQualifiedName~$($rest[0])" })
        $tests = if ($verb -eq 'test') { 'tests/Mood.Event.Tests' } else { 'tests/Mood.Event.Package.Tests' }
        $what = if ($verb -eq 'test') { 'Mood.Event.sln' } else { $tests }
        dotnet build $what -c $configuration -nologo -v minimal
        if ($LASTEXITCODE) { exit $LASTEXITCODE }
        dotnet test $tests -c $configuration -nologo -v minimal --no-build @blame @filter -- RunConfiguration.TreatNoTestsAsError=true
        $failed = $LASTEXITCODE
        # If the tests of one project fail, those of the next project still run. A filter is for the first project, and must match a test there.
        if ($verb -eq 'test' -and -not $rest) {
            foreach ($further in 'Mood.Event.Hosting.Tests', 'Mood.Event.AspNetCore.Tests') {
                dotnet test "tests/$further" -c $configuration -nologo -v minimal --no-build @blame -- RunConfiguration.TreatNoTestsAsError=true
                if ($LASTEXITCODE) { $failed = $LASTEXITCODE }
            }
        }
        exit $failed
    }
    'demo' {
        if (-not $rest) { $rest = @('echo', '--selftest') }
        $sample = $rest[0]
        if (-not (Test-Path "docs/samples/$sample" -PathType Container)) {
            Fail "there is no sample '$sample'. The samples are: $((Get-ChildItem docs/samples -Directory).Name)" 2
        }
        $arguments = @($rest | Select-Object -Skip 1)
        dotnet run --project "docs/samples/$sample" -c $configuration -- @arguments
    }
    'soak' { dotnet run --project tests/Mood.Event.Soak -c $configuration -- @rest }
    'bench' {
        $project = 'tests/Mood.Event.Benchmarks'
        if ($rest -and $rest[0] -eq 'kestrel') {
            $project, $rest = 'tests/Mood.Event.AspNetCore.Benchmarks', @($rest | Select-Object -Skip 1)
        }
        dotnet run --project $project -c $configuration -- @rest
    }
    'test-windows' { sh tests/Mood.Event.Windows.Tests/run.sh $configuration @rest }
    'sanitize' { sh native/build/sanitize.sh $configuration @rest }
    'pack' {
        sh native/build/zig.sh | Out-Null
        $natives = if ($LASTEXITCODE) { 'false' } else { 'true' }
        if ($natives -eq 'true') {
            dotnet msbuild native/build/native.proj -t:Natives -v:minimal -nologo @rest
            if ($LASTEXITCODE) { exit $LASTEXITCODE }
        } else {
            [Console]::Error.WriteLine('build.ps1: without zig the package holds the native library of this machine only')
        }
        foreach ($package in 'Mood.Event', 'Mood.Event.Hosting', 'Mood.Event.AspNetCore') {
            dotnet pack "src/$package" -c $configuration -nologo -v minimal "-p:PackNatives=$natives" @rest
            if ($LASTEXITCODE) { exit $LASTEXITCODE }
        }
        $folder = "$PWD/artifacts/package/$($configuration.ToLowerInvariant())"
        @"

The packages are in $folder. To use them, in the directory of your project:
  dotnet new nugetconfig   # skip this line if there is a nuget.config
  dotnet nuget add source "$folder" --name mood-event --configfile nuget.config
  dotnet add package Mood.Event
NuGet keeps a copy of an older package with the same version. Delete it: rm -rf ~/.nuget/packages/mood.event*
"@
    }
    'docs' { dotnet run --project tests/Mood.Event.Site -c $configuration -- @rest }
    'clean' { if (Test-Path artifacts) { Remove-Item artifacts -Recurse -Force }; exit 0 }
    { $_ -in 'help', '-h', '--help' } { $usage; exit 0 }
    default { [Console]::Error.WriteLine("build.ps1: unknown verb '$verb'"); [Console]::Error.WriteLine($usage); exit 2 }
}

exit $LASTEXITCODE
