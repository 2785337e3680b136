using System;
using System.CommandLine;
using System.CommandLine.Invocation;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mood.Event;
using TlsProxy;

// Accepts TLS connections and forwards their bytes to a TCP server.
var port = new Option<int>("--port") { Description = "The port to listen on; 0 takes a free one.", DefaultValueFactory = _ => 8443 };
var certificate = new Option<FileInfo?>("--certificate") { Description = "A PKCS #12 file with the certificate and its key. Without it, a self-signed certificate for localhost is made." };
var password = new Option<string?>("--password") { Description = "The password of the file." };
var target = new Argument<string>("TARGET") { Description = "The server to forward to, as HOST:PORT." };
port.Validators.Add(result =>
{
    if (result.Tokens.Count > 0 && !(int.TryParse(result.Tokens[0].Value, out int value) && value is >= 0 and <= 65535))
    {
        result.AddError("--port must lie between 0 and 65535.");
    }
});
target.Validators.Add(result =>
{
    if (Target(result.Tokens[0].Value) is null)
    {
        result.AddError($"'{result.Tokens[0].Value}' is not HOST:PORT.");
    }
});

var command = new RootCommand("A TLS proxy on one Mood.Event loop.") { port, certificate, password, target };
command.SetAction(result => Run(result.GetValue(port), result.GetValue(certificate), result.GetValue(password), Target(result.GetValue(target)!)!));
ParseResult parsed = command.Parse(args);
int code = parsed.Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null }); // the loop handles SIGINT and SIGTERM
return parsed.Action is ParseErrorAction ? 2 : code;

static int Run(int port, FileInfo? file, string? password, DnsEndPoint target)
{
    try
    {
        using X509Certificate2 certificate = file is null ? SelfSigned() : X509CertificateLoader.LoadPkcs12FromFile(file.FullName, password);
        using var loop = new Loop();
        var proxy = new Proxy(loop, certificate, target);

        loop.Run(async token =>
        {
            await using LoopServer server = LoopServer.Listen(
                loop, new IPEndPoint(IPAddress.Loopback, port), proxy.ServeAsync, new LoopServerOptions { ShutdownTimeout = TimeSpan.FromSeconds(2) });
            Console.WriteLine($"tls proxy on {server.EndPoint} for {target.Host}:{target.Port}, process {Environment.ProcessId}");
            await server.RunAsync(token);
        });
        return 0;
    }
    catch (Exception e) when (e is SocketException or EventException or PlatformNotSupportedException or CryptographicException or IOException)
    {
        Console.Error.WriteLine($"tls-proxy: {e.Message}");
        return 1;
    }
}

static DnsEndPoint? Target(string text)
{
    int colon = text.LastIndexOf(':');
    return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), out ushort port) && port > 0 ? new DnsEndPoint(text[..colon], port) : null;
}

static X509Certificate2 SelfSigned()
{
    using ECDsa key = ECDsa.Create();
    var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
    var names = new SubjectAlternativeNameBuilder();
    names.AddDnsName("localhost");
    names.AddIpAddress(IPAddress.Loopback);
    request.CertificateExtensions.Add(names.Build());
    using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null); // with a key that SslStream can use
}
