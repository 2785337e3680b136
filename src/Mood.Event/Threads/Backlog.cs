using System;

namespace Mood.Event;

/// <summary>
/// Items between the threads that bring them and the one that takes all there is at once. They lie in pieces, which go
/// round: nothing is copied as it grows, and in the steady state nothing is allocated. Add and Take are called under the
/// gate of the owner; the rest is the taker's alone.
/// </summary>
/// <typeparam name="T">The items' type.</typeparam>
internal sealed class Backlog<T>
{
    // items in a piece: the first is short, for most loops are not posted to much
    private const int Shortest = 16, Longest = 1024;

    // pieces that wait to be used again, at most, and those that do so however few the last batch needed
    private const int MaxSpares = 128, MinSpares = 4;

    // under the gate: what comes in, and spare pieces for it
    private Piece? _first, _last, _spare;
    private int _spares;

    // the taker's: the batch, from _next on in its first piece, and the pieces that are done with
    private Piece? _batch, _used, _usedLast;
    private int _next, _uses;

    /// <summary>Whether everything taken has come out of Next.</summary>
    internal bool IsFinished => _batch is null;

    /// <summary>Appends an item.</summary>
    internal void Add(T item)
    {
        Piece? piece = _last;

        if (piece is null || piece.Count == piece.Items.Length)
        {
            piece = Grow();
        }

        piece.Items[piece.Count++] = item;
    }

    /// <summary>When everything taken before is finished: what has come in is the new batch.</summary>
    internal void Take()
    {
        // as many pieces as the last batch needed are a good guess at what the next one will need
        if (_spares + _uses > MinSpares)
        {
            (_spare, _spares) = (null, 0);
        }

        if (_used is not null)
        {
            _usedLast!.Next = _spare;
            (_spare, _spares) = (_used, _spares + _uses);
            (_used, _usedLast, _uses) = (null, null, 0);
        }

        (_batch, _next) = (_first, 0);
        (_first, _last) = (null, null);
    }

    /// <summary>The batch's next item, which there is.</summary>
    internal T Next()
    {
        Piece piece = _batch!;
        ref T slot = ref piece.Items[_next];
        T item = slot;
        slot = default!; // nobody is to be held by it

        if (++_next == piece.Count)
        {
            Finish(piece);
        }

        return item;
    }

    private Piece Grow()
    {
        Piece? piece = _spare;

        if (piece is null)
        {
            piece = new Piece(_last is null ? Shortest : Math.Min(Longest, _last.Items.Length * 2));
        }
        else
        {
            _spare = piece.Next;
            _spares--;
            piece.Next = null;
        }

        if (_last is null)
        {
            _first = piece;
        }
        else
        {
            _last.Next = piece;
        }

        _last = piece;
        return piece;
    }

    private void Finish(Piece piece)
    {
        (_batch, _next) = (piece.Next, 0);

        if (_uses < MaxSpares)
        {
            piece.Count = 0;
            piece.Next = _used;
            _used = piece;
            _usedLast ??= piece;
            _uses++;
        }
    }

    private sealed class Piece(int length)
    {
        internal readonly T[] Items = new T[length];
        internal int Count;
        internal Piece? Next;
    }
}
