// Single values that do not belong into their column: texts among numbers, far outliers, stand-ins
// for missing values, dates written in several ways.
using System.Globalization;
using Dl.Data.Tables;

namespace Dl.Data.Checks;

/// <summary>A few texts in a column of numbers.</summary>
internal sealed class StrayTexts : ITableCheck
{
    /// <summary>A column of numbers has this share of them, and no more different texts.</summary>
    private const double NumberShare = 0.8;
    private const int MaxTexts = 10;
    private const int MinNumbers = 8;

    public static readonly CheckKind Stray = new(
        "stray-text", Severity.Error, "texts in columns of numbers",
        "write a number, or leave the cell empty; --fix leaves such rows out")
    {
        Mends = true,
    };

    public CheckKind[] Kinds => [Stray];

    public void Look(TableProfile table, Findings findings)
    {
        for (int column = 0; column < table.Names.Count; column++)
        {
            ColumnProfile profile = table.Union(column);
            if (table.IsIgnored(column) || profile.Texts == 0 || profile.Numbers == 0)
            {
                continue;
            }
            bool numeric = table.IsNumeric(column);
            if (!numeric && !LooksNumeric(profile))
            {
                continue;
            }
            foreach (CellValue value in profile.TextValues)
            {
                string times = value.Count > 1 ? $" ({value.Count} times, first here)" : "";
                findings.Add(
                    Stray, table.Locate(value.First),
                    $"column '{profile.Name}' is '{value.Text}'{times}, expected a number as in "
                    + (numeric ? "nearly all other rows; " : "most other rows, or the whole "
                        + "column becomes categories; ") + Hint(value.Text),
                    numeric ? null : Severity.Warning);
            }
        }
    }

    /// <summary>What the writer likely meant.</summary>
    public static string Hint(string text)
    {
        if (MeansMissing(text))
        {
            return "leave the cell empty for a missing value";
        }
        string digits = text.Replace(",", "", StringComparison.Ordinal);
        if (text.Contains(',') && Cell.TryNumber(digits, out _))
        {
            return text.Contains('.')
                ? "leave out the commas between thousands"
                : "write a decimal point, or say --decimal comma where all numbers have commas";
        }
        string core = text.TrimStart('$', '€', '£', '~', '<', '>', '=', ' ').TrimEnd();
        int end = core.Length;
        while (end > 0 && !char.IsAsciiDigit(core[end - 1]))
        {
            end--;
        }
        return end > 0 && Cell.TryNumber(core.AsSpan(0, end), out _)
            ? $"write the number alone, {core[..end]}"
            : "leave the cell empty for a missing value";
    }

    /// <summary>Signs for a missing value beside those that dl knows.</summary>
    public static bool MeansMissing(string text) =>
        text.Trim().TrimEnd('?', '!', '.').ToLowerInvariant() is "" or "-" or "--" or "none"
            or "nil" or "unknown" or "missing" or "n.a" or "na" or "n/a" or "n / a" or "#n/a"
            or "nan" or "#null" or "#value" or "#div/0" or "null" or "not available" or "(null)"
            or "<na>" or "tbd";

    private static bool LooksNumeric(ColumnProfile profile) =>
        !profile.ManyTexts && profile.Numbers >= MinNumbers
        && profile.Numbers >= NumberShare * profile.Present
        && profile.TextValues.Count() <= MaxTexts;
}

/// <summary>Numbers far from all others.</summary>
internal sealed class Outliers : ITableCheck
{
    private const int MinNumbers = 30;
    private const int MinDistinct = 10;
    private const double Fences = 10;

    /// <summary>Interquartile ranges between an outlier and the next value.</summary>
    private const double Gap = 3;

    /// <summary>What is more frequent than this is the tail of the distribution.</summary>
    private const double Rare = 0.001;

    /// <summary>The upper tail is this many times the lower one: compared by logarithm.</summary>
    private const double Skewed = 3;

    public static readonly CheckKind Outlier = new(
        "outlier", Severity.Warning,
        "single numbers more than 10 interquartile ranges outside the quartiles",
        "look at the row: a slip of the decimal point?");

    public static readonly CheckKind Sentinel = new(
        "sentinel", Severity.Warning,
        "numbers such as -999 or 1900 that recur apart from all others",
        "leave the cell empty if it stands for a missing value");

    public CheckKind[] Kinds => [Outlier, Sentinel];

    public void Look(TableProfile table, Findings findings)
    {
        Spot? header = NumericHeader.Is(table) ? new Spot(0, 1) : null;
        for (int column = 0; column < table.Names.Count; column++)
        {
            ColumnProfile profile = table.Union(column);
            if (table.IsIgnored(column) || profile.Numbers < MinNumbers
                || profile.Distinct < MinDistinct || !table.IsNumeric(column))
            {
                continue;
            }
            double? low = FindSentinel(table, column, profile, profile.Low, findings);
            double? high = FindSentinel(table, column, profile, profile.High, findings);
            FindOutliers(table, profile, profile.Low, low, header, findings);
            FindOutliers(table, profile, profile.High, high, header, findings);
        }
    }

    /// <summary>The outermost value, where it recurs far from the next one.</summary>
    private static double? FindSentinel(
        TableProfile table, int column, ColumnProfile profile, Extremes end, Findings findings)
    {
        double value = end.First;
        double gap = Math.Abs(value - end.Second);
        double[] others = [.. profile.Sample.Where(v => v != value)];
        if (end.Count < 2 || end.Count > profile.Numbers / 2 || others.Length < MinNumbers / 2)
        {
            return null;
        }
        double range = others[(int)(0.99 * (others.Length - 1))]
            - others[(int)(0.01 * (others.Length - 1))];
        bool usual = IsUsual(value) && gap > 0.5 * range;
        bool far = gap > 3 * range && end.Count >= 3 && range > 0;
        if (!usual && !far)
        {
            return null;
        }
        findings.Add(
            Sentinel, table.Locate(column), string.Create(
                CultureInfo.InvariantCulture,
                $"{value} comes {end.Count} times, first in {table.Locate(FirstOf(end))}, and the "
                + $"next value is {end.Second}; leave the cells empty if it stands for missing "
                + $"values"));
        return value;
    }

    /// <summary>0, 99, -999 and their like, and the first and last years of calendars.</summary>
    private static bool IsUsual(double value)
    {
        double size = Math.Abs(value);
        return value is 0 or -1 or 1900 or 1970
            || (size is >= 99 and < 1e12 && size.ToString(CultureInfo.InvariantCulture).Trim('9')
                .Length == 0);
    }

    private static Spot FirstOf(Extremes end) =>
        end.Outer.Where(o => o.Number == end.First).Min(o => (o.Spot.File, o.Spot.Line)) switch
        {
            (int file, int line) => new Spot(file, line),
        };

    private static void FindOutliers(
        TableProfile table, ColumnProfile profile, Extremes end, double? sentinel, Spot? header,
        Findings findings)
    {
        double lower = profile.Quantile(0.25), upper = profile.Quantile(0.75);
        double middle = profile.Quantile(0.5);
        bool skewed = profile.Low.First > 0 && profile.Quantile(0.9) - middle
            > Skewed * (middle - profile.Quantile(0.1));
        (lower, upper) = skewed ? (Math.Log(lower), Math.Log(upper)) : (lower, upper);
        double width = upper - lower;
        double Scaled(double v) => skewed ? Math.Log(v) : v;
        bool Beyond(double v) => v != sentinel
            && (Scaled(v) < lower - (Fences * width) || Scaled(v) > upper + (Fences * width));
        if (width <= 0 || profile.Sample.Count(Beyond) > Math.Max(1, Rare * profile.Sample.Count))
        {
            return;
        }
        // From the outside inwards, up to the last gap: behind it begins the tail of the others.
        (double Number, Spot Spot)[] outer =
            [.. end.Outer.Where(o => o.Number != sentinel && o.Spot != header)];
        int apart = 0;
        for (int i = 1; i < outer.Length && Beyond(outer[i - 1].Number); i++)
        {
            double gap = Math.Abs(Scaled(outer[i - 1].Number) - Scaled(outer[i].Number));
            apart = gap >= Gap * width ? i : apart;
        }
        foreach ((double number, Spot spot) in outer.Take(apart))
        {
            findings.Add(
                Outlier, table.Locate(spot), string.Create(
                    CultureInfo.InvariantCulture,
                    $"column '{profile.Name}' is {number}; half of all values lie between "
                    + $"{profile.Quantile(0.25):G6} and {profile.Quantile(0.75):G6}"));
        }
    }
}
