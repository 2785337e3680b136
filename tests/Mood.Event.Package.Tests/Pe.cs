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
    internal Pe(string file)
    {
        using var reader = new PEReader(new MemoryStream(File.ReadAllBytes(file)));
        PEHeaders headers = reader.PEHeaders;

        if (!headers.IsDll)
        {
            throw new InvalidDataException($"{file} is not a Windows library");
        }

        Machine = headers.CoffHeader.Machine;
        Characteristics = headers.PEHeader!.DllCharacteristics;
        Exports = [.. ReadExports(reader, headers.PEHeader.ExportTableDirectory.RelativeVirtualAddress)];
        Needed = [.. ReadNeeded(reader, headers.PEHeader.ImportTableDirectory.RelativeVirtualAddress)];
    }

    internal Machine Machine { get; }

    internal DllCharacteristics Characteristics { get; }

    /// <summary>The names of the exported functions.</summary>
    internal string[] Exports { get; }

    /// <summary>The libraries on which this one depends.</summary>
    internal string[] Needed { get; }

    // The export directory has the number of names at offset 24, and the address of the table of names at offset 32.
    private static IEnumerable<string> ReadExports(PEReader file, int directory) =>
        Enumerable.Range(0, Word(file, directory + 24)).Select(i => Text(file, Word(file, Word(file, directory + 32) + (4 * i))));

    // Each library has a descriptor of 20 bytes with the address of its name at offset 12. A descriptor of zeros ends the table.
    private static IEnumerable<string> ReadNeeded(PEReader file, int directory)
    {
        for (int name; (name = Word(file, directory + 12)) != 0; directory += 20)
        {
            yield return Text(file, name);
        }
    }

    private static int Word(PEReader file, int address) => file.GetSectionData(address).GetReader().ReadInt32();

    private static string Text(PEReader file, int address)
    {
        BlobReader text = file.GetSectionData(address).GetReader();
        return text.ReadUTF8(text.IndexOf(0));
    }
}
