// What `dl fit --variant` prints: a table with a row a variant, or one JSON object whose `variants`
// hold what a fit alone would print.
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Dl.Training;

public static class ComparisonReport
{
    /// <summary>One JSON object without line breaks.</summary>
    public static string Json(ComparisonResult result)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("model", result.Output);
            writer.WriteString("metric", result.Metric);
            writer.WriteString("best", result.Best?.Name);
            writer.WriteStartArray("variants");
            foreach (var variant in result.Variants)
            {
                writer.WriteStartObject();
                writer.WriteString("variant", variant.Name);
                if (variant.Result is { } fit)
                {
                    FitReport.WriteFigures(writer, fit);
                }
                else
                {
                    writer.WriteNumber("epochs", variant.History.Count);
                    writer.WriteString("error", variant.Failure);
                }
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Two lines of headings, a row a variant, and which was the best.</summary>
    public static string Text(ComparisonResult result)
    {
        var parts = Parts(result);
        int names = Math.Max(7, result.Variants.Max(v => v.Name.Length));
        int wide = Math.Max(10, result.Metric.Length + 2);
        var text = new StringBuilder();
        text.Append(' ', names + 8);
        foreach (var (part, _) in parts)
        {
            text.Append(part.PadLeft(10 + wide));
        }
        text.Append('\n').Append("variant".PadRight(names)).Append("   epoch");
        foreach (var _ in parts)
        {
            text.Append("loss".PadLeft(10)).Append(result.Metric.PadLeft(wide));
        }
        text.Append("   seconds\n");
        foreach (var variant in result.Variants)
        {
            text.Append(variant.Name.PadRight(names));
            Row(text, variant, parts, result.Metric, wide);
        }
        if (result.Best is { Result: { } fit } best)
        {
            string by = best.Setup.Settings.BestByLoss ? "loss" : result.Metric;
            text.Append(CultureInfo.InvariantCulture, $"best validation {by}: {best.Name}\n");
            text.Append(result.Output is { } output
                ? string.Create(CultureInfo.InvariantCulture,
                    $"{output}: epoch {fit.BestEpoch} of {fit.Epochs}, {fit.Seconds:0.0} s on "
                    + $"{fit.Device}\n")
                : "");
        }
        return text.ToString();
    }

    private static void Row(
        StringBuilder text, VariantResult variant,
        List<(string Name, Func<FitResult, Scores?> Of)> parts, string metric, int wide)
    {
        if (variant.Result is not { } fit)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"   failed in epoch {variant.History.Count + 1}\n");
            return;
        }
        text.Append($"{fit.BestEpoch}/{fit.Epochs}".PadLeft(8));
        foreach (var (_, of) in parts)
        {
            var scores = of(fit);
            string loss = scores?.Loss.ToString("0.0000", CultureInfo.InvariantCulture) ?? "";
            string value = scores is null ? "" : PredictReport.Number(scores.Metrics[metric]);
            text.Append(loss.PadLeft(10)).Append(value.PadLeft(wide));
        }
        text.Append(CultureInfo.InvariantCulture, $"{fit.Seconds,10:0.0}\n");
    }

    /// <summary>The parts of the data that there are.</summary>
    private static List<(string Name, Func<FitResult, Scores?> Of)> Parts(ComparisonResult result)
    {
        var parts = new List<(string Name, Func<FitResult, Scores?> Of)>
        {
            ("train", fit => fit.Train), ("val", fit => fit.Validation),
            ("test", fit => fit.Test),
        };
        parts.RemoveAll(part =>
            !result.Variants.Any(v => v.Result is { } fit && part.Of(fit) is not null));
        return parts;
    }
}
