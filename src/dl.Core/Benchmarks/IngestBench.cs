// How fast tables come from files into typed columns in memory: what `dl fit` does before it learns
// anything. Files of the user's own, or made-up tables of every format, held in memory so that no
// disk is measured.
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Dl.Data;
using Dl.Data.Formats;
using Dl.Data.Formats.Parquet;
using Dl.Data.Tables;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Benchmarks;

/// <summary>What it took to read one table.</summary>
/// <param name="Name">The file, or what the made-up table is like.</param>
/// <param name="Bytes">
/// Bytes of the file; of made-up tables that are packed or Parquet, bytes of the values unpacked.
/// </param>
/// <param name="Seconds">Median of the passes.</param>
/// <param name="CpuSeconds">Of all processors, a pass.</param>
public sealed record IngestResult(
    string Name, long Bytes, int Rows, int Columns, int Passes, double Seconds, double CpuSeconds)
{
    public double MegabytesPerSecond => Bytes / Seconds / 1e6;

    /// <summary>Megabytes for a second of processor time.</summary>
    public double MegabytesPerCore => Bytes / CpuSeconds / 1e6;
}

/// <summary>Reads tables again and again.</summary>
public static class IngestBench
{
    private const int LeastPasses = 3;
    private const int MadeRows = 100_000;

    private delegate Stream Source();

    /// <param name="files">Tables; none: made-up ones.</param>
    /// <param name="seconds">Time for each table; three passes at least.</param>
    /// <param name="decimalComma">Numbers in delimited text are written `1,5`.</param>
    /// <exception cref="DataException">A file cannot be read, or holds no table.</exception>
    public static void Run(
        IReadOnlyList<string> files, double seconds, bool decimalComma,
        Action<IngestResult> report, CancellationToken cancel)
    {
        foreach (string file in files)
        {
            // Opened before it is looked at: a missing file has its message.
            InputFile.Open(file).Dispose();
            report(Time(
                file, file, new FileInfo(file).Length, () => InputFile.Open(file), seconds,
                decimalComma, cancel));
        }
        if (files.Count > 0)
        {
            return;
        }
        foreach (var (name, file, make) in Made)
        {
            using var content = new MemoryStream();
            long bytes = make(content);
            byte[] made = content.ToArray();
            report(Time(
                name, file, bytes > 0 ? bytes : made.Length, () => Open(made), seconds,
                decimalComma: false, cancel));
        }
    }

    /// <summary>
    /// Name, file name, and what writes it; returns the bytes of the values where the file is
    /// packed, and 0 where it is what it is.
    /// </summary>
    private static readonly (string Name, string File, Func<Stream, long> Make)[] Made =
    [
        ("csv, 20 numbers of 6 digits", "t.csv", stream => WriteNumbers(stream, "G6")),
        ("csv, 20 numbers of 17 digits", "t.csv", stream => WriteNumbers(stream, "R")),
        ("csv, texts, quotes, numbers", "t.csv", WriteMixed),
        ("csv, the same in gzip", "t.csv", WriteGzip),
        ("jsonl, texts and numbers", "t.jsonl", WriteJson),
        ("parquet, 20 doubles", "t.parquet", stream => WriteParquet(stream, Codec.Uncompressed)),
        ("parquet, 20 doubles, snappy", "t.parquet", stream => WriteParquet(stream, Codec.Snappy)),
        ("parquet, texts and integers", "t.parquet",
            stream => WriteMixedParquet(stream, Codec.Uncompressed)),
        ("parquet, the same, snappy", "t.parquet",
            stream => WriteMixedParquet(stream, Codec.Snappy)),
    ];

    private static Stream Open(byte[] content)
    {
        var stream = new MemoryStream(content);
        return content is [0x1F, 0x8B, ..]
            ? new GZipStream(stream, CompressionMode.Decompress)
            : stream;
    }

    private static IngestResult Time(
        string name, string file, long bytes, Source open, double seconds, bool decimalComma,
        CancellationToken cancel)
    {
        var times = new List<double>();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        int rows = 0, columns = 0;
        while (times.Count < LeastPasses || clock.Elapsed.TotalSeconds < seconds)
        {
            double start = clock.Elapsed.TotalSeconds;
            var table = new RawTable(decimalComma);
            table.Append(
                open(), file, Dl.Data.Part.Train, new BadData(skip: false, NullLogger.Instance),
                cancel);
            times.Add(clock.Elapsed.TotalSeconds - start);
            (rows, columns) = (table.Rows, table.Columns.Length);
        }
        double used = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds / times.Count;
        times.Sort();
        return new IngestResult(
            name, bytes, rows, columns, times.Count, times[times.Count / 2], used);
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
        * Math.Cos(2 * Math.PI * random.NextDouble());

    private static long WriteNumbers(Stream stream, string format)
    {
        var random = new Random(1);
        using StreamWriter writer = Writer(stream);
        writer.WriteLine(string.Join(',', Enumerable.Range(1, 20).Select(i => $"x{i}")));
        for (int row = 0; row < MadeRows; row++)
        {
            for (int i = 0; i < 20; i++)
            {
                writer.Write(Normal(random).ToString(format, CultureInfo.InvariantCulture));
                writer.Write(i < 19 ? ',' : '\n');
            }
        }
        return 0;
    }

    private static long WriteMixed(Stream stream)
    {
        using StreamWriter writer = Writer(stream);
        writer.Write("row,date,city,note,amount,price,flag\n");
        foreach (MadeRow made in MadeRow.Some(2 * MadeRows))
        {
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"{made.Row},{made.Date},{made.City},\"{made.Note}\",{made.Amount},"
                + $"{made.Price},{made.Flag}\n"));
        }
        return 0;
    }

    private static long WriteGzip(Stream stream)
    {
        var text = new MemoryStream();
        WriteMixed(text);
        using var gzip = new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true);
        gzip.Write(text.GetBuffer().AsSpan(0, (int)text.Length));
        return text.Length;
    }

    private static long WriteJson(Stream stream)
    {
        using StreamWriter writer = Writer(stream);
        foreach (MadeRow made in MadeRow.Some(2 * MadeRows))
        {
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"row\": {made.Row}, \"city\": \"{made.City}\", \"note\": "
                + $"\"{JsonEncodedText.Encode(made.Note)}\", \"amount\": {made.Amount}, "
                + $"\"price\": {made.Price}, \"flag\": {(made.Flag ? "true" : "false")}}}\n"));
        }
        return 0;
    }

    private static long WriteParquet(Stream stream, Codec codec)
    {
        var random = new Random(1);
        var writer = new ParquetWriter(
            stream,
            [.. Enumerable.Range(1, 20).Select(i => new ParquetField($"x{i}", FieldType.Double))],
            new ParquetOptions { Codec = codec });
        for (int row = 0; row < 2 * MadeRows; row++)
        {
            for (int i = 0; i < 20; i++)
            {
                writer[i].Add(Normal(random));
            }
            writer.EndRow();
        }
        writer.Finish();
        return 20L * sizeof(double) * 2 * MadeRows;
    }

    private static long WriteMixedParquet(Stream stream, Codec codec)
    {
        var writer = new ParquetWriter(
            stream,
            [
                new("row", FieldType.Int64), new("city", FieldType.String),
                new("note", FieldType.String), new("amount", FieldType.Int32),
                new("price", FieldType.Double), new("flag", FieldType.Boolean),
            ],
            new ParquetOptions { Codec = codec });
        long bytes = 0;
        foreach (MadeRow made in MadeRow.Some(5 * MadeRows))
        {
            writer[0].Add((long)made.Row);
            writer[1].Add(made.City);
            writer[2].Add(made.Note);
            writer[3].Add(made.Amount);
            writer[4].Add(made.Price);
            writer[5].Add(made.Flag);
            writer.EndRow();
            // As PLAIN has them: a length of four bytes before a text, a bit for a boolean.
            bytes += 8 + 4 + made.City.Length + 4 + made.Note.Length + 4 + 8;
        }
        writer.Finish();
        return bytes + (5 * MadeRows / 8);
    }

    private static StreamWriter Writer(Stream stream) =>
        new(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };

    /// <summary>A row as tables of people, goods and sales have them.</summary>
    private readonly record struct MadeRow(
        int Row, string Date, string City, string Note, int Amount, double Price, bool Flag)
    {
        private static readonly string[] Notes = ["fine", "so, so", "say \"\"no\"\"", "n/a"];

        public static IEnumerable<MadeRow> Some(int count)
        {
            var random = new Random(2);
            string[] cities = [.. Enumerable.Range(1, 500).Select(i => $"City {i}")];
            for (int row = 1; row <= count; row++)
            {
                yield return new MadeRow(
                    row, $"2024-{1 + random.Next(12):D2}-{1 + random.Next(28):D2}",
                    cities[random.Next(cities.Length)], Notes[random.Next(Notes.Length)],
                    random.Next(1000), random.Next(10_000) / 100.0, random.Next(2) == 0);
            }
        }
    }
}
