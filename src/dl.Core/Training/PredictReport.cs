// What `dl predict --score` prints: tables for people, one JSON object for scripts (cli.md).
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Dl.Tasks;

namespace Dl.Training;

public static class PredictReport
{
    /// <summary>More labels are no table for people: the worst pairs are listed.</summary>
    private const int TableLabels = 20;

    /// <summary>More labels than this make no square of numbers for scripts.</summary>
    private const int SquareLabels = 100;

    private const int WorstPairs = 10;

    private static readonly JsonWriterOptions Plain =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// `{n, metrics, ci95, confusion, against, seconds}` without line breaks; the last but one only
    /// with a second model.
    /// </summary>
    public static string Json(PredictResult result)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Plain))
        {
            var score = result.Score!;
            writer.WriteStartObject();
            writer.WriteNumber("n", result.Rows);
            Write(writer, "metrics", score.Metrics);
            Write(writer, "ci95", score.Intervals);
            if (score.Confusion is { } confusion)
            {
                Write(writer, confusion);
            }
            if (result.Against is { } against)
            {
                Write(writer, against);
            }
            writer.WriteNumber("seconds", Math.Round(result.Seconds, 3));
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>A row a metric: value, and the ends of its 95 % confidence interval.</summary>
    public static string Text(PredictResult result)
    {
        var score = result.Score!;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{"n",-22}{result.Rows,12}\n");
        foreach (var (name, value) in score.Metrics)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{name,-22}{Number(value),12}{Ends(score.Intervals[name])}\n");
        }
        if (score.Confusion is { } confusion)
        {
            text.Append('\n');
            Append(text, confusion);
        }
        if (result.Against is { } against)
        {
            text.Append('\n');
            Append(text, against);
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, Against against)
    {
        text.Append($"against {against.Model}\n");
        text.Append($"{"",-22}{"its value",12}{"difference",12}{"p",10}\n");
        foreach (var (name, difference) in against.Comparison.Differences)
        {
            string p = double.IsNaN(difference.PValue) ? "" : Number(difference.PValue);
            text.Append($"{name,-22}{Number(against.Score.Metrics[name]),12}"
                + $"{Number(difference.Value),12}{p,10}{Ends(difference.Interval)}\n");
        }
        if (against.Comparison.McNemar is { } test)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"McNemar: {test.OnlyFirst} rows only the first has right, {test.OnlySecond} only ")
                .Append(CultureInfo.InvariantCulture, $"the second; p {test.PValue:G3}\n");
        }
    }

    /// <summary>`{model, metrics, ci95, difference, difference_ci95, p_value, mcnemar}`.</summary>
    private static void Write(Utf8JsonWriter writer, Against against)
    {
        var differences = against.Comparison.Differences;
        writer.WriteStartObject("against");
        writer.WriteString("model", against.Model);
        Write(writer, "metrics", against.Score.Metrics);
        Write(writer, "ci95", against.Score.Intervals);
        Write(writer, "difference", differences.ToDictionary(d => d.Key, d => d.Value.Value));
        Write(writer, "difference_ci95",
            differences.ToDictionary(d => d.Key, d => d.Value.Interval));
        Write(writer, "p_value", differences.ToDictionary(d => d.Key, d => d.Value.PValue));
        if (against.Comparison.McNemar is { } test)
        {
            writer.WriteStartObject("mcnemar");
            writer.WriteNumber("only_first", test.OnlyFirst);
            writer.WriteNumber("only_second", test.OnlySecond);
            writer.WriteNumber("p_value", test.PValue);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    internal static string Ends(Interval interval) => double.IsNaN(interval.Low)
        ? ""
        : $"  95 % [{Number(interval.Low)}, {Number(interval.High)}]";

    internal static string Number(double value) => value.ToString(
        Math.Abs(value) switch { >= 1e7 => "0.000e0", >= 1000 => "0.0", _ => "0.0000" },
        CultureInfo.InvariantCulture);

    /// <summary>Rows are true labels, columns predictions.</summary>
    private static void Append(StringBuilder text, Confusion confusion)
    {
        string[] labels = confusion.Labels;
        int first = Math.Max("true \\ predicted".Length, labels.Max(l => l.Length));
        if (labels.Length > TableLabels)
        {
            AppendWorst(text, confusion, first);
            return;
        }
        var widths = new int[labels.Length];
        text.Append("true \\ predicted".PadRight(first));
        for (int j = 0; j < labels.Length; j++)
        {
            widths[j] = Math.Max(labels[j].Length, Enumerable.Range(0, labels.Length)
                .Max(i => Count(confusion[i, j]).Length));
            text.Append("  ").Append(labels[j].PadLeft(widths[j]));
        }
        for (int i = 0; i < labels.Length; i++)
        {
            text.Append('\n').Append(labels[i].PadRight(first));
            for (int j = 0; j < labels.Length; j++)
            {
                text.Append("  ").Append(Count(confusion[i, j]).PadLeft(widths[j]));
            }
        }
        text.Append('\n');
    }

    private static void AppendWorst(StringBuilder text, Confusion confusion, int width)
    {
        var worst = confusion.Cells.Where(c => c.Actual != c.Predicted)
            .OrderByDescending(c => c.Count).Take(WorstPairs).ToArray();
        text.Append(CultureInfo.InvariantCulture,
            $"most often confused of {confusion.Labels.Length} labels (--json has all)\n");
        foreach (var (actual, predicted, count) in worst)
        {
            text.Append(confusion.Labels[actual].PadRight(width)).Append(" as ")
                .Append(confusion.Labels[predicted].PadRight(width)).Append("  ")
                .Append(Count(count)).Append('\n');
        }
    }

    private static string Count(long count) => count.ToString(CultureInfo.InvariantCulture);

    internal static void Write(
        Utf8JsonWriter writer, string name, IReadOnlyDictionary<string, double> values)
    {
        writer.WriteStartObject(name);
        foreach (var (key, value) in values)
        {
            writer.WritePropertyName(key);
            Write(writer, value);
        }
        writer.WriteEndObject();
    }

    internal static void Write(
        Utf8JsonWriter writer, string name, IReadOnlyDictionary<string, Interval> intervals)
    {
        writer.WriteStartObject(name);
        foreach (var (key, (low, high)) in intervals)
        {
            writer.WriteStartArray(key);
            Write(writer, low);
            Write(writer, high);
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    /// <summary>
    /// `{labels, matrix}`, a row a true label; of many labels `{labels, cells}` with
    /// [true, predicted, count] for the pairs that occur.
    /// </summary>
    private static void Write(Utf8JsonWriter writer, Confusion confusion)
    {
        int n = confusion.Labels.Length;
        writer.WriteStartObject("confusion");
        writer.WriteStartArray("labels");
        foreach (string label in confusion.Labels)
        {
            writer.WriteStringValue(label);
        }
        writer.WriteEndArray();
        writer.WriteStartArray(n <= SquareLabels ? "matrix" : "cells");
        for (int i = 0; n <= SquareLabels && i < n; i++)
        {
            writer.WriteStartArray();
            for (int j = 0; j < n; j++)
            {
                writer.WriteNumberValue(confusion[i, j]);
            }
            writer.WriteEndArray();
        }
        foreach (var (actual, predicted, count) in n <= SquareLabels ? [] : confusion.Cells)
        {
            writer.WriteStartArray();
            writer.WriteNumberValue(actual);
            writer.WriteNumberValue(predicted);
            writer.WriteNumberValue(count);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>JSON has no NaN: null stands for it.</summary>
    internal static void Write(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumberValue(value);
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}
