// Chosen rows of a raw table, encoded as they are read: one-hot columns are never stored.
using Dl.Tensors;

namespace Dl.Data.Tables;

/// <summary>Rows of a table as samples. Reading changes nothing, so threads may share it.</summary>
internal sealed class TableDataset : IDataset
{
    private readonly RawTable _table;
    private readonly int[] _rows;
    private readonly TableColumns _columns;
    private readonly TargetReader _target;

    public TableDataset(
        RawTable table, int[] rows, TablePreprocessing preprocessing, TargetReader target)
    {
        (_table, _rows, _target) = (table, rows, target);
        _columns = new TableColumns(table, preprocessing);
        FeatureShape = preprocessing.FeatureShape;
        TargetWidth = _columns.TargetWidth;
    }

    public int Count => _rows.Length;

    public Shape FeatureShape { get; }

    public int TargetWidth { get; }

    public string Locate(int index) => _table.Locate(_rows[index]);

    public void Read(int index, Span<float> features, Span<float> target)
    {
        int row = _rows[index];
        RawColumn[] raw = _columns.Raw;
        int at = 0;
        for (int i = 0; i < raw.Length; i++)
        {
            int width = _columns.Width(i);
            double cell = _columns.IsCategory(i) ? raw[i].Code(row) : raw[i].Number(row);
            _columns.Encode(i, cell, features.Slice(at, width));
            at += width;
        }
        _target.Read(row, target);
    }

    public void ReadTarget(int index, Span<float> target) => _target.Read(_rows[index], target);
}
