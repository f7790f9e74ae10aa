// From cells to floats: the one place where training and prediction meet.
namespace Dl.Data.Tables;

/// <summary>Writes the inputs of one column.</summary>
internal static class TableEncoder
{
    /// <summary>ln(1 + x), odd.</summary>
    public static double Log(double x) => x >= 0 ? Math.Log(1 + x) : -Math.Log(1 - x);

    /// <param name="column">A number column.</param>
    /// <param name="value">NaN where missing.</param>
    /// <param name="place">Column.Width floats.</param>
    public static void Number(FeatureColumn column, double value, Span<float> place)
    {
        bool missing = double.IsNaN(value);
        double x = missing ? column.Fill : value;
        if (column.Transform == ColumnTransform.Log)
        {
            x = Log(x);
        }
        place[0] = (float)((x - column.Mean) / column.Std);
        if (column.MissingFlag)
        {
            place[1] = missing ? 1 : 0;
        }
    }

    /// <param name="category">Index into Categories, or its length for unknown and missing.</param>
    /// <param name="place">Column.Width floats.</param>
    public static void Category(int category, Span<float> place)
    {
        place.Clear();
        place[category] = 1;
    }

    /// <summary>Index of each category by its text.</summary>
    public static Dictionary<string, int> Index(string[] categories)
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < categories.Length; i++)
        {
            index.Add(categories[i], i);
        }
        return index;
    }

    /// <summary>Labels of a cell `red|blue`, without blanks around them.</summary>
    public static string[] SplitLabels(string cell, string separator) =>
        cell.Split(
            separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
