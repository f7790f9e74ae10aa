// How much one column tells about another, from a sample of rows.
using Dl.Data.Tables;

namespace Dl.Data.Checks;

/// <summary>A column of the sample: numbers, and codes of equal cells (-1: missing).</summary>
internal sealed class SampledColumn
{
    public SampledColumn(RowSample sample, int column)
    {
        int rows = sample.Rows.Count;
        Numbers = new double[rows];
        Codes = new int[rows];
        var codes = new Dictionary<ulong, int>();
        for (int row = 0; row < rows; row++)
        {
            CellFact cell = sample[row, column];
            bool number = cell.Kind == CellKind.Number;
            Numbers[row] = number ? cell.Number : double.NaN;
            Codes[row] = -1;
            if (cell.Kind != CellKind.Missing)
            {
                codes.TryAdd(cell.Hash, codes.Count);
                Codes[row] = codes[cell.Hash];
                Present++;
            }
        }
        Distinct = codes.Count;
    }

    public double[] Numbers { get; }

    public int[] Codes { get; }

    public int Distinct { get; }

    public int Present { get; }
}

internal static class Association
{
    /// <summary>Each value of one comes with one value of the other, and the reverse.</summary>
    public static bool OneToOne(SampledColumn a, SampledColumn b)
    {
        if (a.Distinct != b.Distinct || a.Distinct < 2)
        {
            return false;
        }
        var partner = new int[a.Distinct];
        Array.Fill(partner, -2);
        var taken = new bool[b.Distinct + 1];
        for (int row = 0; row < a.Codes.Length; row++)
        {
            (int x, int y) = (a.Codes[row], b.Codes[row]);
            if (x < 0 || y < 0)
            {
                if (x != y)
                {
                    return false;
                }
                continue;
            }
            if (partner[x] == -2 && !taken[y])
            {
                (partner[x], taken[y]) = (y, true);
            }
            if (partner[x] != y)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Pearson's correlation over rows where both are numbers; 0 where none is.</summary>
    public static double Correlation(double[] x, double[] y)
    {
        double n = 0, mx = 0, my = 0, sxx = 0, syy = 0, sxy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            if (double.IsNaN(x[i]) || double.IsNaN(y[i]))
            {
                continue;
            }
            n++;
            double dx = x[i] - mx, dy = y[i] - my;
            mx += dx / n;
            my += dy / n;
            sxx += dx * (x[i] - mx);
            syy += dy * (y[i] - my);
            sxy += dx * (y[i] - my);
        }
        return n > 2 && sxx > 0 && syy > 0 ? sxy / Math.Sqrt(sxx * syy) : 0;
    }

    /// <summary>Ranks from 1, equal numbers sharing the mean of theirs; NaN stays.</summary>
    public static double[] Ranks(double[] x)
    {
        int[] order = [.. Enumerable.Range(0, x.Length).Where(i => !double.IsNaN(x[i]))];
        Array.Sort(order, (a, b) => x[a].CompareTo(x[b]));
        var ranks = new double[x.Length];
        Array.Fill(ranks, double.NaN);
        for (int from = 0, to; from < order.Length; from = to)
        {
            to = from + 1;
            while (to < order.Length && x[order[to]] == x[order[from]])
            {
                to++;
            }
            for (int i = from; i < to; i++)
            {
                ranks[order[i]] = (from + 1 + to) / 2.0;
            }
        }
        return ranks;
    }

    /// <summary>Share of rows with the most frequent class.</summary>
    public static double MajorityShare(SampledColumn classes)
    {
        var counts = new int[classes.Distinct];
        foreach (int code in classes.Codes.Where(c => c >= 0))
        {
            counts[code]++;
        }
        return counts.Length == 0 ? 0 : (double)counts.Max() / classes.Present;
    }

    /// <summary>Accuracy of saying for each value the class that comes with it most.</summary>
    public static double AccuracyByValue(SampledColumn values, SampledColumn classes)
    {
        var counts = new Dictionary<(int, int), int>();
        var best = new int[values.Distinct + 1];
        int n = 0;
        for (int row = 0; row < values.Codes.Length; row++)
        {
            if (classes.Codes[row] < 0)
            {
                continue;
            }
            n++;
            // Missing is a value too: the last one.
            int value = values.Codes[row] < 0 ? values.Distinct : values.Codes[row];
            var key = (value, classes.Codes[row]);
            counts[key] = counts.GetValueOrDefault(key) + 1;
            best[value] = Math.Max(best[value], counts[key]);
        }
        return n == 0 ? 0 : (double)best.Sum() / n;
    }

    /// <summary>
    /// Accuracy of cutting the numbers into one interval for each class, in the order of the
    /// classes' means; each cut is the best between its two neighbours. For two classes this is a
    /// decision stump.
    /// </summary>
    public static double AccuracyByCuts(double[] numbers, SampledColumn classes)
    {
        int k = classes.Distinct;
        var sum = new double[k];
        var count = new int[k];
        int[] rows =
        [
            .. Enumerable.Range(0, numbers.Length)
                .Where(r => classes.Codes[r] >= 0 && !double.IsNaN(numbers[r])),
        ];
        foreach (int row in rows)
        {
            sum[classes.Codes[row]] += numbers[row];
            count[classes.Codes[row]]++;
        }
        int[] order = [.. Enumerable.Range(0, k).Where(c => count[c] > 0)];
        Array.Sort(order, (a, b) => (sum[a] / count[a]).CompareTo(sum[b] / count[b]));
        Array.Sort(rows, (a, b) => numbers[a].CompareTo(numbers[b]));
        var cuts = new double[Math.Max(0, order.Length - 1)];
        for (int i = 0; i < cuts.Length; i++)
        {
            cuts[i] = BestCut(
                numbers, classes.Codes, rows, order[i], order[i + 1], count[order[i]]);
        }
        int right = 0;
        foreach (int row in rows)
        {
            int place = 0;
            while (place < cuts.Length && numbers[row] > cuts[place])
            {
                place++;
            }
            right += order[place] == classes.Codes[row] ? 1 : 0;
        }
        return classes.Present == 0 ? 0 : (double)right / classes.Present;
    }

    /// <summary>The number up to which the lower of two classes is most often right.</summary>
    private static double BestCut(
        double[] numbers, int[] codes, int[] sorted, int lower, int upper, int lowerCount)
    {
        double cut = double.NegativeInfinity;
        int wrong = lowerCount, best = lowerCount;
        for (int i = 0; i < sorted.Length; i++)
        {
            int code = codes[sorted[i]];
            wrong += code == lower ? -1 : code == upper ? 1 : 0;
            bool ends = i + 1 == sorted.Length || numbers[sorted[i + 1]] > numbers[sorted[i]];
            if (ends && wrong < best)
            {
                (best, cut) = (wrong, numbers[sorted[i]]);
            }
        }
        return cut;
    }
}
