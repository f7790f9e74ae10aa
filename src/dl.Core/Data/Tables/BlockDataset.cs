// Chosen rows of a table that lies in a scratch file. Any row can be read, but neighbours are read
// fast; so epochs are shuffled by blocks (BlockOrder), and everything else goes in stored order.
using Dl.Data.Tables.Storage;
using Dl.Tensors;

namespace Dl.Data.Tables;

/// <summary>
/// Rows of a spilled table as samples, encoded as <see cref="TableDataset"/> does.
/// </summary>
internal sealed class BlockDataset : IDataset
{
    private readonly RawTable _table;
    private readonly BlockCache _cache;
    private readonly int[] _rows;
    private readonly TableColumns _columns;
    private readonly int _inputs;
    private readonly TargetReader _target;
    private readonly BlockOrder _order;

    /// <summary>Place of each used column among the cells of a row.</summary>
    private readonly int[] _cells;

    /// <param name="cache">Cells of the inputs, and behind them of the target columns.</param>
    /// <param name="inputs">Columns of the cache that are inputs.</param>
    /// <param name="rows">Ascending.</param>
    public BlockDataset(
        RawTable table, BlockCache cache, RawColumn[] inputs, int[] rows,
        TablePreprocessing preprocessing, TargetReader target)
    {
        (_table, _cache, _rows, _target) = (table, cache, rows, target);
        _inputs = inputs.Length;
        _columns = new TableColumns(table, preprocessing);
        _cells = Array.ConvertAll(_columns.Raw, column => Array.IndexOf(inputs, column));
        _order = new BlockOrder(cache.Store, rows, cache.Window);
        FeatureShape = preprocessing.FeatureShape;
        TargetWidth = _columns.TargetWidth;
    }

    public int Count => _rows.Length;

    public Shape FeatureShape { get; }

    public int TargetWidth { get; }

    public string Locate(int index) => _table.Locate(_rows[index]);

    public void Read(int index, Span<float> features, Span<float> target)
    {
        int row = _rows[index], block = _cache.Store.BlockOf(row);
        using BlockCache.Lease lease = _cache.Read(block, _order.Next);
        ReadOnlySpan<double> cells = lease.Row(row - _cache.Store.FirstRow(block));
        int at = 0;
        for (int i = 0; i < _cells.Length; i++)
        {
            int width = _columns.Width(i);
            _columns.Encode(i, cells[_cells[i]], features.Slice(at, width));
            at += width;
        }
        _target.Read(row, cells[_inputs..], target);
    }

    public void ReadTarget(int index, Span<float> target)
    {
        int row = _rows[index];
        if (_target.InMemory)
        {
            _target.Read(row, default, target);
            return;
        }
        int block = _cache.Store.BlockOf(row);
        using BlockCache.Lease lease = _cache.Read(block, _order.Next);
        _target.Read(row, lease.Row(row - _cache.Store.FirstRow(block))[_inputs..], target);
    }

    public string Shuffling =>
        $"by {_cache.Window} blocks of {_cache.Store.Settings.BlockBytes} bytes";

    public int[] Order(ulong seed, int epoch) => _order.Make(seed, epoch);
}
