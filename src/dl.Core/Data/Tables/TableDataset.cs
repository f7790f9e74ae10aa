// Chosen rows of a raw table, encoded as they are read: one-hot columns are never stored.
using Dl.Tensors;

namespace Dl.Data.Tables;

/// <summary>Rows of a table as samples. Reading changes nothing, so threads may share it.</summary>
internal sealed class TableDataset : IDataset
{
    private readonly RawTable _table;
    private readonly int[] _rows;
    private readonly FeatureColumn[] _columns;
    private readonly RawColumn[] _raw;
    private readonly int[]?[] _places;
    private readonly TargetReader _target;

    public TableDataset(
        RawTable table, int[] rows, TablePreprocessing preprocessing, TargetReader target)
    {
        _table = table;
        _rows = rows;
        _columns = preprocessing.Columns;
        _target = target;
        FeatureShape = preprocessing.FeatureShape;
        TargetWidth = preprocessing.Target.Kind == TargetKind.Classes
            ? 1
            : preprocessing.Target.Width;
        _raw = Array.ConvertAll(_columns, c => table.Columns[table.Find(c.Name)]);
        _places = new int[]?[_columns.Length];
        for (int i = 0; i < _columns.Length; i++)
        {
            _places[i] = _columns[i].Kind == ColumnKind.Category
                ? Places(_raw[i], _columns[i])
                : null;
        }
    }

    public int Count => _rows.Length;

    public Shape FeatureShape { get; }

    public int TargetWidth { get; }

    public string Locate(int index) => _table.Locate(_rows[index]);

    public void Read(int index, Span<float> features, Span<float> target)
    {
        int row = _rows[index];
        int at = 0;
        for (int i = 0; i < _columns.Length; i++)
        {
            FeatureColumn column = _columns[i];
            if (_places[i] is int[] places)
            {
                // Missing is code -1; its place is kept at the end.
                int code = _raw[i].Code(row);
                int width = column.Categories.Length + 1;
                TableEncoder.Category(
                    code < 0 ? width - 1 : places[code], features.Slice(at, width));
                at += width;
            }
            else
            {
                int width = column.MissingFlag ? 2 : 1;
                TableEncoder.Number(column, _raw[i].Number(row), features.Slice(at, width));
                at += width;
            }
        }
        _target.Read(row, target);
    }

    /// <summary>Category index of every code of the raw column.</summary>
    private static int[] Places(RawColumn raw, FeatureColumn column)
    {
        Dictionary<string, int> index = TableEncoder.Index(column.Categories);
        var places = new int[raw.Texts.Count];
        for (int code = 0; code < places.Length; code++)
        {
            places[code] = index.GetValueOrDefault(raw.Texts[code], column.Categories.Length);
        }
        return places;
    }
}
