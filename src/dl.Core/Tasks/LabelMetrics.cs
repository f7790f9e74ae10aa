// Metrics for any of n labels; a label counts as given from probability 1/2. Macro is the mean over
// all labels (for the areas: over those for which they are defined), micro counts every pair of row
// and label alike. A quotient whose divisor is 0 counts as 0, as in scikit-learn.
namespace Dl.Tasks;

/// <summary>Metrics for any of n labels.</summary>
public static class LabelMetrics
{
    public static readonly Metric
        MicroF1 = Bounded("f1_micro", "F1, all labels counted together", draw =>
        {
            var (hits, predicted, actual) = Sums(draw.Tally);
            return predicted + actual == 0 ? 0 : 2.0 * hits / (predicted + actual);
        }),
        LabelAccuracy = Bounded("label_accuracy",
            "share of all yes and no that is right (1 - Hamming loss)",
            draw => draw.Mean(draw.Predictions.Column("label_accuracy", (p, row) =>
                (double)Right(p.Values(row), p.Targets(row)) / p.Values(row).Length))),
        ExactMatch = new("exact_match", true, "share of rows with all labels right", draw =>
            draw.Mean(draw.Predictions.Column("exact_match", (p, row) =>
                Right(p.Values(row), p.Targets(row)) == p.Values(row).Length ? 1 : 0)))
        {
            Spread = Spread.Proportion,
        },
        MacroF1 = Bounded("f1_macro", "mean F1 of the labels", draw =>
            Macro(draw.Tally, ClassMetrics.F1)),
        MacroPrecision = Bounded("precision_macro", "mean precision of the labels", draw =>
            Macro(draw.Tally, ClassMetrics.Precision)),
        MacroRecall = Bounded("recall_macro", "mean recall of the labels", draw =>
            Macro(draw.Tally, ClassMetrics.Recall)),
        MicroPrecision = Bounded("precision_micro", "precision, all labels counted together",
            draw =>
            {
                var (hits, predicted, _) = Sums(draw.Tally);
                return predicted == 0 ? 0 : (double)hits / predicted;
            }),
        MicroRecall = Bounded("recall_micro", "recall, all labels counted together", draw =>
        {
            var (hits, _, actual) = Sums(draw.Tally);
            return actual == 0 ? 0 : (double)hits / actual;
        }),
        MacroRocAuc = Bounded("roc_auc", "mean area under the ROC curves of the labels", draw =>
            Ranking.Macro(draw, (ranking, counts) => ranking.RocAuc(counts))),
        MicroRocAuc = Bounded("roc_auc_micro", "ROC AUC of all pairs of row and label", draw =>
            draw.Predictions.Ranked(Ranking.Micro).RocAuc(draw.Counts)),
        MacroAveragePrecision = Bounded("pr_auc", "mean average precision of the labels", draw =>
            Ranking.Macro(draw, (ranking, counts) => ranking.AveragePrecision(counts))),
        MicroAveragePrecision = Bounded("pr_auc_micro",
            "average precision of all pairs of row and label",
            draw => draw.Predictions.Ranked(Ranking.Micro).AveragePrecision(draw.Counts)),
        LogLoss = new("log_loss", false, "mean -ln of the probability of each yes and no", draw =>
            draw.Mean(draw.Predictions.Column("log_loss", (p, row) => Mean(p, row, (value, yes) =>
                -Math.Log(Math.Max(yes ? value : 1.0 - value, 1e-15)))))),
        Brier = new("brier", false, "mean squared error of the probabilities", draw =>
            draw.Mean(draw.Predictions.Column("brier", (p, row) => Mean(p, row, (value, yes) =>
            {
                double miss = value - (yes ? 1.0 : 0.0);
                return miss * miss;
            }))))
        {
            Spread = Spread.Bounded,
        };

    /// <summary>What a score tells, in order.</summary>
    public static IReadOnlyList<Metric> All { get; } =
    [
        MicroF1, LabelAccuracy, ExactMatch, MacroF1, MicroPrecision, MicroRecall, MacroPrecision,
        MacroRecall, MacroRocAuc, MicroRocAuc, MacroAveragePrecision, MicroAveragePrecision,
        LogLoss, Brier,
    ];

    private static Metric Bounded(string name, string description, MetricFunction compute) =>
        new(name, true, description, compute) { Spread = Spread.Bounded };

    private static double Mean(Predictions p, int row, Func<float, bool, double> value)
    {
        ReadOnlySpan<float> values = p.Values(row), targets = p.Targets(row);
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            sum += value(values[i], targets[i] >= 0.5f);
        }
        return sum / values.Length;
    }

    private static double Macro(Tally tally, Func<Tally, int, double> value)
    {
        double sum = 0;
        for (int i = 0; i < tally.Hits.Length; i++)
        {
            sum += value(tally, i);
        }
        return sum / tally.Hits.Length;
    }

    private static (long Hits, long Predicted, long Actual) Sums(Tally tally)
    {
        long hits = 0, predicted = 0, actual = 0;
        for (int i = 0; i < tally.Hits.Length; i++)
        {
            hits += tally.Hits[i];
            predicted += tally.Predicted[i];
            actual += tally.Actual[i];
        }
        return (hits, predicted, actual);
    }

    private static int Right(ReadOnlySpan<float> values, ReadOnlySpan<float> targets)
    {
        int right = 0;
        for (int i = 0; i < values.Length; i++)
        {
            right += (values[i] >= 0.5f) == (targets[i] >= 0.5f) ? 1 : 0;
        }
        return right;
    }
}
