// The metrics of a score against definitions written out plainly, on predictions with ties, absent
// classes and single classes; and figures worked out by hand.
using Dl.Data;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Tests.Tasks;

public sealed class ScoringTests
{
    [Theory]
    [InlineData(2, 60, 1)]
    [InlineData(2, 5, 2)]
    [InlineData(3, 80, 3)]
    [InlineData(7, 40, 4)]
    [InlineData(30, 25, 5)]
    public void ClassesAgreeWithTheDefinitions(int labels, int rows, ulong seed)
    {
        var (p, probabilities, truth) = Classes(labels, rows, seed);
        var metrics = p.Compute(p.Task.Scoring());
        int[] best = Array.ConvertAll(probabilities, r => Array.IndexOf(r, r.Max()));
        var there = Enumerable.Range(0, labels).Where(truth.Contains).ToArray();
        var seen = Enumerable.Range(0, labels)
            .Where(k => truth.Contains(k) || best.Contains(k)).ToArray();
        double Precision(int k) => Ratio(Both(k), best.Count(b => b == k));
        double Recall(int k) => Ratio(Both(k), truth.Count(t => t == k));
        double F1(int k) => Ratio(2 * Both(k), best.Count(b => b == k) + truth.Count(t => t == k));
        int Both(int k) => Enumerable.Range(0, rows).Count(i => best[i] == k && truth[i] == k);

        double accuracy = Enumerable.Range(0, rows).Average(i => best[i] == truth[i] ? 1.0 : 0);
        Assert.Equal(accuracy, metrics["accuracy"], 1e-12);
        Assert.Equal(accuracy, metrics["f1_micro"], 1e-12);
        Assert.Equal(there.Average(Recall), metrics["balanced_accuracy"], 1e-12);
        Assert.Equal(seen.Average(Precision), metrics["precision_macro"], 1e-12);
        Assert.Equal(seen.Average(Recall), metrics["recall_macro"], 1e-12);
        Assert.Equal(seen.Average(F1), metrics["f1_macro"], 1e-12);
        Assert.Equal(
            Enumerable.Range(0, rows).Average(i => -Math.Log(probabilities[i][truth[i]])),
            metrics["log_loss"], 1e-9);
        var ranked = labels == 2 ? [1] : there;
        Assert.Equal(
            ranked.Select(k => PairsInOrder(probabilities, truth, k)).Average(),
            metrics["roc_auc"], 1e-12);
        Assert.Equal(
            ranked.Select(k => AveragePrecision(probabilities, truth, k)).Average(),
            metrics["pr_auc"], 1e-12);
        Assert.Equal(labels > 5, metrics.ContainsKey("top_5_accuracy"));
        if (labels == 2)
        {
            Assert.Equal(Precision(1), metrics["precision"], 1e-12);
            Assert.Equal(Recall(1), metrics["recall"], 1e-12);
            Assert.Equal(F1(1), metrics["f1"], 1e-12);
        }
        double scale = labels == 2 ? 0.5 : 1;
        Assert.Equal(
            scale * Enumerable.Range(0, rows).Average(i => Enumerable.Range(0, labels)
                .Sum(k => Math.Pow(probabilities[i][k] - (truth[i] == k ? 1 : 0), 2))),
            metrics["brier"], 1e-6);
        double chance = Enumerable.Range(0, labels).Sum(k =>
            (double)best.Count(b => b == k) / rows * truth.Count(t => t == k) / rows);
        Assert.Equal((accuracy - chance) / (1 - chance), metrics["kappa"], 1e-12);
        Assert.Equal(Correlation(best, truth, labels), metrics["mcc"], 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public void TopKCountsTheTruthAmongTheLikeliest(int k)
    {
        var (p, probabilities, truth) = Classes(7, 50, 9);
        double expected = Enumerable.Range(0, 50).Average(i => probabilities[i]
            .Select((value, label) => (value, label)).OrderByDescending(v => v.value)
            .Take(k).Any(v => v.label == truth[i]) ? 1.0 : 0);
        Assert.Equal(expected, p.Compute(Metrics.Find(p.Task, $"top_{k}_accuracy")), 1e-12);
    }

    [Fact]
    public void CalibrationIsTheGapInEachBin()
    {
        // Two rows at confidence 0.8 (one right), one at 0.6 (right): the bins hold 2 and 1 rows.
        var p = Rows(2, [[0.8f, 0.2f], [0.8f, 0.2f], [0.4f, 0.6f]], [0, 1, 1]);
        Assert.Equal(((2 * 0.3) + 0.4) / 3, p.Compute(Metrics.Find(p.Task, "ece")), 1e-6);
        // 0.62 and 0.65 share a bin (9/15 to 10/15), 0.7 has the next to itself.
        p = Rows(2, [[0.62f, 0.38f], [0.35f, 0.65f], [0.7f, 0.3f]], [0, 0, 1]);
        Assert.Equal(
            (Math.Abs(1 - 1.27) + 0.7) / 3, p.Compute(Metrics.Find(p.Task, "ece")), 1e-6);
    }

    [Fact]
    public void WhatASingleClassCannotTellIsNotANumber()
    {
        var p = Rows(3, [[0.6f, 0.3f, 0.1f], [0.2f, 0.5f, 0.3f]], [0, 0]);
        var metrics = p.Compute(p.Task.Scoring());
        Assert.True(double.IsNaN(metrics["roc_auc"]));
        Assert.Equal(1, metrics["pr_auc"]);
        Assert.Equal(0.5, metrics["balanced_accuracy"]);
        Assert.Equal(0, metrics["mcc"]);
        p = Rows(2, [[0.9f, 0.1f], [0.9f, 0.1f]], [0, 0]);
        metrics = p.Compute(p.Task.Scoring());
        Assert.True(double.IsNaN(metrics["kappa"]));
        Assert.True(double.IsNaN(metrics["pr_auc"]));
        Assert.Equal(0, metrics["recall"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void LabelsAgreeWithTheDefinitions(ulong seed)
    {
        const int rows = 40, labels = 4;
        var rng = new Rng(seed);
        var p = new Predictions(LearningTask.Create(Target(labels, TargetKind.MultiLabel), null));
        var values = new float[rows][];
        var truth = new int[labels][];
        for (int k = 0; k < labels; k++)
        {
            truth[k] = new int[rows];
        }
        for (int i = 0; i < rows; i++)
        {
            values[i] = new float[labels];
            for (int k = 0; k < labels; k++)
            {
                // Tenths, so that there are ties; the last label never occurs.
                (values[i][k], truth[k][i]) = (rng.NextInt(11) / 10f, k == 3 ? 0 : rng.NextInt(2));
            }
            p.AddRow(values[i], Enumerable.Range(0, labels).Select(k => (float)truth[k][i])
                .ToArray());
        }
        var metrics = p.Compute(p.Task.Scoring());
        Assert.Equal(
            Enumerable.Range(0, 3).Average(k => PairsInOrder(values, truth[k], k, 1)),
            metrics["roc_auc"], 1e-12);
        Assert.Equal(
            Enumerable.Range(0, 3).Average(k => AveragePrecision(values, truth[k], k, 1)),
            metrics["pr_auc"], 1e-12);
        var flat = values.SelectMany(v => v).Select(v => new[] { v }).ToArray();
        var flatTruth = Enumerable.Range(0, rows * labels)
            .Select(i => truth[i % labels][i / labels]).ToArray();
        Assert.Equal(PairsInOrder(flat, flatTruth, 0, 1), metrics["roc_auc_micro"], 1e-12);
        Assert.Equal(AveragePrecision(flat, flatTruth, 0, 1), metrics["pr_auc_micro"], 1e-12);
        int hits = Enumerable.Range(0, flat.Length)
            .Count(i => flat[i][0] >= 0.5f && flatTruth[i] == 1);
        Assert.Equal(
            (double)hits / flat.Count(v => v[0] >= 0.5f), metrics["precision_micro"], 1e-12);
        Assert.Equal((double)hits / flatTruth.Sum(), metrics["recall_micro"], 1e-12);
    }

    [Fact]
    public void NumbersAgreeWithHandWork()
    {
        var p = new Predictions(LearningTask.Create(
            new TargetSpec
            {
                Kind = TargetKind.Numeric, Names = ["y", "z"], Mean = [0, 0], Std = [1, 1],
            }, null));
        // y: errors 1, -1, 2, 0 of 1, 2, 4, 5; z: constant and missed by 1 each time.
        (float Y, float Prediction)[] rows = [(1, 0), (2, 3), (4, 2), (5, 5)];
        foreach (var (y, prediction) in rows)
        {
            p.AddRow([prediction, 6], [y, 7]);
        }
        var metrics = p.Compute(p.Task.Scoring());
        Assert.Equal((Math.Sqrt(6.0 / 4) + 1) / 2, metrics["rmse"], 1e-12);
        Assert.Equal((1 + 1) / 2.0, metrics["mae"], 1e-12);
        Assert.Equal((1 - (6.0 / 10) + 0) / 2, metrics["r2"], 1e-12);
        // A constant error of a constant target has no variance: explained in full.
        Assert.Equal((1 - (5.0 / 10) + 1) / 2, metrics["explained_variance"], 1e-12);
        Assert.Equal((1 + 1) / 2.0, metrics["median_absolute_error"], 1e-12);
        Assert.Equal(2, metrics["max_error"]);
        Assert.Equal(((1 + 0.5 + 0.5 + 0) / 4 + (1.0 / 7)) / 2, metrics["mape"], 1e-12);
    }

    [Fact]
    public void ATargetOfZeroHasAHugePercentageError()
    {
        var p = new Predictions(LearningTask.Create(
            new TargetSpec { Kind = TargetKind.Numeric, Names = ["y"], Mean = [0], Std = [1] },
            null));
        p.AddRow([1], [0]);
        p.AddRow([1], [1]);
        Assert.Equal(Math.Pow(2, 52) / 2, p.Compute(NumberMetrics.Mape), 1);
        p.Clear();
        p.AddRow([0], [0]);
        Assert.Equal(0, p.Compute(NumberMetrics.Mape));
        Assert.True(double.IsNaN(p.Compute(NumberMetrics.R2)));
    }

    [Fact]
    public void NamesAreListedAndFound()
    {
        foreach (var (metric, tasks) in Metrics.All)
        {
            Metrics.CheckName(metric.Name);
            Assert.NotEmpty(tasks);
            Assert.NotEmpty(metric.Description);
        }
        var error = Assert.Throws<UsageException>(() => Metrics.CheckName("accuracies"));
        Assert.Contains("did you mean 'accuracy'?", error.Message);
        Assert.Throws<UsageException>(
            () => LearningTask.Create(Target(3, TargetKind.Classes), null, "rmse"));
        var task = LearningTask.Create(Target(3, TargetKind.Classes), null, "roc_auc");
        Assert.Equal(
            ["roc_auc", "accuracy", "f1_macro", "log_loss"], task.Metrics.Select(m => m.Name));
    }

    internal static TargetSpec Target(int labels, TargetKind kind) => new()
    {
        Kind = kind, Names = ["y"],
        Labels = [.. Enumerable.Range(0, labels).Select(i => $"l{i}")],
    };

    internal static Predictions Rows(int labels, float[][] probabilities, int[] truth)
    {
        var p = new Predictions(LearningTask.Create(Target(labels, TargetKind.Classes), null));
        for (int i = 0; i < truth.Length; i++)
        {
            p.AddRow(probabilities[i], [truth[i]]);
        }
        return p;
    }

    /// <summary>Probabilities in coarse steps, so that there are ties; not every label
    /// occurs.</summary>
    private static (Predictions, float[][], int[]) Classes(int labels, int rows, ulong seed)
    {
        var rng = new Rng(seed);
        var (probabilities, truth) = (new float[rows][], new int[rows]);
        for (int i = 0; i < rows; i++)
        {
            probabilities[i] = new float[labels];
            for (int k = 0; k < labels; k++)
            {
                probabilities[i][k] = 1 + rng.NextInt(6);
            }
            truth[i] = i < 2 ? i : rng.NextInt(Math.Max(2, labels - 1));
            probabilities[i][truth[i]] += 2;
            float sum = probabilities[i].Sum();
            for (int k = 0; k < labels; k++)
            {
                probabilities[i][k] /= sum;
            }
        }
        return (Rows(labels, probabilities, truth), probabilities, truth);
    }

    private static double Ratio(double a, double b) => b == 0 ? 0 : a / b;

    /// <summary>Every pair of a row with the label and one without.</summary>
    private static double PairsInOrder(
        float[][] values, int[] truth, int label, int positive = -1)
    {
        positive = positive < 0 ? label : positive;
        double sum = 0;
        int pairs = 0;
        for (int i = 0; i < truth.Length; i++)
        {
            for (int j = 0; j < truth.Length; j++)
            {
                if (truth[i] == positive && truth[j] != positive)
                {
                    float a = values[i][label], b = values[j][label];
                    sum += a > b ? 1 : a == b ? 0.5 : 0;
                    pairs++;
                }
            }
        }
        return sum / pairs;
    }

    /// <summary>Precision and recall at every distinct score.</summary>
    private static double AveragePrecision(
        float[][] values, int[] truth, int label, int positive = -1)
    {
        positive = positive < 0 ? label : positive;
        double sum = 0, recall = 0;
        foreach (float limit in values.Select(v => v[label]).Distinct().OrderDescending())
        {
            int taken = values.Count(v => v[label] >= limit);
            int right = Enumerable.Range(0, truth.Length)
                .Count(i => values[i][label] >= limit && truth[i] == positive);
            double next = (double)right / truth.Count(t => t == positive);
            sum += (next - recall) * right / taken;
            recall = next;
        }
        return sum;
    }

    /// <summary>Pearson's correlation of the one-hot rows, all columns together.</summary>
    private static double Correlation(int[] best, int[] truth, int labels)
    {
        double Covariance(int[] a, int[] b)
        {
            double sum = 0;
            for (int k = 0; k < labels; k++)
            {
                double meanA = a.Average(v => v == k ? 1.0 : 0);
                double meanB = b.Average(v => v == k ? 1.0 : 0);
                sum += a.Zip(b).Sum(v =>
                    ((v.First == k ? 1 : 0) - meanA) * ((v.Second == k ? 1 : 0) - meanB));
            }
            return sum;
        }
        double scale = Math.Sqrt(Covariance(best, best) * Covariance(truth, truth));
        return scale == 0 ? 0 : Covariance(best, truth) / scale;
    }
}
