// The columns of a model in a table at hand: which they are, and where categories go.
namespace Dl.Data.Tables;

/// <summary>Encodes the cells of a row, column by column.</summary>
internal sealed class TableColumns
{
    private readonly FeatureColumn[] _columns;
    private readonly int[]?[] _places;
    private readonly int[] _widths;

    public TableColumns(RawTable table, TablePreprocessing preprocessing)
    {
        _columns = preprocessing.Columns;
        _widths = Array.ConvertAll(_columns, c => c.Width);
        Raw = Array.ConvertAll(_columns, c => table.Columns[table.Find(c.Name)]);
        TargetWidth = preprocessing.Target.Kind == TargetKind.Classes
            ? 1
            : preprocessing.Target.Width;
        _places = new int[]?[_columns.Length];
        for (int i = 0; i < _columns.Length; i++)
        {
            _places[i] = _columns[i].Kind == ColumnKind.Category
                ? Places(Raw[i], _columns[i])
                : null;
        }
    }

    /// <summary>The table's columns, in the model's order.</summary>
    public RawColumn[] Raw { get; }

    public int TargetWidth { get; }

    public int Count => _columns.Length;

    public bool IsCategory(int column) => _places[column] is not null;

    /// <summary>Floats of a column.</summary>
    public int Width(int column) => _widths[column];

    /// <param name="cell">A number, NaN where missing; or a code, negative where unknown.</param>
    /// <param name="place">As many floats as the column has.</param>
    public void Encode(int column, double cell, Span<float> place)
    {
        if (_places[column] is int[] places)
        {
            // Missing and unknown ones have their place at the end.
            TableEncoder.Category(cell < 0 ? place.Length - 1 : places[(int)cell], place);
        }
        else
        {
            TableEncoder.Number(_columns[column], cell, place);
        }
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
