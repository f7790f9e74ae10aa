// Metrics for one of n labels, as scikit-learn defines them. With tp, fp, fn counted for a label:
//   precision = tp / (tp + fp)    recall = tp / (tp + fn)    F1 = 2 tp / (2 tp + fp + fn)
// A quotient whose divisor is 0 counts as 0. Macro is the mean over the labels that occur as a
// target or a prediction; micro counts all labels together, which with one label a row makes all
// three the accuracy. With two labels the second one is the positive.
//   balanced accuracy   mean recall of the labels that occur as targets (Brodersen 2010)
//   Cohen's kappa       (po - pe) / (1 - pe), agreement beyond chance (Cohen 1960)
//   Matthews (R_K)      (c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2)(s^2 - sum t_k^2))  with c hits
//                       of s rows, p_k predictions and t_k targets of label k (Gorodkin 2004)
//   Brier               mean (p - y)^2 for two labels, mean sum_k (p_k - y_k)^2 for more
//   ECE                 sum over 15 bins of confidence |B|/n |accuracy(B) - confidence(B)|, the
//                       bins ((m-1)/15, m/15] (Guo 2017)
using System.Globalization;

namespace Dl.Tasks;

/// <summary>Metrics for one of n labels.</summary>
public static class ClassMetrics
{
    private const int Bins = 15;

    public static readonly Metric
        Accuracy = Share("accuracy", "share of rows whose likeliest label is right", draw =>
            draw.Mean(draw.Predictions.Column("accuracy", (p, row) =>
                p.Best[row] == p.Classes[row] ? 1 : 0))),
        MacroF1 = Bounded("f1_macro", "mean F1 of the labels", draw =>
            Macro(draw.Tally, F1)),
        LogLoss = new("log_loss", false, "mean -ln of the true label's probability", draw =>
            draw.Mean(draw.Predictions.Column("log_loss", (p, row) =>
                -Math.Log(Math.Max(p.Values(row)[p.Classes[row]], 1e-15))))),
        Balanced = Bounded("balanced_accuracy", "mean recall of the labels there are", draw =>
        {
            double sum = 0;
            int present = 0;
            for (int i = 0; i < draw.Tally.Actual.Length; i++)
            {
                sum += Recall(draw.Tally, i);
                present += draw.Tally.Actual[i] > 0 ? 1 : 0;
            }
            return sum / present;
        }),
        MacroPrecision = Bounded("precision_macro", "mean precision of the labels", draw =>
            Macro(draw.Tally, Precision)),
        MacroRecall = Bounded("recall_macro", "mean recall of the labels", draw =>
            Macro(draw.Tally, Recall)),
        MicroPrecision = Share("precision_micro", "precision, all labels counted together",
            Accuracy.Compute),
        MicroRecall = Share("recall_micro", "recall, all labels counted together",
            Accuracy.Compute),
        MicroF1 = Share("f1_micro", "F1, all labels counted together", Accuracy.Compute),
        PositivePrecision = Bounded("precision", "precision of the second of two labels", draw =>
            Precision(draw.Tally, 1)),
        PositiveRecall = Bounded("recall", "recall of the second of two labels", draw =>
            Recall(draw.Tally, 1)),
        PositiveF1 = Bounded("f1", "F1 of the second of two labels", draw => F1(draw.Tally, 1)),
        RocAuc = Bounded("roc_auc",
            "area under the ROC curve; over two labels, the mean of one against the rest",
            draw => Ranked(draw, (ranking, counts) => ranking.RocAuc(counts))),
        AveragePrecision = Bounded("pr_auc",
            "average precision; over two labels, the mean of one against the rest",
            draw => Ranked(draw, (ranking, counts) => ranking.AveragePrecision(counts))),
        Brier = new("brier", false, "mean squared error of the probabilities", draw =>
            draw.Mean(draw.Predictions.Column("brier", BrierOf)))
        {
            // Over two labels the squares of all of them are added.
            Spread = Spread.Bounded, High = 2,
        },
        BinaryBrier = Brier with { High = 1 },
        CalibrationError = new("ece", false,
            "expected calibration error, 15 bins of confidence", Calibration)
        {
            Spread = Spread.Bounded,
        },
        Kappa = Bounded("kappa", "Cohen's kappa, agreement beyond chance", draw =>
        {
            var (hits, products, _, _) = Sums(draw.Tally);
            double n = draw.Tally.Total, expected = products / (n * n);
            return expected == 1 ? double.NaN : ((hits / n) - expected) / (1 - expected);
        }) with
        { Low = -1 },
        Matthews = Bounded("mcc", "Matthews' correlation of labels and predictions", draw =>
        {
            var (hits, products, predicted, actual) = Sums(draw.Tally);
            double n = draw.Tally.Total;
            double scale = ((n * n) - predicted) * ((n * n) - actual);
            return scale == 0 ? 0 : ((hits * n) - products) / Math.Sqrt(scale);
        }) with
        { Low = -1 };

    /// <summary>What a score of a classification tells, in order.</summary>
    /// <param name="probabilities">False: predictions are labels without a probability.</param>
    /// <param name="top">k of the top-k accuracy; null: 5 where there are more labels.</param>
    internal static IReadOnlyList<Metric> List(int labels, bool probabilities, int? top)
    {
        List<Metric> list = [Accuracy, MacroF1];
        if (probabilities)
        {
            list.Add(LogLoss);
            top ??= labels > 5 ? 5 : null;
            if (top is { } k)
            {
                list.Add(Top(k));
            }
        }
        list.Add(Balanced);
        list.AddRange(labels == 2 ? [PositivePrecision, PositiveRecall, PositiveF1] : []);
        list.AddRange(MacroPrecision, MacroRecall, MicroPrecision, MicroRecall, MicroF1);
        if (probabilities)
        {
            list.AddRange(
                RocAuc, AveragePrecision, labels == 2 ? BinaryBrier : Brier, CalibrationError);
        }
        list.AddRange(Kappa, Matthews);
        return list;
    }

    /// <summary>Share of rows whose true label is among the k likeliest. Labels of equal
    /// probability stand in the order of the labels.</summary>
    public static Metric Top(int k)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"top_{k}_accuracy");
        return Share(name, $"share of rows whose label is among the {k} likeliest", draw =>
            draw.Mean(draw.Predictions.Column(name, (p, row) =>
                Rank(p.Values(row), p.Classes[row]) < k ? 1 : 0)));
    }

    private static Metric Share(string name, string description, MetricFunction compute) =>
        new(name, true, description, compute) { Spread = Spread.Proportion };

    private static Metric Bounded(string name, string description, MetricFunction compute) =>
        new(name, true, description, compute) { Spread = Spread.Bounded };

    /// <summary>Labels in front of this one.</summary>
    private static int Rank(ReadOnlySpan<float> values, int label)
    {
        int rank = 0;
        for (int i = 0; i < values.Length; i++)
        {
            rank += values[i] > values[label] || (values[i] == values[label] && i < label) ? 1 : 0;
        }
        return rank;
    }

    private static double BrierOf(Predictions predictions, int row)
    {
        var values = predictions.Values(row);
        int label = predictions.Classes[row];
        if (values.Length == 2)
        {
            double miss = 1.0 - values[label];
            return miss * miss;
        }
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            double miss = values[i] - (i == label ? 1.0 : 0.0);
            sum += miss * miss;
        }
        return sum;
    }

    private static double Calibration(Draw draw)
    {
        // The bin of each row, and how far its confidence is from being right or wrong.
        var bins = draw.Predictions.Column("ece.bin", (p, row) => Math.Clamp(
            Math.Ceiling((double)Confidence(p, row) * Bins) - 1, 0, Bins - 1));
        var gaps = draw.Predictions.Column("ece.gap", (p, row) =>
            (p.Best[row] == p.Classes[row] ? 1.0 : 0.0) - Confidence(p, row));
        Span<double> sums = stackalloc double[Bins];
        sums.Clear();
        for (int i = 0; i < bins.Length; i++)
        {
            sums[(int)bins[i]] += draw.Counts[i] * gaps[i];
        }
        double sum = 0;
        foreach (double gap in sums)
        {
            sum += Math.Abs(gap);
        }
        return sum / draw.Total;
    }

    private static float Confidence(Predictions p, int row) => p.Values(row)[p.Best[row]];

    private static double Ranked(Draw draw, Func<Ranking, ReadOnlySpan<int>, double> value) =>
        draw.Predictions.Task.Target.Labels.Length == 2
            ? value(draw.Predictions.Ranked(1), draw.Counts)
            : Ranking.Macro(draw, value);

    /// <summary>Hits, sum of p_k t_k, sum of p_k^2, sum of t_k^2.</summary>
    private static (double Hits, double Products, double Predicted, double Actual) Sums(
        Tally tally)
    {
        double hits = 0, products = 0, predicted = 0, actual = 0;
        for (int i = 0; i < tally.Hits.Length; i++)
        {
            double p = tally.Predicted[i], t = tally.Actual[i];
            hits += tally.Hits[i];
            products += p * t;
            predicted += p * p;
            actual += t * t;
        }
        return (hits, products, predicted, actual);
    }

    internal static double Precision(Tally tally, int label) =>
        tally.Predicted[label] == 0 ? 0 : (double)tally.Hits[label] / tally.Predicted[label];

    internal static double Recall(Tally tally, int label) =>
        tally.Actual[label] == 0 ? 0 : (double)tally.Hits[label] / tally.Actual[label];

    internal static double F1(Tally tally, int label)
    {
        long both = tally.Predicted[label] + tally.Actual[label];
        return both == 0 ? 0 : 2.0 * tally.Hits[label] / both;
    }

    private static double Macro(Tally tally, Func<Tally, int, double> value)
    {
        double sum = 0;
        int present = 0;
        for (int i = 0; i < tally.Hits.Length; i++)
        {
            sum += value(tally, i);
            present += tally.Predicted[i] + tally.Actual[i] > 0 ? 1 : 0;
        }
        return sum / Math.Max(present, 1);
    }
}
