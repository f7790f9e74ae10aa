// Learning how to encode input columns, from training rows alone.
//   number:   x -> (T(x) - mean) / std; missing -> the median, and a flag where training had gaps
//   date:     days since 1970 as a number, without T
//   category: one-hot over the 50 most frequent values, plus a place for all others and missing
// T is ln(1 + x) for long-tailed amounts: no negative value, skewness above 2, and less after T.
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tables;

/// <summary>Fits <see cref="FeatureColumn"/>s.</summary>
internal static class TableFit
{
    private const int MaxCategories = 50;
    private const double LongTail = 2;

    /// <summary>Text with more distinct values than this share of its rows names things.</summary>
    private const double FreeTextShare = 0.5;
    private const int FreeTextDistinct = 20;

    /// <summary>The encodings of the columns that are of use.</summary>
    public static List<FeatureColumn> Fit(RawColumn[] inputs, int[] rows, ILogger? log)
    {
        var columns = new List<FeatureColumn>(inputs.Length);
        foreach (RawColumn input in inputs)
        {
            if (Fit(input, rows, log) is FeatureColumn column)
            {
                columns.Add(column);
            }
        }
        return columns;
    }

    /// <summary>The column's encoding; null (and why, in the log) where it is of no use.</summary>
    private static FeatureColumn? Fit(RawColumn column, int[] rows, ILogger? log) =>
        column.IsText ? FitCategory(column, rows, log) : FitNumber(column, rows, log);

    /// <summary>
    /// A column that only numbers or names the rows: the first one, unnamed or called id or index,
    /// all of whose values are distinct; or any column called `id` with distinct values.
    /// </summary>
    public static bool IsId(RawColumn column, int position)
    {
        string name = column.Name.ToLowerInvariant();
        bool named = name is "id" or "index" or "row_id" or "rowid" or "uuid" or "guid"
            || (position == 0 && (name is "c1" or "unnamed: 0" or "key" or "no" or "nr"
                || name.EndsWith("_id", StringComparison.Ordinal)
                || column.Name.EndsWith("Id", StringComparison.Ordinal)));
        if (!named || column.Count < 2)
        {
            return false;
        }
        if (column.IsText)
        {
            return AllDiffer(column.DistinctTexts, column.Count, !column.LacksTexts);
        }
        if (column.Spilled is { } spilled)
        {
            return spilled.Whole && spilled.NumberCells == column.Count
                && AllDiffer(spilled.DistinctNumbers, column.Count, spilled.DistinctIsExact);
        }
        var seen = new HashSet<double>();
        for (int row = 0; row < column.Count; row++)
        {
            double value = column.Number(row);
            if (value != Math.Floor(value) || !seen.Add(value))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Where the count of different values is no more exact, 95 % will do.</summary>
    private static bool AllDiffer(long distinct, int rows, bool exact) =>
        exact ? distinct == rows : distinct >= 0.95 * rows;

    private static FeatureColumn? FitNumber(RawColumn column, int[] rows, ILogger? log)
    {
        var values = new double[rows.Length];
        int count = 0;
        foreach (int row in rows)
        {
            double value = column.Number(row);
            if (!double.IsNaN(value))
            {
                values[count++] = value;
            }
        }
        if (count == 0)
        {
            log?.LogInformation("column '{Name}': no values, left out", column.Name);
            return null;
        }
        Span<double> present = values.AsSpan(0, count);
        present.Sort();
        double median = (present[(count - 1) / 2] + present[count / 2]) / 2;
        bool logarithm = !column.IsDate && IsLongTailed(present);
        bool gaps = count < rows.Length;
        // Mean and deviation of what the model will see: gaps filled with the median.
        (double mean, double std) = Moments(present, rows.Length - count, median, logarithm);
        return Number(column, logarithm, mean, std, median, gaps);
    }

    /// <summary>The encoding of a column of numbers.</summary>
    public static FeatureColumn Number(
        RawColumn column, bool logarithm, double mean, double std, double median, bool gaps) =>
        new()
        {
            Name = column.Name,
            Kind = ColumnKind.Number,
            Transform = column.IsDate ? ColumnTransform.Date
                : logarithm ? ColumnTransform.Log
                : ColumnTransform.None,
            Mean = mean,
            Std = std,
            Fill = median,
            MissingFlag = gaps,
        };

    private static FeatureColumn? FitCategory(RawColumn column, int[] rows, ILogger? log)
    {
        var counts = new int[column.Texts.Count];
        int present = 0;
        foreach (int row in rows)
        {
            int code = column.Code(row);
            if (code != RawColumn.MissingCode)
            {
                counts[code]++;
                present++;
            }
        }
        return Category(column, counts, present, log);
    }

    /// <summary>The encoding of a column of texts.</summary>
    /// <param name="counts">How often each text is there, by code.</param>
    /// <param name="present">Cells with a text, one that is not kept included.</param>
    public static FeatureColumn? Category(
        RawColumn column, int[] counts, int present, ILogger? log)
    {
        var seen = new List<int>();
        for (int code = 0; code < counts.Length; code++)
        {
            if (counts[code] > 0)
            {
                seen.Add(code);
            }
        }
        if (present == 0)
        {
            log?.LogInformation("column '{Name}': no values, left out", column.Name);
            return null;
        }
        List<string> texts = column.Texts;
        // Those that are not kept were counted in all rows, the training rows among them.
        long distinct = seen.Count + column.DistinctTexts - texts.Count;
        if (distinct > FreeTextDistinct && distinct > FreeTextShare * present)
        {
            log?.LogInformation(
                "column '{Name}': {Distinct} distinct texts in {Rows} rows, left out as free text",
                column.Name, distinct, present);
            return null;
        }
        if (seen.Count > MaxCategories)
        {
            log?.LogInformation(
                "column '{Name}': {Distinct} categories, the {Kept} most frequent are kept",
                column.Name, distinct, MaxCategories);
            seen.Sort((a, b) => counts[a] != counts[b]
                ? counts[b].CompareTo(counts[a])
                : string.CompareOrdinal(texts[a], texts[b]));
            seen.RemoveRange(MaxCategories, seen.Count - MaxCategories);
        }
        string[] categories = [.. seen.ConvertAll(code => texts[code])];
        Array.Sort(categories, StringComparer.Ordinal);
        return new FeatureColumn
        {
            Name = column.Name,
            Kind = ColumnKind.Category,
            Categories = categories,
        };
    }

    private static bool IsLongTailed(ReadOnlySpan<double> sorted)
    {
        if (sorted[0] < 0)
        {
            return false;
        }
        double before = Skewness(sorted, logarithm: false);
        return MayBeLongTailed(before)
            && IsLongTailed(before, Skewness(sorted, logarithm: true));
    }

    /// <summary>Of a column without negative values.</summary>
    public static bool MayBeLongTailed(double skewness) => skewness > LongTail;

    public static bool IsLongTailed(double before, double after) =>
        before > LongTail && Math.Abs(after) < before / 2;

    /// <summary>Third central moment over the cube of the deviation.</summary>
    private static double Skewness(ReadOnlySpan<double> values, bool logarithm)
    {
        (double mean, double std) = Moments(values, 0, 0, logarithm);
        double sum = 0;
        foreach (double value in values)
        {
            double z = ((logarithm ? TableEncoder.Log(value) : value) - mean) / std;
            sum += z * z * z;
        }
        return sum / values.Length;
    }

    /// <summary>
    /// Mean and deviation (1 for a constant) of the values and of repeated fillers.
    /// </summary>
    public static (double Mean, double Std) Moments(
        ReadOnlySpan<double> values, int fillers, double fill, bool logarithm)
    {
        double filler = logarithm ? TableEncoder.Log(fill) : fill;
        double count = values.Length + fillers;
        double sum = fillers * filler;
        foreach (double value in values)
        {
            sum += logarithm ? TableEncoder.Log(value) : value;
        }
        double mean = sum / count;
        double squares = fillers * (filler - mean) * (filler - mean);
        foreach (double value in values)
        {
            double d = (logarithm ? TableEncoder.Log(value) : value) - mean;
            squares += d * d;
        }
        return (mean, Deviation(mean, squares / count));
    }

    /// <summary>1 where it is rounding error beside the mean.</summary>
    public static double Deviation(double mean, double variance)
    {
        double std = Math.Sqrt(variance);
        return std > 1e-9 * Math.Max(1e-30, Math.Abs(mean)) ? std : 1;
    }
}
