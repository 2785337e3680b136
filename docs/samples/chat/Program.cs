using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Chat;
using Mood.Event;

// A chat over TCP, for example with `nc 127.0.0.1 7778`: each line of a guest goes to all guests. All code runs on one thread.
if (args.Length > 1 || !ushort.TryParse(args.Length > 0 ? args[0] : "7778", NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
{
    Console.Error.WriteLine("usage: chat [PORT]   (the default port is 7778; 0 takes a free one)");
    return args is ["-h" or "--help"] ? 0 : 2;
}

int number = 0;
bool isClosing = false;
List<Guest> guests = [];

try
{
    using var loop = new Loop();

    // SIGINT and SIGTERM cancel the token. RunAsync returns when the handlers have sent what is in their pipes.
    loop.Run(async token =>
    {
        await using LoopServer server = LoopServer.Listen(loop, new IPEndPoint(IPAddress.Loopback, port), ServeAsync);
        Console.WriteLine($"chat server on {server.EndPoint}, process {Environment.ProcessId}");
        using CancellationTokenRegistration closing = token.Register(Close);
        await server.RunAsync(token);
    });
    return 0;
}
catch (Exception e) when (e is SocketException or EventException or PlatformNotSupportedException)
{
    Console.Error.WriteLine($"chat: {e.Message}");
    return 1;
}

void Close()
{
    Tell("* the server stops");
    isClosing = true;
    guests.FindAll(_ => true).ForEach(guest => guest.CancelRead()); // a copy, because guests leave the list
}

async Task ServeAsync(LoopStream stream, CancellationToken token)
{
    var guest = new Guest($"guest {++number}", stream);
    Task sending = guest.SendAsync(token);
    guests.Add(guest);
    Tell($"* {guest.Name} is here");

    try
    {
        while (!isClosing && await guest.ReadLineAsync(token) is string line)
        {
            Tell($"{guest.Name}: {line}");
        }

        guests.Remove(guest);
        guest.Complete();
        await sending;
    }
    catch (Exception e) when (e is IOException or ObjectDisposedException)
    {
        guests.Remove(guest); // the guest has reset the connection, or Tell has dropped it because it was too slow
    }

    Tell($"* {guest.Name} {(guest.IsSlow ? "was too slow" : "has left")}");
}

void Tell(string line)
{
    if (!isClosing)
    {
        guests.ForEach(guest => guest.Add(line));
        guests.FindAll(guest => guest.IsSlow).ForEach(guest => guest.Drop());
    }
}
