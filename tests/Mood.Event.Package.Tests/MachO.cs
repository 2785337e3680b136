using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Mood.Event.Package.Tests;

/// <summary>Reads the headers of a 64-bit Mach-O library, because Linux machines have no tool for it.</summary>
internal sealed class MachO
{
    internal const uint X64 = 0x01000007, Arm64 = 0x0100000c;

    private const uint Magic = 0xfeedfacf, Library = 6;
    private const uint SymbolTable = 2, IdDylib = 0xd, LoadDylib = 0xc, CodeSignature = 0x1d, BuildVersion = 0x32, DyldInfoOnly = 0x80000022, ExportsTrie = 0x80000033;

    private readonly byte[] _bytes;

    internal MachO(string file)
    {
        _bytes = File.ReadAllBytes(file);

        if (Word(0) != Magic || Word(12) != Library)
        {
            throw new InvalidDataException($"{file} is not a Mach-O library");
        }

        Machine = Word(4);
        int at = 32;

        for (uint i = Word(16); i > 0; i--, at += (int)Word(at + 4))
        {
            switch (Word(at))
            {
                case SymbolTable:
                    ReadImports((int)Word(at + 8), Word(at + 12), (int)Word(at + 16));
                    break;
                case IdDylib:
                    Id = Text(at + (int)Word(at + 8));
                    break;
                case LoadDylib:
                    Needed.Add(Text(at + (int)Word(at + 8)));
                    break;
                case CodeSignature:
                    IsSigned = true;
                    break;
                case BuildVersion:
                    OldestSystem = new Version((int)(Word(at + 12) >> 16), (int)(Word(at + 12) >> 8) & 0xff);
                    break;
                case DyldInfoOnly:
                    Walk((int)Word(at + 40), (int)Word(at + 40), "");
                    break;
                case ExportsTrie:
                    Walk((int)Word(at + 8), (int)Word(at + 8), "");
                    break;
            }
        }
    }

    internal uint Machine { get; }

    internal string? Id { get; }

    internal bool IsSigned { get; }

    internal Version? OldestSystem { get; }

    internal List<string> Needed { get; } = [];

    internal List<string> Exports { get; } = [];

    internal List<string> Imports { get; } = [];

    // A symbol of 16 bytes begins with the offset of its name and a type. An import is external (1) and undefined (0).
    private void ReadImports(int symbols, uint count, int names)
    {
        for (int at = symbols; count > 0; count--, at += 16)
        {
            if ((_bytes[at + 4] & 0x0f) == 1)
            {
                Imports.Add(Text(names + (int)Word(at)));
            }
        }
    }

    // A node of the trie has the size of its export, the export itself, and its children. A child is the text of the edge and the offset
    // of its node.
    private void Walk(int trie, int node, string name)
    {
        int at = node;
        int size = Number(ref at);

        if (size > 0)
        {
            Exports.Add(name);
        }

        at += size;

        for (int children = _bytes[at++]; children > 0; children--)
        {
            string way = Text(at);
            at += way.Length + 1;
            Walk(trie, trie + Number(ref at), name + way);
        }
    }

    private int Number(ref int at)
    {
        int value = 0, shift = 0;

        do
        {
            value |= (_bytes[at] & 0x7f) << shift;
            shift += 7;
        }
        while ((_bytes[at++] & 0x80) != 0);

        return value;
    }

    private uint Word(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(at));

    private string Text(int at) => Encoding.ASCII.GetString(_bytes, at, _bytes.AsSpan(at).IndexOf((byte)0));
}
