using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>A sample in a process of its own, which is killed at the end of the test if it has not ended.</summary>
public abstract class SampleTestBase : IDisposable
{
    // seconds
    protected const double Patience = 30;

    private readonly string _output = Path.GetTempFileName();

    /// <summary>The pid of the sample; 0 before Spawn and after WaitForEnd.</summary>
    protected int Pid { get; private set; }

    /// <summary>What the sample has written so far.</summary>
    protected string Output => File.ReadAllText(_output);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (Pid != 0 && Posix.Wait(Pid, out _, Posix.WNOHANG) == 0)
        {
            Posix.Kill(Pid, Signum.SIGKILL);
            Posix.Wait(Pid, out _);
        }

        File.Delete(_output);
    }

    /// <summary>
    /// Starts the sample with the default action for SIGINT. A shell makes a background job ignore SIGINT, and the sample would inherit that.
    /// </summary>
    /// <param name="program">The path of its assembly, relative to the directory of the tests.</param>
    /// <param name="arguments">Its arguments, as the shell reads them.</param>
    /// <param name="limits">Shell commands that run before the sample, such as ulimit.</param>
    protected void Spawn(string program, string arguments, string limits = "") => Pid = Posix.Spawn(
        $"ulimit -c 0; {limits}exec env --default-signal=INT '{Environment.ProcessPath}' '{Path.Combine(AppContext.BaseDirectory, program)}' " +
        $"{arguments} >'{_output}' 2>&1 </dev/null");

    /// <summary>Waits until the sample has ended.</summary>
    /// <returns>Its wait status.</returns>
    protected int WaitForEnd(double seconds = Patience)
    {
        int status = -1;
        Assert.True(Posix.Until(() => Posix.Wait(Pid, out status, Posix.WNOHANG) == Pid, seconds), Output);
        Pid = 0;
        return status;
    }

    protected static Socket Connect(IPEndPoint server, int receiveBuffer = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveTimeout = (int)(Patience * 1000),
            SendTimeout = (int)(Patience * 1000),
        };

        if (receiveBuffer > 0)
        {
            socket.ReceiveBufferSize = receiveBuffer;
        }

        socket.Connect(server);
        return socket;
    }
}
