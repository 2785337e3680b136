using System;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>The requests that wrk sends, and the targets.</summary>
/// <param name="Name">The name in the tables.</param>
/// <param name="Connections">The number of connections.</param>
/// <param name="Path">The path of the requests.</param>
internal sealed record Load(string Name, int Connections, string Path)
{
    private const string Pipeline = """
        local all = {}
        init = function(args) for i = 1, 16 do all[i] = wrk.format("GET", "/") end; all = table.concat(all) end
        request = function() return all end
        """;

    private const string Post = """
        wrk.method = "POST"
        wrk.body = string.rep("x", 8192)
        """;

    /// <summary>The Lua script for wrk. Without a script, empty.</summary>
    internal string Script { get; init; } = "";

    /// <summary>Whether each request has a connection of its own.</summary>
    internal bool Close { get; init; }

    /// <summary>The number of cores of the server. If it is two, wrk runs on the same cores.</summary>
    internal int Cores { get; init; } = 1;

    /// <summary>Whether the ratios are those of requests per second, instead of requests per second of processor time: a server that
    /// spins answers a single client sooner.</summary>
    internal bool ByRate { get; init; }

    /// <summary>Whether the system calls are counted under this load.</summary>
    internal bool CountsCalls { get; init; }

    /// <summary>The figure that the ratios and targets are about.</summary>
    internal Func<Round, double> Figure => ByRate ? r => r.Rate : r => r.PerProcessorSecond;

    /// <summary>The targets: the least ratios of that figure to the figure of the default transport.</summary>
    internal double Pool { get; init; } = 1.25;

    internal double Inline { get; init; } = 1.7;

    /// <summary>The target for inline against tuned sockets.</summary>
    internal double InlineOverTuned { get; init; } = 1.2;

    internal static Load[] All { get; } =
    [
        new("plaintext, 64 connections", 64, "/") { CountsCalls = true },
        new("plaintext, 512 connections", 512, "/"),
        new("JSON, 64 connections", 64, "/json") { CountsCalls = true },
        new("JSON, 512 connections", 512, "/json"),
        new("POST of 8 KiB, 64 connections", 64, "/post") { Script = Post, CountsCalls = true },
        new("POST of 8 KiB, 512 connections", 512, "/post") { Script = Post },
        new("answers of 64 KiB, 64 connections", 64, "/large") { Inline = 1.5, CountsCalls = true },
        new("answers of 64 KiB, 512 connections", 512, "/large") { Inline = 1.5 },
        new("16 pipelined requests, 64 connections", 64, "/") { Script = Pipeline, Inline = 1.4, Pool = 1, CountsCalls = true },
        new("16 pipelined requests, 512 connections", 512, "/") { Script = Pipeline, Inline = 1.4, Pool = 1 },
        new("plaintext, 1 connection", 1, "/") { ByRate = true, Inline = 1, Pool = 1, InlineOverTuned = 1 },
        new("a connection per request", 64, "/") { Close = true, Inline = 1, Pool = 1, InlineOverTuned = 1 },
        new("two cores, plaintext, 64 connections", 64, "/") { Cores = 2, Inline = 1, Pool = 1, InlineOverTuned = 1 },
        new("two cores, plaintext, 512 connections", 512, "/") { Cores = 2, Inline = 1, Pool = 1, InlineOverTuned = 1 },
        new("two cores, JSON, 64 connections", 64, "/json") { Cores = 2, Inline = 1, Pool = 1, InlineOverTuned = 1 },
    ];
}
