// `--report FILE.html`: one page that needs nothing beside it. What was trained, how it went, what
// it gets right and wrong, what its weights look like, and the line that makes it again.
using System.Globalization;
using System.Text;
using Dl.Data;
using Dl.Files;
using Dl.Layers;
using Dl.Tasks;
using static Dl.Training.Watching.Svg;

namespace Dl.Training.Watching;

/// <summary>Everything that the page shows.</summary>
/// <param name="Part">`test`, `validation` or `training`: what <c>Evaluation</c> is of.</param>
internal sealed record ReportData(
    FitResult Result, TrainingWatch Watch, string Part, IDataset Scored, Evaluation Evaluation,
    string Fingerprint, ModelDocument Document);

internal static class HtmlReport
{
    private const int WorstShown = 24;

    /// <summary>With more labels, the most frequent confusions instead of the matrix.</summary>
    private const int LargestMatrix = 40;

    private const int LargestScatter = 2000;

    /// <summary>Writes the page, atomically.</summary>
    /// <exception cref="DlException">It cannot be written.</exception>
    public static void Write(string path, ReportData data)
    {
        byte[] page = new UTF8Encoding(false).GetBytes(Page(data));
        AtomicFile.Write(path, stream => stream.Write(page));
    }

    private static string Page(ReportData data)
    {
        var text = new StringBuilder();
        string model = data.Result.Model;
        text.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
            .Append("<meta name=\"viewport\" content=\"width=device-width\">")
            .Append($"<title>{Escape(model)} - dl fit</title>\n<style>{ReportStyle.Css}</style>")
            .Append("</head><body>\n<main>\n");
        Head(text, data);
        Curves(text, data);
        Quality(text, data);
        Worst(text, data);
        Layers(text, data);
        Weights(text, data);
        Settings(text, data);
        return text.Append("</main></body></html>\n").ToString();
    }

    private static void Head(StringBuilder text, ReportData data)
    {
        var (result, target) = (data.Result, data.Result.Setup.Task.Target);
        text.Append(CultureInfo.InvariantCulture,
            $"<h1>{Escape(result.Model)}</h1>\n<p class=\"lead\">"
            + $"{Escape(result.Setup.Task.Kind)} of {Escape(string.Join(", ", target.Names))}, "
            + $"{result.Setup.Plan.ParameterCount:N0} parameters, {result.Epochs} epochs in "
            + $"{result.Seconds:0.0} s on {Escape(result.Device)}; "
            + $"epoch {result.BestEpoch} kept.</p>\n");
        text.Append("<table><thead><tr><th></th><th class=\"n\">samples</th>"
            + "<th class=\"n\">loss</th>");
        foreach (string name in result.Train?.Metrics.Keys ?? [])
        {
            text.Append($"<th class=\"n\">{Escape(name)}</th>");
        }
        text.Append("</tr></thead>\n<tbody>");
        var splits = result.Setup.Data;
        Row(text, "training", splits.Train, result.Train);
        Row(text, "validation", splits.Validation, result.Validation);
        Row(text, "test", splits.Test, result.Test);
        text.Append("</tbody></table>\n");
    }

    private static void Row(StringBuilder text, string name, IDataset? data, Scores? scores)
    {
        if (data is null || scores is null)
        {
            return;
        }
        text.Append(CultureInfo.InvariantCulture,
            $"<tr><td>{name}</td><td class=\"n\">{data.Count:N0}</td>"
            + $"<td class=\"n\">{scores.Loss:0.0000}</td>");
        foreach (double value in scores.Metrics.Values)
        {
            text.Append($"<td class=\"n\">{ChartAxes.Number(value)}</td>");
        }
        text.Append("</tr>\n");
    }

    private static void Curves(StringBuilder text, ReportData data)
    {
        var (history, best) = (data.Result.History, data.Result.BestEpoch);
        if (history.Count == 0)
        {
            return;
        }
        string metric = data.Result.Setup.Task.Metrics[0].Name;
        text.Append("<h2>Curves</h2>\n<p class=\"legend\"><i class=\"train\"></i>training "
            + "<i class=\"val\"></i>validation <i class=\"best\"></i>the epoch that was kept</p>\n"
            + "<div class=\"charts\">");
        text.Append(ReportCharts.Curves(
            "loss", history, r => r.TrainLoss, r => r.ValLoss, best));
        text.Append(ReportCharts.Curves(
            metric, history, r => r.TrainMetric, r => r.ValMetric, best));
        text.Append(ReportCharts.Curves(
            "learning rate", history, r => r.LearningRate, _ => null, 0));
        text.Append("</div>\n");
    }

    private static void Quality(StringBuilder text, ReportData data)
    {
        var predictions = data.Evaluation.Predictions;
        text.Append($"<h2>On the {data.Part} data</h2>\n<div class=\"charts\">");
        if (predictions.Task.Target.Kind == TargetKind.Classes)
        {
            Classes(text, predictions);
        }
        else if (predictions.Task.Target.Kind == TargetKind.Numeric)
        {
            for (int i = 0; i < predictions.Task.Target.Names.Length; i++)
            {
                text.Append(ReportCharts.Scatter(
                    predictions.Task.Target.Names[i], Pairs(predictions, i)));
            }
        }
        text.Append("</div>\n");
    }

    private static void Classes(StringBuilder text, Predictions predictions)
    {
        string[] labels = predictions.Task.Target.Labels;
        var counts = new long[labels.Length, labels.Length];
        for (int i = 0; i < predictions.Count; i++)
        {
            counts[(int)predictions.Targets(i)[0], predictions.Best[i]]++;
        }
        text.Append("<figure>");
        if (labels.Length <= LargestMatrix)
        {
            text.Append(ReportCharts.Confusion(labels, counts));
        }
        else
        {
            Confusions(text, labels, counts);
        }
        text.Append("<figcaption>Rows are the true labels; a shade is a share of its row."
            + "</figcaption></figure>\n<figure>");
        text.Append(ReportCharts.Calibration(Bins(predictions)));
        text.Append("<figcaption>A calibrated model lies on the dashed line; bars are shares of "
            + "the samples.</figcaption></figure>");
    }

    /// <summary>With very many labels: the pairs that are taken for one another most.</summary>
    private static void Confusions(StringBuilder text, string[] labels, long[,] counts)
    {
        var pairs = new List<(long Count, int True, int Given)>();
        for (int i = 0; i < labels.Length; i++)
        {
            for (int j = 0; j < labels.Length; j++)
            {
                if (i != j && counts[i, j] > 0)
                {
                    pairs.Add((counts[i, j], i, j));
                }
            }
        }
        text.Append("<table><thead><tr><th>true</th><th>taken for</th><th class=\"n\">times</th>"
            + "</tr></thead><tbody>");
        foreach (var (count, truth, given) in pairs.OrderByDescending(p => p.Count).Take(20))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"<tr><td>{Escape(labels[truth])}</td><td>{Escape(labels[given])}</td>"
                + $"<td class=\"n\">{count}</td></tr>");
        }
        text.Append("</tbody></table>");
    }

    private static List<(double, double, int)> Bins(Predictions predictions)
    {
        const int Count = 10;
        var (confidence, right, count) = (new double[Count], new double[Count], new int[Count]);
        for (int i = 0; i < predictions.Count; i++)
        {
            int best = predictions.Best[i];
            double p = predictions.Values(i)[best];
            int bin = Math.Clamp((int)(p * Count), 0, Count - 1);
            confidence[bin] += p;
            right[bin] += best == (int)predictions.Targets(i)[0] ? 1 : 0;
            count[bin]++;
        }
        var bins = new List<(double, double, int)>();
        for (int i = 0; i < Count; i++)
        {
            double n = Math.Max(1, count[i]);
            bins.Add((confidence[i] / n, right[i] / n, count[i]));
        }
        return bins;
    }

    /// <summary>True and predicted numbers, thinned evenly where there are very many.</summary>
    private static List<(double, double)> Pairs(Predictions predictions, int output)
    {
        int step = Math.Max(1, predictions.Count / LargestScatter);
        var pairs = new List<(double, double)>();
        for (int i = 0; i < predictions.Count; i += step)
        {
            pairs.Add((predictions.Targets(i)[output], predictions.Values(i)[output]));
        }
        return pairs;
    }

    private static void Worst(StringBuilder text, ReportData data)
    {
        var worst = WorstSamples.Find(
            data.Scored, data.Evaluation.Predictions, data.Result.Setup.Data.Preprocessing,
            WorstShown);
        bool pictures = worst.Exists(w => w.Picture is not null);
        string folder = CommonFolder(worst);
        text.Append("<h2>Worst errors</h2>\n")
            .Append(pictures ? "<div class=\"worst\">" : "<table><thead><tr><th>sample</th>"
                + "<th>true</th><th>predicted</th><th class=\"n\">loss</th></tr></thead><tbody>");
        foreach (var sample in worst)
        {
            string loss = ChartAxes.Number(Math.Round(sample.Loss, 3));
            if (sample.Picture is { } png)
            {
                text.Append($"<figure title=\"{Escape(sample.Where)}\"><img alt=\"\" "
                    + $"src=\"data:image/png;base64,{Convert.ToBase64String(png)}\">"
                    + $"<figcaption><b>{Escape(sample.Truth)}</b><br>{Escape(sample.Given)}<br>"
                    + $"<small>{Escape(sample.Where[folder.Length..])}</small></figcaption>"
                    + "</figure>\n");
            }
            else
            {
                text.Append($"<tr><td>{Escape(sample.Where[folder.Length..])}</td>"
                    + $"<td>{Escape(sample.Truth)}</td>"
                    + $"<td>{Escape(sample.Given)}</td><td class=\"n\">{loss}</td></tr>\n");
            }
        }
        text.Append(pictures ? "</div>\n<p class=\"legend\">In bold the true label, below it the "
            + "likeliest one with its probability.</p>\n" : "</tbody></table>\n");
    }

    /// <summary>What all paths begin with, up to a slash: said once, it is no news.</summary>
    private static string CommonFolder(List<WorstSample> samples)
    {
        string common = samples.Count == 0 ? "" : samples[0].Where;
        foreach (var sample in samples)
        {
            int length = 0;
            while (length < Math.Min(common.Length, sample.Where.Length)
                && common[length] == sample.Where[length])
            {
                length++;
            }
            common = common[..length];
        }
        return common[..(common.LastIndexOf('/') + 1)];
    }

    private static void Layers(StringBuilder text, ReportData data)
    {
        var plan = data.Result.Setup.Plan;
        text.Append("<h2>Layers</h2>\n<table><thead><tr><th>layer</th><th>kind</th><th>output</th>"
            + "<th class=\"n\">parameters</th><th></th></tr></thead><tbody>"
            + $"<tr><td>input</td><td></td><td>{plan.Input}</td><td></td><td></td></tr>");
        foreach (var step in plan.Steps)
        {
            long count = step.Parameters.Sum(p => p.Shape.Count);
            text.Append(CultureInfo.InvariantCulture,
                $"<tr><td>{Escape(step.Layer.Name!)}</td><td>{LayerJson.KindOf(step.Layer)}</td>"
                + $"<td>{step.Output}</td><td class=\"n\">{(count == 0 ? "" : $"{count:N0}")}</td>"
                + $"<td>{Escape(step.Layer.Summary())}</td></tr>\n");
        }
        text.Append("</tbody></table>\n");
    }

    private static void Weights(StringBuilder text, ReportData data)
    {
        if (data.Watch.Weights.Count == 0)
        {
            return;
        }
        text.Append("<h2>Weights and gradients</h2>\n<p class=\"legend\">At the end of the last "
            + "epoch; gradients of its last step.</p>\n<div class=\"charts\">");
        var norms = data.Watch.GradientNorms;
        text.Append(ReportCharts.LogCourses("norm of the gradient, log10", norms))
            .Append("<p class=\"legend names\">");
        for (int i = 0; i < norms.Count; i++)
        {
            text.Append($"<span><i class=\"c{i % 8}\"></i>{Escape(norms[i].Name)}</span> ");
        }
        text.Append("</p></div>\n<table><thead><tr><th>weight</th><th class=\"n\">mean</th>"
            + "<th class=\"n\">deviation</th><th>values</th><th>gradient</th></tr></thead><tbody>");
        foreach (var weight in data.Watch.Weights)
        {
            string gradient = weight.Gradient is { } g ? ReportCharts.Small(g, "bar val") : "";
            text.Append($"<tr><td>{Escape(weight.Name)}</td>"
                + $"<td class=\"n\">{ChartAxes.Number(Math.Round(weight.Values.Mean, 5))}</td>"
                + $"<td class=\"n\">{ChartAxes.Number(Math.Round(weight.Values.Deviation, 5))}</td>"
                + $"<td>{ReportCharts.Small(weight.Values, "bar train")}</td>"
                + $"<td>{gradient}</td></tr>\n");
        }
        text.Append("</tbody></table>\n");
    }

    private static void Settings(StringBuilder text, ReportData data)
    {
        text.Append("<h2>To repeat the run</h2>\n");
        if (data.Result.Setup.Options.CommandLine is { } line)
        {
            text.Append($"<pre>{Escape(line)}</pre>\n");
        }
        text.Append("<table><tbody>");
        Pair(text, "seed", data.Document.Seed.ToString(CultureInfo.InvariantCulture));
        Pair(text, "loss", data.Document.Loss);
        foreach (var (key, value) in data.Document.Hyperparameters)
        {
            Pair(text, key, value.ToString());
        }
        Pair(text, "data", data.Fingerprint);
        Pair(text, "device", data.Result.Device);
        Pair(text, "program", $"dl {data.Document.ProgramVersion}");
        text.Append("</tbody></table>\n");
    }

    private static void Pair(StringBuilder text, string name, string value) =>
        text.Append($"<tr><td>{Escape(name)}</td><td>{Escape(value)}</td></tr>\n");
}
