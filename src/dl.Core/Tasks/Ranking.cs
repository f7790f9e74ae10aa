// Rows by falling probability of one label, sorted once; a draw then only counts along the order.
//   ROC AUC: the share of pairs (a row with the label, a row without) in the right order, a tie
//     being half a pair (Hanley and McNeil 1982; the area under the curve by trapezoids).
//   Average precision: sum over the distinct scores of (R_n - R_{n-1}) P_n, the sum that
//     scikit-learn calls average_precision_score; rows of one score enter together.
using Dl.Data;

namespace Dl.Tasks;

/// <summary>An order of rows, with what of each of them has the label.</summary>
internal sealed class Ranking
{
    /// <summary>In place of a label: every pair of row and label, in one order.</summary>
    public const int Micro = -1;

    /// <summary>row * 4, + 2 where the label is true, + 1 on the last row of one score.</summary>
    private readonly int[] _order;

    private Ranking(int[] order) => _order = order;

    public static Ranking Of(Predictions predictions, int label)
    {
        int labels = predictions.Task.Target.Labels.Length;
        bool micro = label == Micro, classes = predictions.Task.Target.Kind == TargetKind.Classes;
        int n = checked(predictions.Count * (micro ? labels : 1));
        var (scores, order) = (new float[n], new int[n]);
        for (int i = 0; i < n; i++)
        {
            var (row, j) = micro ? (i / labels, i % labels) : (i, label);
            bool positive = classes
                ? predictions.Classes[row] == j
                : predictions.Targets(row)[j] >= 0.5f;
            scores[i] = -predictions.Values(row)[j];
            order[i] = checked(row * 4) + (positive ? 2 : 0);
        }
        Array.Sort(scores, order);
        for (int i = 0; i < n; i++)
        {
            order[i] += i == n - 1 || scores[i] != scores[i + 1] ? 1 : 0;
        }
        return new Ranking(order);
    }

    /// <summary>NaN unless the draw has rows with the label and rows without.</summary>
    public double RocAuc(ReadOnlySpan<int> counts)
    {
        // Twice the number of pairs in order, so that a tie is the whole number 1; below 2^61.
        long pairs = 0, positives = 0, negatives = 0, before = 0, without = 0;
        foreach (int entry in _order)
        {
            int count = counts[entry >> 2];
            if ((entry & 2) != 0)
            {
                positives += count;
            }
            else
            {
                without += count;
            }
            if ((entry & 1) != 0)
            {
                pairs += without * (before + positives);
                negatives += without;
                (before, without) = (positives, 0);
            }
        }
        return positives == 0 || negatives == 0
            ? double.NaN
            : pairs / (2.0 * positives * negatives);
    }

    /// <summary>NaN when no row of the draw has the label.</summary>
    public double AveragePrecision(ReadOnlySpan<int> counts)
    {
        double sum = 0;
        long positives = 0, all = 0, before = 0;
        foreach (int entry in _order)
        {
            int count = counts[entry >> 2];
            all += count;
            positives += (entry & 2) != 0 ? count : 0;
            if ((entry & 1) != 0 && positives > before)
            {
                sum += (double)(positives - before) * positives / all;
                before = positives;
            }
        }
        return positives == 0 ? double.NaN : sum / positives;
    }

    /// <summary>Mean over the labels for which a value is defined; NaN: for none.</summary>
    public static double Macro(
        Draw draw, Func<Ranking, ReadOnlySpan<int>, double> value)
    {
        double sum = 0;
        int defined = 0;
        for (int label = 0; label < draw.Predictions.Task.Target.Labels.Length; label++)
        {
            double one = value(draw.Predictions.Ranked(label), draw.Counts);
            if (!double.IsNaN(one))
            {
                sum += one;
                defined++;
            }
        }
        return defined == 0 ? double.NaN : sum / defined;
    }
}
