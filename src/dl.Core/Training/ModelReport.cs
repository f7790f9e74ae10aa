// A model in words: what `dl info MODEL.dlm` and `dl fit --dry-run` print.
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Dl.Data;
using Dl.Files;
using Dl.Layers;
using Dl.Models;

namespace Dl.Training;

public static class ModelReport
{
    /// <summary>Labels beyond this many are counted, not listed.</summary>
    private const int ListedLabels = 20;

    /// <summary>The document of a model file, indented; its keys are the file's own.</summary>
    public static string Json(ModelDocument document)
    {
        using var parsed = JsonDocument.Parse(ModelJson.Write(document));
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            parsed.RootElement.WriteTo(writer);
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Everything a person asks of a model file, line by line.</summary>
    public static string Text(LoadedModel model)
    {
        var document = model.Document;
        var target = document.Preprocessing.Target;
        var text = new StringBuilder();
        Line(text, "task", $"{document.Task} of {string.Join(", ", target.Names)}");
        if (target.Labels.Length > 0)
        {
            Line(text, "labels", Labels(target.Labels));
        }
        Line(text, "input", Input(document.Preprocessing));
        Line(text, "model", $"{document.Architecture ?? "a graph file"}, "
            + $"{Count(model.Plan.ParameterCount)} parameters");
        Members(text, model);
        Line(text, "trained", $"{document.Epochs} epochs, seed {document.Seed}, epoch "
            + $"{document.BestEpoch} kept; loss {document.Loss}");
        var options = document.Hyperparameters.Select(h => $"{h.Key} {h.Value}");
        Line(text, "with", string.Join(", ", options));
        Metrics(text, "train", document.Metrics.Train);
        Metrics(text, "validation", document.Metrics.Val);
        Metrics(text, "test", document.Metrics.Test);
        Line(text, "data", document.DataFingerprint ?? "unknown");
        Line(text, "written by", $"dl {document.ProgramVersion}, format {document.Format}");
        return text.Append('\n').Append(Layers(model.Plan)).ToString();
    }

    /// <summary>What `dl fit --dry-run` prints: the layers, and what a training needs.</summary>
    public static string DryRun(FitSetup setup, double epochSeconds, string device)
    {
        var text = new StringBuilder(Layers(setup.Plan)).Append('\n');
        int batch = setup.Settings.BatchSize;
        var memory = ModelMemory.Of(setup.Plan, batch, setup.Optimizer);
        Line(text, "weights", Bytes(memory.Weights));
        Line(text, "training", $"about {Bytes(memory.Total)} of device memory at batch size "
            + $"{batch}: {Bytes(memory.State)} gradients and optimizer state, "
            + $"{Bytes(memory.Activations)} activations");
        int samples = setup.Data.Train.Count;
        double epoch = setup.Work / batch * samples;
        long steps = (samples + batch - 1L) / batch;
        Line(text, "work", $"{Count(steps)} steps an epoch, {epoch / 1e9:0.###} billion "
            + $"multiply-adds; at most {setup.Settings.Epochs} epochs");
        Line(text, "time", string.Create(
            CultureInfo.InvariantCulture,
            $"about {epochSeconds:0.0} s an epoch on {device}, reading the data apart"));
        return text.ToString();
    }

    /// <summary>The architecture: a line a layer, and the sum of parameters.</summary>
    public static string Layers(GraphPlan plan)
    {
        var rows = new List<string[]> { new[] { "layer", "kind", "output", "parameters", "" } };
        rows.Add(["input", "", plan.Input.ToString(), "", ""]);
        for (int i = 0; i < plan.Steps.Count; i++)
        {
            var step = plan.Steps[i];
            // As in the total: running statistics are kept, not learnt.
            long parameters = step.Parameters.Sum(p => p.Trains ? p.Shape.Count : 0);
            // Where the graph is no chain, say what the layer reads.
            string from = step.Sources is [var only] && only == i - 1
                ? ""
                : " from " + string.Join(", ", step.Sources.Select(
                    s => s < 0 ? "input" : plan.Steps[s].Layer.Name));
            rows.Add([
                step.Layer.Name!, LayerJson.KindOf(step.Layer), step.Output.ToString(),
                parameters == 0 ? "" : Count(parameters), step.Layer.Summary() + from]);
        }
        rows.Add(["total", "", "", Count(plan.ParameterCount), ""]);
        return Table(rows);
    }

    /// <summary>Columns as wide as their contents, the fourth to the right.</summary>
    private static string Table(List<string[]> rows)
    {
        var widths = new int[rows[0].Length];
        foreach (string[] row in rows)
        {
            for (int i = 0; i < row.Length; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }
        var text = new StringBuilder();
        foreach (string[] row in rows)
        {
            var line = new StringBuilder();
            for (int i = 0; i < row.Length; i++)
            {
                line.Append(i == 3 ? row[i].PadLeft(widths[i]) : row[i].PadRight(widths[i]))
                    .Append("  ");
            }
            text.Append(line.ToString().TrimEnd()).Append('\n');
        }
        return text.ToString();
    }

    private static string Labels(string[] labels) => labels.Length <= ListedLabels
        ? string.Join(", ", labels)
        : $"{string.Join(", ", labels[..ListedLabels])}, ... ({labels.Length})";

    private static string Input(Preprocessing preprocessing) => preprocessing switch
    {
        TablePreprocessing table =>
            $"{table.Columns.Length} columns as {table.FeatureShape} numbers: "
            + string.Join(", ", table.Columns.Take(ListedLabels).Select(c => c.Name))
            + (table.Columns.Length > ListedLabels ? ", ..." : ""),
        ImagePreprocessing image =>
            $"images of {image.Width}x{image.Height} pixels, "
            + (image.Channels == 1 ? "grey" : "colour"),
        _ => preprocessing.FeatureShape.ToString(),
    };

    /// <summary>The members of an ensemble, a line each.</summary>
    private static void Members(StringBuilder text, LoadedModel model)
    {
        var members = model.Document.Members ?? [];
        if (members.Length > 0)
        {
            Line(text, "ensemble", $"{members.Length} members, "
                + $"{Count(model.Plans.Sum(p => p.ParameterCount))} parameters in all");
        }
        for (int i = 0; i < members.Length; i++)
        {
            string other = members[i].Graph is null
                ? ""
                : $"{members[i].Architecture ?? "a graph file"}, ";
            Line(text, $"member {i + 1}", $"{other}seed {members[i].Seed}, epoch "
                + $"{members[i].BestEpoch} of {members[i].Epochs} kept");
        }
    }

    private static void Metrics(StringBuilder text, string name, Dictionary<string, double>? values)
    {
        if (values is not null)
        {
            Line(text, name, string.Join(", ", values.Select(v =>
                string.Create(CultureInfo.InvariantCulture, $"{v.Key} {v.Value:0.####}"))));
        }
    }

    private static void Line(StringBuilder text, string name, string value) =>
        text.Append(name.PadRight(12)).Append(value).Append('\n');

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    internal static string Bytes(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(
            CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB"),
        >= 1L << 20 => string.Create(
            CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
    };
}

/// <summary>
/// An estimate of device memory, in bytes; what kernels use for themselves is not in it.
/// </summary>
/// <param name="State">Gradients and what the optimiser keeps of every weight.</param>
/// <param name="Activations">Outputs of all layers for one batch, kept for the backward pass, and
/// the gradients of the two largest, which live at the same time.</param>
public sealed record ModelMemory(long Weights, long State, long Activations)
{
    public long Total => Weights + State + Activations;

    public static ModelMemory Of(GraphPlan plan, int batch, OptimizerSettings optimizer)
    {
        long weights = plan.ParameterCount * sizeof(float);
        long outputs = plan.Input.Count, first = 0, second = 0;
        foreach (var step in plan.Steps)
        {
            long count = step.Output.Count;
            outputs += count;
            (first, second) = count > first ? (count, first) : (first, Math.Max(second, count));
        }
        var method = optimizer.Rule.Method(optimizer);
        long state = 0;
        for (int run = 0; run < method.State.Count; run++)
        {
            state += plan.Steps.Sum(s => s.Parameters.Sum(
                p => p.Trains ? method.StateLength(run, p.Shape) : 0));
        }
        return new ModelMemory(
            weights, weights + (state * sizeof(float)),
            (outputs + first + second) * batch * sizeof(float));
    }
}
