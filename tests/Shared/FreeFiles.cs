using System.Collections.Generic;
using System.IO;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>The files that a process can still open.</summary>
internal static class FreeFiles
{
    /// <summary>The number of files that can be opened now, but not more than a maximum.</summary>
    internal static int Count(int max)
    {
        var files = new List<SafeFileHandle>();

        try
        {
            while (files.Count < max)
            {
                files.Add(File.OpenHandle("/dev/null"));
            }
        }
        catch (IOException)
        {
            // No further file can be opened.
        }

        files.ForEach(file => file.Dispose());
        return files.Count;
    }
}
