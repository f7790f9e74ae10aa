// What `dl predict --score` prints: a table for people, one JSON object for scripts (cli.md).
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Dl.Training;

public static class PredictReport
{
    /// <summary>`{n, metrics, ci95, seconds}` without line breaks.</summary>
    public static string Json(PredictResult result)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteNumber("n", result.Rows);
            writer.WriteStartObject("metrics");
            foreach (var (name, value) in result.Metrics!)
            {
                writer.WritePropertyName(name);
                Write(writer, value);
            }
            writer.WriteEndObject();
            writer.WriteStartObject("ci95");
            foreach (var (name, (low, high)) in result.Intervals!)
            {
                writer.WriteStartArray(name);
                Write(writer, low);
                Write(writer, high);
                writer.WriteEndArray();
            }
            writer.WriteEndObject();
            writer.WriteNumber("seconds", Math.Round(result.Seconds, 3));
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>A row a metric: value, and the ends of its 95 % confidence interval.</summary>
    public static string Text(PredictResult result)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{"n",-16}{result.Rows,12}\n");
        foreach (var (name, value) in result.Metrics!)
        {
            var (low, high) = result.Intervals![name];
            text.Append(
                CultureInfo.InvariantCulture,
                $"{name,-16}{Number(value),12}  95 % [{Number(low)}, {Number(high)}]\n");
        }
        return text.ToString();
    }

    private static string Number(double value) => value.ToString(
        Math.Abs(value) >= 1000 ? "0.0" : "0.0000", CultureInfo.InvariantCulture);

    /// <summary>JSON has no NaN: null stands for it.</summary>
    private static void Write(Utf8JsonWriter writer, double value)
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
