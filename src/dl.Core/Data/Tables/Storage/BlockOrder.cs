// A shuffled epoch of a table on disk. Blocks come in random order; each gives its rows, shuffled,
// in w equal parts to w steps that follow each other, so that a step has a part of each of w
// blocks; its rows are shuffled again. A step needs one block that the one before did not, so
// reading is spread evenly, and w blocks (half of those that are kept) are all that is ever needed
// at a time. The first w and the last w steps, which have fewer blocks, are each mixed as one.
//
// The order depends on seed, epoch and the blocks, which depend on the table and its storage alone.
using Dl.Tensors;

namespace Dl.Data.Tables.Storage;

/// <summary>Orders of the samples of one dataset.</summary>
internal sealed class BlockOrder
{
    private const ulong Stream = 0x426C_6F63;

    private readonly int _window;

    /// <summary>First sample of each block that has any, and the end.</summary>
    private readonly List<int> _first = [];

    private readonly List<int> _block = [];
    private readonly int _blocks;

    /// <param name="rows">Row of each sample, ascending.</param>
    /// <param name="window">Blocks that are mixed.</param>
    public BlockOrder(BlockStore store, int[] rows, int window)
    {
        _blocks = store.Blocks;
        int sample = 0;
        for (int block = 0; block < store.Blocks && sample < rows.Length; block++)
        {
            int end = store.FirstRow(block) + store.RowsOf(block);
            if (rows[sample] >= end)
            {
                continue;
            }
            _first.Add(sample);
            _block.Add(block);
            int found = Array.BinarySearch(rows, sample, rows.Length - sample, end);
            sample = found < 0 ? ~found : found;
        }
        _first.Add(rows.Length);
        _window = Math.Max(1, Math.Min(window, _block.Count));
    }

    /// <summary>
    /// Block that is needed first after each, in the order made last; null: none made.
    /// </summary>
    public int[]? Next { get; private set; }

    /// <summary>A permutation of all samples.</summary>
    public int[] Make(ulong seed, int epoch)
    {
        Rng rng = new Rng(seed, Stream).Fork((ulong)epoch);
        var turns = new int[_block.Count];
        for (int i = 0; i < turns.Length; i++)
        {
            turns[i] = i;
        }
        rng.Shuffle(turns.AsSpan());
        Next = Follow(turns);
        var order = new int[_first[^1]];
        var shuffled = new int[_window][];
        int at = 0, from = 0;
        int last = turns.Length + _window - 1;
        for (int step = 0; step < last; step++)
        {
            if (step < turns.Length)
            {
                shuffled[step % _window] = Shuffled(turns[step], shuffled[step % _window], rng);
            }
            for (int part = 0; part < _window; part++)
            {
                int turn = step - part;
                if (turn >= 0 && turn < turns.Length)
                {
                    at += Part(turns[turn], shuffled[turn % _window], part, order.AsSpan(at));
                }
            }
            bool inside = step >= _window - 1 && step < turns.Length - 1;
            if (inside || step == last - 1)
            {
                rng.Shuffle(order.AsSpan(from, at - from));
                from = at;
            }
        }
        return order;
    }

    /// <summary>A block's samples in random order, in a buffer that is used again.</summary>
    private int[] Shuffled(int turn, int[]? buffer, Rng rng)
    {
        int count = _first[turn + 1] - _first[turn];
        int[] samples = buffer is not null && buffer.Length >= count ? buffer : new int[count];
        for (int i = 0; i < count; i++)
        {
            samples[i] = _first[turn] + i;
        }
        rng.Shuffle(samples.AsSpan(0, count));
        return samples;
    }

    private int Part(int turn, int[] shuffled, int part, Span<int> order)
    {
        long count = _first[turn + 1] - _first[turn];
        int from = (int)(count * part / _window), to = (int)(count * (part + 1) / _window);
        shuffled.AsSpan(from, to - from).CopyTo(order);
        return to - from;
    }

    private int[] Follow(int[] turns)
    {
        var next = new int[_blocks];
        Array.Fill(next, -1);
        for (int i = 0; i + 1 < turns.Length; i++)
        {
            next[_block[turns[i]]] = _block[turns[i + 1]];
        }
        return next;
    }
}
