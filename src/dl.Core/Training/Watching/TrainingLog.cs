// Reads back what `--log FILE.csv` wrote (EpochLog.cs), finished or still growing.
using System.Globalization;
using System.Text.Json;
using System.Text;
using Dl.Data.Formats;
using Dl.Files;

namespace Dl.Training.Watching;

/// <summary>The epochs of a log, with the name of the metric in it.</summary>
public sealed record TrainingLog(string Metric, IReadOnlyList<EpochRecord> Epochs)
{
    private const int Columns = 7;

    /// <exception cref="DataException">Missing, or not such a log; names file and line.</exception>
    public static TrainingLog Read(string path)
    {
        string[] lines;
        try
        {
            using StreamReader reader = path == "-"
                ? new(StandardFiles.OpenInput())
                : new(path);
            lines = reader.ReadToEnd().Split('\n');
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            throw new DataException($"{path}: cannot be read: {error.Message}", error);
        }
        string[] header = lines.Length == 0 ? [] : lines[0].TrimEnd('\r').Split(',');
        if (header.Length != Columns || header[0] != "epoch" || header[1] != "loss")
        {
            throw new DataException(
                $"{path}:1: is no training log; expected the file of `dl fit --log`, which begins "
                + "with epoch,loss,val_loss");
        }
        var epochs = new List<EpochRecord>();
        for (int i = 1; i < lines.Length; i++)
        {
            string line = lines[i].TrimEnd('\r');
            if (line.Length > 0)
            {
                // The last line may be cut off where the file is still being written.
                var record = Parse(line.Split(','));
                if (record is null && i < lines.Length - 1)
                {
                    throw new DataException($"{path}:{i + 1}: '{line}' is no line of a training "
                        + $"log; expected {Columns} numbers");
                }
                epochs.AddRange(record is null ? [] : [record]);
            }
        }
        return new TrainingLog(header[3], epochs);
    }

    /// <summary>An object a line: `epoch`, `loss`, `val_loss`, the metric, `lr`.</summary>
    public string Json()
    {
        using var stream = new MemoryStream();
        foreach (var epoch in Epochs)
        {
            using (var json = new Utf8JsonWriter(stream))
            {
                json.WriteStartObject();
                json.WriteNumber("epoch", epoch.Epoch);
                Write(json, "loss", epoch.TrainLoss);
                Write(json, "val_loss", epoch.ValLoss);
                Write(json, Metric, epoch.TrainMetric);
                Write(json, "val_" + Metric, epoch.ValMetric);
                Write(json, "lr", epoch.LearningRate);
                Write(json, "seconds", epoch.Seconds);
                json.WriteEndObject();
            }
            stream.WriteByte((byte)'\n');
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Write(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static EpochRecord? Parse(string[] cells)
    {
        if (cells.Length != Columns
            || !int.TryParse(cells[0], CultureInfo.InvariantCulture, out int epoch))
        {
            return null;
        }
        var numbers = new double?[Columns];
        for (int i = 1; i < Columns; i++)
        {
            if (cells[i].Length == 0)
            {
                continue;
            }
            if (!double.TryParse(cells[i], CultureInfo.InvariantCulture, out double value))
            {
                return null;
            }
            numbers[i] = value;
        }
        return new EpochRecord(
            epoch, numbers[1] ?? double.NaN, numbers[2], numbers[3], numbers[4], numbers[6] ?? 0,
            numbers[5] ?? 0);
    }
}
