using System;

namespace Mood.Event;

/// <summary>
/// A queue between producer threads and one consumer, which takes all items at once. The items are stored in pieces, which are
/// reused. A growing queue copies nothing, and a queue in steady state allocates nothing. Add and Take are called inside the
/// gate of the owner. The other members are for the consumer only.
/// </summary>
/// <typeparam name="T">The items' type.</typeparam>
internal sealed class Backlog<T>
{
    // The numbers of items in a piece. The first piece is short, because most loops get few posts.
    private const int Shortest = 16, Longest = 1024;

    // The limits of the spare pieces. MinSpares are kept even if the last batch needed fewer.
    private const int MaxSpares = 128, MinSpares = 4;

    // Used inside the gate: the pieces with the added items, and the spare pieces.
    private Piece? _first, _last, _spare;
    private int _spares;

    // Used by the consumer only: the batch, which begins at _next in its first piece, and the pieces that it has emptied.
    private Piece? _batch, _used, _usedLast;
    private int _next, _uses;

    /// <summary>Whether Next has returned every item of the batch.</summary>
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

    /// <summary>Makes a new batch of the items that were added since the last batch. The last batch must be finished.</summary>
    internal void Take()
    {
        // the next batch will probably need as many pieces as the last one
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

    /// <summary>Removes and returns the next item of the batch. The batch must not be finished.</summary>
    internal T Next()
    {
        Piece piece = _batch!;
        ref T slot = ref piece.Items[_next];
        T item = slot;
        slot = default!; // so that the piece does not keep the item alive

        if (++_next == piece.Count)
        {
            Finish(piece);
        }

        return item;
    }

    /// <summary>Passes the items to an action, in their order. The consumer calls it inside the gate.</summary>
    /// <param name="action">Called for each item.</param>
    internal void ForEach(Action<T> action)
    {
        int begin = _next;

        for (Piece? piece = _batch; piece is not null; piece = piece.Next, begin = 0)
        {
            for (int i = begin; i < piece.Count; i++)
            {
                action(piece.Items[i]);
            }
        }

        for (Piece? piece = _first; piece is not null; piece = piece.Next)
        {
            for (int i = 0; i < piece.Count; i++)
            {
                action(piece.Items[i]);
            }
        }
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
