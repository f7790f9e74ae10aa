// The blocks that are being read, decoded: rows of doubles, so that a row's cells lie side by side
// wherever in a block it is. Any number of threads read; a block that somebody reads in is not
// thrown out, and of the others the one that was not asked for the longest goes first. Buffers are
// used again: an epoch of a large table decodes many times what is kept.
//
// One block is loaded ahead, the one that follows by the pattern seen: in ascending order, or in
// that of a shuffled epoch.
namespace Dl.Data.Tables.Storage;

/// <summary>Decoded blocks of some columns.</summary>
/// <param name="columns">Spilled columns; a row has their cells in this order.</param>
internal sealed class BlockCache(BlockStore store, RawColumn[] columns)
{
    /// <summary>Rows decoded at a time: what is scattered stays in the near caches.</summary>
    private const int Tile = 256;

    private readonly Entry?[] _entries = new Entry?[store.Blocks];
    private readonly List<Entry> _all = [];
    private readonly Lock _gate = new();
    private long _clock;
    private int _last = -1;

    public BlockStore Store => store;

    /// <summary>Blocks that a shuffled epoch mixes.</summary>
    public int Window => Math.Max(1, Capacity / 2);

    private int Capacity => Math.Max(4, store.Settings.CachedBlocks);

    /// <summary>A block to read rows of; dispose it when done.</summary>
    /// <param name="next">
    /// Block that comes after each in the order of reading; null: ascending.
    /// </param>
    public Lease Read(int block, int[]? next)
    {
        Entry entry = Enter(block);
        if (!entry.Seen)
        {
            entry.Seen = true;
            int last = Interlocked.Exchange(ref _last, block);
            int ahead = block == last + 1 ? block + 1
                : next is not null && last >= 0 && next[last] == block ? next[block]
                : -1;
            LoadAhead(ahead);
        }
        return new Lease(entry, columns.Length);
    }

    /// <summary>A block that stays while it is read.</summary>
    public readonly ref struct Lease
    {
        private readonly Entry _entry;
        private readonly int _width;

        internal Lease(Entry entry, int width) => (_entry, _width) = (entry, width);

        /// <summary>Cells of a row, counted from the block's first.</summary>
        public ReadOnlySpan<double> Row(int row) =>
            _entry.Cells.AsSpan(row * _width, _width);

        public void Dispose() => _entry.Exit();
    }

    /// <summary>A place for a block. Readers below 0: it is being given to another one.</summary>
    internal sealed class Entry
    {
        private int _readers;
        private volatile bool _ready;
        private DlException? _error;

        public double[] Cells = [];

        public int Block { get; set; } = -1;

        public long Used { get; set; }

        public bool Seen { get; set; }

        public bool TryEnter()
        {
            while (true)
            {
                int readers = Volatile.Read(ref _readers);
                if (readers < 0)
                {
                    return false;
                }
                if (Interlocked.CompareExchange(ref _readers, readers + 1, readers) == readers)
                {
                    return true;
                }
            }
        }

        public void Exit() => Interlocked.Decrement(ref _readers);

        /// <summary>False: somebody reads.</summary>
        public bool TryTake() =>
            Interlocked.CompareExchange(ref _readers, int.MinValue, 0) == 0;

        /// <summary>For another block; the one who loads it is its first reader.</summary>
        public void Begin(int block)
        {
            (Block, Seen, _error) = (block, false, null);
            _ready = false;
            Volatile.Write(ref _readers, 1);
        }

        public void End(DlException? error)
        {
            lock (this)
            {
                _error = error;
                _ready = true;
                Monitor.PulseAll(this);
            }
        }

        public void Wait()
        {
            if (!_ready)
            {
                lock (this)
                {
                    while (!_ready)
                    {
                        Monitor.Wait(this);
                    }
                }
            }
            if (_error is not null)
            {
                Exit();
                throw new DlException(_error.Message, _error);
            }
        }
    }

    private Entry Enter(int block)
    {
        while (true)
        {
            Entry? entry = Volatile.Read(ref _entries[block]);
            if (entry is not null && entry.TryEnter())
            {
                if (entry.Block == block)
                {
                    entry.Wait();
                    // Blocks that came at the same time are as old as each other: rows of one
                    // write nothing that other threads would have to fetch.
                    long now = Volatile.Read(ref _clock);
                    if (entry.Used != now)
                    {
                        entry.Used = now;
                    }
                    return entry;
                }
                entry.Exit();
            }
            else if (Begin(block) is { } fresh)
            {
                Load(fresh);
                fresh.Wait();
                return fresh;
            }
        }
    }

    /// <summary>A place for a block that has none; null: somebody was faster.</summary>
    private Entry? Begin(int block)
    {
        lock (_gate)
        {
            if (_entries[block] is not null)
            {
                return null;
            }
            Entry entry = Free();
            if (entry.Block >= 0)
            {
                _entries[entry.Block] = null;
            }
            entry.Begin(block);
            entry.Used = Interlocked.Increment(ref _clock);
            Volatile.Write(ref _entries[block], entry);
            return entry;
        }
    }

    private Entry Free()
    {
        if (_all.Count >= Capacity)
        {
            _all.Sort((a, b) => a.Used.CompareTo(b.Used));
            foreach (Entry entry in _all)
            {
                if (entry.TryTake())
                {
                    return entry;
                }
            }
        }
        var more = new Entry();
        _all.Add(more);
        return more;
    }

    private void Load(Entry entry)
    {
        DlException? error = null;
        try
        {
            Decode(entry);
        }
        catch (Exception failed) when (failed is DlException or ObjectDisposedException)
        {
            // Who reads ahead may be late: the table is closed already.
            error = failed as DlException
                ?? new DlException("table: its scratch file is closed", failed);
            lock (_gate)
            {
                // The next one who asks tries again.
                _entries[entry.Block] = null;
                entry.Block = -1;
            }
        }
        entry.End(error);
    }

    private void Decode(Entry entry)
    {
        int rows = store.RowsOf(entry.Block), width = columns.Length;
        if (entry.Cells.Length < rows * width)
        {
            entry.Cells = new double[rows * width];
        }
        byte[] bytes = store.Rent(entry.Block);
        Span<double> tile = stackalloc double[Tile];
        for (int from = 0; from < rows; from += Tile)
        {
            Span<double> cells = tile[..Math.Min(Tile, rows - from)];
            for (int i = 0; i < width; i++)
            {
                SpilledColumn column = columns[i].Spilled!;
                store.Decode(bytes, entry.Block, column.Index, from, cells);
                column.Resolve(cells, columns[i].IsText);
                int at = (from * width) + i;
                foreach (double cell in cells)
                {
                    entry.Cells[at] = cell;
                    at += width;
                }
            }
        }
        BlockStore.Return(bytes);
    }

    private void LoadAhead(int block)
    {
        if (block < 0 || block >= store.Blocks || Volatile.Read(ref _entries[block]) is not null)
        {
            return;
        }
        ThreadPool.UnsafeQueueUserWorkItem(
            static work =>
            {
                try
                {
                    work.Cache.Enter(work.Block).Exit();
                }
                catch (DlException)
                {
                    // Whoever needs the block meets the error itself.
                }
            },
            (Cache: this, Block: block), preferLocal: false);
    }
}
