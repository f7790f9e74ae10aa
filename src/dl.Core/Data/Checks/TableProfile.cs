// All that one pass over a table learnt: what the checks look at when the last row has been read.
using Dl.Data.Tables;

namespace Dl.Data.Checks;

/// <summary>One file of the table.</summary>
internal sealed record TableFile(string Name, Part Part);

/// <summary>The columns of one part.</summary>
internal sealed class PartProfile(Part part)
{
    public Part Part => part;

    public string Name => part switch
    {
        Part.Train => "train",
        Part.Validation => "val",
        _ => "test",
    };

    public long Rows { get; set; }

    /// <summary>In the table's order; null: this part's files lack it.</summary>
    public List<ColumnProfile?> Columns { get; } = [];

    /// <summary>Cells of a column without a value; rows that lack the cell count.</summary>
    public long Missing(int column) => Rows - (Columns[column]?.Present ?? 0);
}

/// <summary>A table in figures.</summary>
internal sealed class TableProfile(DataOptions options)
{
    private readonly Dictionary<int, ColumnProfile> _unions = [];

    public DataOptions Options => options;

    public List<TableFile> Files { get; } = [];

    public List<string> Names { get; } = [];

    /// <summary>Columns that the first row names.</summary>
    public int FirstColumns { get; set; }

    public bool HasHeader { get; set; }

    public List<PartProfile> Parts { get; } = [];

    public RowSample Sample { get; } = new();

    public RowMemory Memory { get; } = new();

    /// <summary>Indices of the target columns; empty: none could be found.</summary>
    public int[] Targets { get; set; } = [];

    /// <summary>What the targets hold; null: they cannot be used.</summary>
    public TargetKind? Kind { get; set; }

    public PartProfile Train => Parts[0];

    public long Rows => Parts.Sum(p => p.Rows);

    public string Locate(Spot spot) => $"{Files[spot.File].Name}:{spot.Line}";

    /// <summary>A column for messages: the first file's name goes with it.</summary>
    public string Locate(int column, PartProfile? part = null)
    {
        string file = Files.Find(f => part is null || f.Part == part.Part)?.Name ?? Files[0].Name;
        return $"{file}: column '{Names[column]}'";
    }

    public bool IsTarget(int column) => Targets.Contains(column);

    public bool IsIgnored(int column) => options.Ignore.Contains(Names[column]);

    /// <summary>A column from which a model learns.</summary>
    public bool IsInput(int column) => !IsTarget(column) && !IsIgnored(column);

    /// <summary>A column over all parts.</summary>
    public ColumnProfile Union(int column)
    {
        if (!_unions.TryGetValue(column, out ColumnProfile? union))
        {
            union = ColumnProfile.Union(
                Names[column], Parts.Select(p => p.Columns[column]).OfType<ColumnProfile>());
            _unions.Add(column, union);
        }
        return union;
    }

    /// <summary>
    /// Training takes the column for numbers: all cells are, or nearly all of many different ones
    /// (see OddCells, whose rule this is).
    /// </summary>
    public bool IsNumeric(int column)
    {
        ColumnProfile union = Union(column);
        return union.Texts == 0
            ? union.Present > 0
            : DistinctNumbers(union) > OddCells.MinDistinct
                && union.Numbers >= OddCells.NumberShare * union.Present;
    }

    /// <summary>Texts of a column of categories by falling frequency.</summary>
    public static List<CellValue> ByCount(ColumnProfile column)
    {
        List<CellValue> values = [.. column.Values.Where(v => v.Fact.Kind != CellKind.Infinite)];
        values.Sort((a, b) => a.Count != b.Count
            ? b.Count.CompareTo(a.Count)
            : string.CompareOrdinal(a.Text, b.Text));
        return values;
    }

    private static long DistinctNumbers(ColumnProfile column) => column.ManyNumbers
        ? long.MaxValue
        : column.Values.Where(v => v.Fact.Kind == CellKind.Number)
            .Select(v => v.Fact.Number).Distinct().Count();
}
