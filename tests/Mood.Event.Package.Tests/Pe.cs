using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Mood.Event.Package.Tests;

/// <summary>Reads the headers of a Windows library, because Linux machines have no tool for it.</summary>
internal sealed class Pe
{
    private readonly PEReader _file;

    internal Pe(string file)
    {
        _file = new PEReader(new MemoryStream(File.ReadAllBytes(file)));
        PEHeaders headers = _file.PEHeaders;

        if (!headers.IsDll)
        {
            throw new InvalidDataException($"{file} is no Windows library");
        }

        Machine = headers.CoffHeader.Machine;
        Characteristics = headers.PEHeader!.DllCharacteristics;
        Exports = [.. ReadExports(headers.PEHeader.ExportTableDirectory.RelativeVirtualAddress)];
        Needed = [.. ReadNeeded(headers.PEHeader.ImportTableDirectory.RelativeVirtualAddress)];
    }

    internal Machine Machine { get; }

    internal DllCharacteristics Characteristics { get; }

    /// <summary>The names of the exported functions.</summary>
    internal string[] Exports { get; }

    /// <summary>The libraries that the system loads with this one.</summary>
    internal string[] Needed { get; }

    // the export directory: at 24 the number of names, at 32 the table of their addresses
    private IEnumerable<string> ReadExports(int directory) =>
        Enumerable.Range(0, At(directory + 24).ReadInt32()).Select(i => Text(At(At(directory + 32).ReadInt32() + (4 * i)).ReadInt32()));

    // one descriptor of 20 bytes for each library, with the address of its name at 12; zeros end the table
    private IEnumerable<string> ReadNeeded(int directory)
    {
        for (int name; (name = At(directory + 12).ReadInt32()) != 0; directory += 20)
        {
            yield return Text(name);
        }
    }

    private BlobReader At(int address) => _file.GetSectionData(address).GetReader();

    private string Text(int address)
    {
        BlobReader reader = At(address);
        return reader.ReadUTF8(reader.IndexOf(0));
    }
}
