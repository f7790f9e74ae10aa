// What `dl fit` prints when it is done: a short table for people, one JSON object for scripts
// (cli.md states its keys).
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dl.Files;

namespace Dl.Training;

public static class FitReport
{
    /// <summary>One JSON object without line breaks.</summary>
    public static string Json(FitResult result)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("model", result.Output ?? result.Model);
            WriteFigures(writer, result);
            if (result.Members.Count > 0)
            {
                writer.WriteStartArray("members");
                foreach (var member in result.Members)
                {
                    Write(writer, member);
                }
                writer.WriteEndArray();
            }
            if (result.Runs.Count > 0)
            {
                writer.WriteStartArray("runs");
                foreach (var run in result.Runs)
                {
                    WriteValues(writer, run);
                }
                writer.WriteEndArray();
                var (mean, deviation) = Scores.Spread(result.Runs, r => r.All);
                Write(writer, "mean", mean);
                Write(writer, "std", deviation);
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>What was trained, for how long, and its scores on each part of the data.</summary>
    internal static void WriteFigures(Utf8JsonWriter writer, FitResult result)
    {
        writer.WriteString("architecture", result.Model);
        writer.WriteNumber("parameters",
            result.Setup.Plan.ParameterCount * Math.Max(1, result.Members.Count));
        writer.WriteNumber("epochs", result.Epochs);
        writer.WriteNumber("best_epoch", result.BestEpoch);
        writer.WriteNumber("seconds", Math.Round(result.Seconds, 3));
        writer.WriteString("device", result.Device);
        Write(writer, "train", result.Train);
        Write(writer, "val", result.Validation);
        Write(writer, "test", result.Test);
    }

    /// <summary>The figures as a table: a row a part of the data, a column a metric.</summary>
    public static string Text(FitResult result)
    {
        var rows = new List<(string Name, Scores Scores)>();
        Add(rows, "train", result.Train);
        Add(rows, "val", result.Validation);
        Add(rows, "test", result.Test);
        for (int i = 0; i < result.Runs.Count; i++)
        {
            rows.Add(($"run {i + 1}", result.Runs[i]));
        }
        if (result.Runs.Count > 0)
        {
            var (mean, deviation) = Scores.Spread(result.Runs, r => r.Metrics);
            rows.Add(("mean", mean));
            rows.Add(("std", deviation));
        }
        for (int i = 0; i < result.Members.Count; i++)
        {
            Add(rows, $"member {i + 1}", Own(result.Members[i].Metrics));
        }
        var text = new StringBuilder();
        if (rows.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{"",-10}{"loss",12}");
            foreach (string name in rows[0].Scores.Metrics.Keys)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name,16}");
            }
            text.Append('\n');
        }
        foreach (var (name, scores) in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name,-10}{scores.Loss,12:0.0000}");
            foreach (double value in scores.Metrics.Values)
            {
                text.Append(CultureInfo.InvariantCulture, $"{PredictReport.Number(value),16}");
            }
            text.Append('\n');
        }
        if (result.Output is { } output && !result.Interrupted)
        {
            text.Append(CultureInfo.InvariantCulture, $"{output}: ");
            text.Append(result.Members.Count > 0
                ? $"ensemble of {result.Members.Count}, "
                : $"epoch {result.BestEpoch} of {result.Epochs}, ");
            text.Append(CultureInfo.InvariantCulture,
                $"{result.Seconds:0.0} s on {result.Device}\n");
        }
        return text.ToString();
    }

    /// <summary>What was reported of joined models: `dl fit --members`.</summary>
    public static string Joined(string output, ModelDocument document, bool json)
    {
        var members = document.Members!;
        long parameters = 0;
        for (int i = 0; i < members.Length; i++)
        {
            parameters += document.GraphOf(i).Plan().ParameterCount;
        }
        if (!json)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"{output}: ensemble of {members.Length}, {parameters:N0} parameters\n");
        }
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("model", output);
            writer.WriteNumber("parameters", parameters);
            writer.WriteStartArray("members");
            foreach (var member in members)
            {
                writer.WriteStartObject();
                writer.WriteString("architecture", member.Architecture ?? document.Architecture);
                WriteCourse(writer, member.Seed, member.Epochs, member.BestEpoch);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter writer, ModelDocument member)
    {
        writer.WriteStartObject();
        WriteCourse(writer, member.Seed, member.Epochs, member.BestEpoch);
        foreach (var (name, values) in new[]
        {
            ("train", member.Metrics.Train), ("val", member.Metrics.Val),
            ("test", member.Metrics.Test),
        })
        {
            if (values is not null)
            {
                PredictReport.Write(writer, name, values);
            }
        }
        writer.WriteEndObject();
    }

    private static void WriteCourse(Utf8JsonWriter writer, ulong seed, int epochs, int best)
    {
        writer.WriteNumber("seed", seed);
        writer.WriteNumber("epochs", epochs);
        writer.WriteNumber("best_epoch", best);
    }

    /// <summary>A member's figures on held-out data, or else on its training data.</summary>
    private static Scores? Own(ModelMetrics metrics)
    {
        if ((metrics.Test ?? metrics.Val ?? metrics.Train) is not { } values)
        {
            return null;
        }
        var rest = values.Where(v => v.Key != "loss").ToDictionary(v => v.Key, v => v.Value);
        return new Scores(values.GetValueOrDefault("loss", double.NaN), rest);
    }

    private static void Add(List<(string, Scores)> rows, string name, Scores? scores)
    {
        if (scores is not null)
        {
            rows.Add((name, scores));
        }
    }

    private static void Write(Utf8JsonWriter writer, string name, Scores? scores)
    {
        writer.WritePropertyName(name);
        if (scores is null)
        {
            writer.WriteNullValue();
            return;
        }
        WriteValues(writer, scores);
    }

    private static void WriteValues(Utf8JsonWriter writer, Scores scores)
    {
        writer.WriteStartObject();
        WriteNumber(writer, "loss", scores.Loss);
        foreach (var (metric, value) in scores.All)
        {
            WriteNumber(writer, metric, value);
        }
        writer.WriteEndObject();
    }

    /// <summary>JSON has no NaN: null stands for it.</summary>
    private static void WriteNumber(Utf8JsonWriter writer, string name, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumber(name, value);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
