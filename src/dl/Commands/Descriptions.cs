// Models and data in words, for `dl info` and `dl fit --dry-run`.
using System.Globalization;
using Dl.Cli.Terminal;
using Dl.Data;
using Dl.Files;
using Dl.Layers;
using Dl.Models;

namespace Dl.Cli.Commands;

internal static class Descriptions
{
    /// <summary>A row a layer: name, kind, output shape, parameters; then the sum.</summary>
    public static string Layers(GraphPlan plan)
    {
        var table = new TextTable(false, false, false, true);
        table.Add("layer", "kind", "output", "parameters");
        table.Add("input", "", plan.Input.ToString(), "");
        foreach (GraphStep step in plan.Steps)
        {
            long parameters = step.Parameters.Sum(p => p.Shape.Count);
            table.Add(
                step.Layer.Name!, LayerJson.KindOf(step.Layer), step.Output.ToString(),
                parameters.ToString("N0", CultureInfo.InvariantCulture));
        }
        table.Add(
            "sum", "", "", plan.ParameterCount.ToString("N0", CultureInfo.InvariantCulture));
        return table.ToString();
    }

    public static string Model(LoadedModel model)
    {
        ModelDocument document = model.Document;
        var facts = new TextTable(false, false);
        TargetSpec target = document.Preprocessing.Target;
        facts.Add("task", $"{document.Task} of {string.Join(", ", target.Names)}");
        if (target.Labels.Length > 0)
        {
            facts.Add("labels", string.Join(", ", target.Labels));
        }
        facts.Add("architecture", document.Architecture ?? "from a graph file");
        facts.Add("loss", document.Loss);
        foreach ((string name, var value) in document.Hyperparameters)
        {
            facts.Add(name, value.ToString());
        }
        facts.Add("seed", document.Seed.ToString(CultureInfo.InvariantCulture));
        facts.Add("epochs", $"{document.Epochs}, the best was {document.BestEpoch}");
        AddScores(facts, "train", document.Metrics.Train);
        AddScores(facts, "val", document.Metrics.Val);
        AddScores(facts, "test", document.Metrics.Test);
        facts.Add("written by", $"dl {document.ProgramVersion}, format {document.Format}");
        return $"{facts}\n{Layers(model.Plan)}";
    }

    private static void AddScores(TextTable facts, string part, Dictionary<string, double>? scores)
    {
        if (scores is not null)
        {
            facts.Add(part, string.Join(", ", scores.Select(s => $"{s.Key} {Number(s.Value)}")));
        }
    }

    public static string Data(DataDescription data)
    {
        string parts = string.Join(", ", data.Parts.Select(p => $"{p.Name} {p.Rows}"));
        string text = $"{data.Kind}: {data.Rows} samples ({parts})\n";
        if (data.Images is { } images)
        {
            text += $"images: {images.MinWidth}x{images.MinHeight} to "
                + $"{images.MaxWidth}x{images.MaxHeight} pixels, {images.Channels} channels, "
                + $"{string.Join(", ", images.Formats)}\n";
        }
        if (data.Columns is { } columns)
        {
            var table = new TextTable(false, false, true, true, true, true, true);
            table.Add("column", "type", "missing", "distinct", "min", "max", "mean");
            foreach (ColumnDescription c in columns)
            {
                table.Add(
                    c.Name, c.Type, c.Missing.ToString(CultureInfo.InvariantCulture),
                    c.Distinct.ToString(CultureInfo.InvariantCulture), Number(c.Min),
                    Number(c.Max), Number(c.Mean));
            }
            text += "\n" + table;
        }
        if (data.Classes is { } classes)
        {
            var table = new TextTable(false, true);
            table.Add("class", "samples");
            foreach (ClassDescription c in classes)
            {
                table.Add(c.Label, c.Count.ToString(CultureInfo.InvariantCulture));
            }
            text += "\n" + table;
        }
        return text;
    }

    private static string Number(double? value) =>
        value?.ToString("0.####", CultureInfo.InvariantCulture) ?? "";
}
