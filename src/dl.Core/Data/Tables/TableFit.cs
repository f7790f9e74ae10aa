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

    /// <summary>The column's encoding; null (and why, in the log) where it is of no use.</summary>
    public static FeatureColumn? Fit(RawColumn column, int[] rows, ILogger? log) =>
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
            return column.Texts.Count == column.Count;
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
        return new FeatureColumn
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
    }

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
        if (seen.Count > FreeTextDistinct && seen.Count > FreeTextShare * present)
        {
            log?.LogInformation(
                "column '{Name}': {Distinct} distinct texts in {Rows} rows, left out as free text",
                column.Name, seen.Count, present);
            return null;
        }
        List<string> texts = column.Texts;
        if (seen.Count > MaxCategories)
        {
            log?.LogInformation(
                "column '{Name}': {Distinct} categories, the {Kept} most frequent are kept",
                column.Name, seen.Count, MaxCategories);
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
        return before > LongTail && Math.Abs(Skewness(sorted, logarithm: true)) < before / 2;
    }

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
        double std = Math.Sqrt(squares / count);
        // A deviation that is rounding error beside the mean is none.
        return (mean, std > 1e-9 * Math.Max(1e-30, Math.Abs(mean)) ? std : 1);
    }
}
