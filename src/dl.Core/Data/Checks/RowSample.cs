// Rows drawn at random from the training part, for what looks at several columns at once. Small
// tables are kept whole.
namespace Dl.Data.Checks;

/// <summary>A row of the sample.</summary>
internal readonly record struct SampledRow(Spot Spot, CellFact[] Cells);

/// <summary>Reservoir sampling (Vitter's algorithm R) of whole rows.</summary>
internal sealed class RowSample
{
    private const int MaxCells = 1 << 20;
    private const int MaxRows = 20_000;
    private const int MinRows = 100;

    private readonly List<SampledRow> _rows = [];
    private int _capacity = MaxRows;
    private long _seen;

    public IReadOnlyList<SampledRow> Rows => _rows;

    /// <summary>Every row there was.</summary>
    public bool Whole => _seen == _rows.Count;

    /// <summary>The row's columns are as many as the table has by now, or fewer.</summary>
    public void Add(Spot spot, ReadOnlySpan<CellFact> cells)
    {
        _seen++;
        _capacity = Math.Min(
            _capacity, Math.Clamp(MaxCells / Math.Max(1, cells.Length), MinRows, MaxRows));
        if (_rows.Count < _capacity)
        {
            _rows.Add(new SampledRow(spot, cells.ToArray()));
            return;
        }
        ulong at = CellHash.Mix((ulong)_seen + 0x9E3779B97F4A7C15) % (ulong)_seen;
        if (at < (ulong)_rows.Count)
        {
            _rows[(int)at] = new SampledRow(spot, cells.ToArray());
        }
    }

    /// <summary>A cell; missing where the row is from before its column came up.</summary>
    public CellFact this[int row, int column] =>
        column < _rows[row].Cells.Length ? _rows[row].Cells[column] : default;
}
