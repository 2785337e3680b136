using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Mood.Event;
using Web;

// A web application on loops: a page with a WebSocket on http://127.0.0.1:8080, and the same over TLS on https://127.0.0.1:8443.
// Its two arguments change the ports. 0 lets the kernel choose a port.
if (args.Length > 2 || !TryPort(0, "8080", out ushort port) || !TryPort(1, "8443", out ushort tlsPort))
{
    await Console.Error.WriteLineAsync("usage: web [PORT [TLS-PORT]]   (the default ports are 8080 and 8443; 0 takes a free one)");
    return args is ["-h" or "--help"] ? 0 : 2;
}

using X509Certificate2 certificate = SelfSigned();

WebApplicationBuilder builder = WebApplication.CreateBuilder();
builder.WebHost.UseMoodEvent();
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.Listen(IPAddress.Loopback, port);
    kestrel.Listen(IPAddress.Loopback, tlsPort, listen => listen.UseHttps(certificate));
});

WebApplication app = builder.Build();
app.UseWebSockets();
app.MapGet("/", () => Results.Content(Page.Html, "text/html"));
app.MapGet("/hello/{name}", (string name) => $"hello {name}");
app.Map("/echo", (HttpContext context) => EchoAsync(context, app.Lifetime.ApplicationStopping));

try
{
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (e is IOException or EventException or PlatformNotSupportedException)
{
    await Console.Error.WriteLineAsync($"web: {e.Message}");
    return 1;
}

bool TryPort(int index, string initial, out ushort number) =>
    ushort.TryParse(args.Length > index ? args[index] : initial, NumberStyles.None, CultureInfo.InvariantCulture, out number);

// Without the token stopping, an open page would keep the server from ending until the host's shutdown timeout.
static async Task EchoAsync(HttpContext context, CancellationToken stopping)
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return;
    }

    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
    using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
    byte[] buffer = new byte[4096];

    try
    {
        while (true)
        {
            ValueWebSocketReceiveResult result = await socket.ReceiveAsync(buffer.AsMemory(), end.Token);

            if (result.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", end.Token);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, end.Token);
        }
    }
    catch (Exception e) when (e is OperationCanceledException or WebSocketException)
    {
        // the server stops, or the page has gone
    }
}

// For a sample only: browsers warn about it.
static X509Certificate2 SelfSigned()
{
    using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
    var names = new SubjectAlternativeNameBuilder();
    names.AddDnsName("localhost");
    names.AddIpAddress(IPAddress.Loopback);
    request.CertificateExtensions.Add(names.Build());
    return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(1));
}
