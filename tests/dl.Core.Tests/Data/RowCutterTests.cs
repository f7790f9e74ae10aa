// The cutting of rows against CsvHelper's parser as an oracle, on texts of all kinds of oddities;
// and that neither the size of blocks nor reading ahead shows in what is read.
using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using Dl.Data.Formats;
using Dl.Data.Tables;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class RowCutterTests
{
    private static readonly string[] Pieces =
    [
        ",", ",", ",", ",", "\n", "\n", "\r\n", "\r", "\"", "\"", "\"\"", " ", "  ", "a", "b",
        "1.5", "-2e3", "x y", "\t", "\u00e9", "\ud83d\ude00", ";", "\"q,\"\"r\"", "\"two\nlines\"",
        "\"\r\n\"", "longer text than a vector of 64 bytes holds, so that it reaches over its end",
    ];

    [Fact]
    public void RowsAreThoseOfCsvHelper()
    {
        var random = new Random(5);
        for (int run = 0; run < 20_000; run++)
        {
            var text = new StringBuilder("h,i\n");
            for (int pieces = random.Next(40); pieces > 0; pieces--)
            {
                text.Append(Pieces[random.Next(Pieces.Length)]);
            }
            string csv = text.ToString();
            string expected = Join(Oracle(csv)), actual = Join(Rows(csv, isPipe: run % 2 == 0));
            Assert.True(expected == actual, $"{csv}\n--- {expected}\n--- {actual}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void BlocksDoNotShow(bool isPipe)
    {
        // Quoted line ends in every tenth row or so, so that many a block ends inside of quotes.
        var random = new Random(6);
        var text = new StringBuilder("id,note,x\r\n");
        for (int row = 0; text.Length < (isPipe ? 300_000 : 6_000_000); row++)
        {
            int lines = random.Next(10) == 0 ? random.Next(300) : 0;
            string note = string.Concat(Enumerable.Repeat("of, \"\"some\"\" lines\n", lines));
            text.Append(CultureInfo.InvariantCulture, $"{row},\"{note}\",{row / 8.0}\r\n");
        }
        string csv = text.ToString();
        Assert.Equal(Oracle(csv), Rows(csv, isPipe));

        var table = new RawTable();
        table.Append(
            new MemoryStream(Encoding.UTF8.GetBytes(csv)), "t.csv", Part.Train,
            new BadData(false, NullLogger.Instance), default);
        List<string[]> rows = Rows(csv, isPipe, out List<int> lineNumbers);
        Assert.Equal(rows.Count - 1, table.Rows);
        for (int row = 0; row < table.Rows; row++)
        {
            Assert.Equal($"t.csv:{lineNumbers[row + 1]}", table.Locate(row));
            Assert.Equal(rows[row + 1][1].Trim(), (table.Columns[1].Text(row) ?? "").Trim());
            Assert.Equal(row / 8.0, table.Columns[2].Number(row));
        }
    }

    [Theory]
    [InlineData("a,b\n1,2\n\"3\n,4\n5,6\n", "a b|1 2|3\n,4\n5,6\n")]
    [InlineData("a,b\r1,2\r\r3,4", "a b|1 2|3 4")]
    [InlineData("\n\r\n\ra,b\n1,2", "a b|1 2")]
    [InlineData("a,b\n\"x\"y,\"z\" \"w\"\n", "a b|xy z \"w\"")]
    [InlineData("a,b\n\"\",\n", "a b| ")]
    public void Oddities(string text, string rows) => Assert.Equal(
        rows, string.Join('|', Rows(text, false).Select(row => string.Join(' ', row))));

    [Theory]
    [InlineData("a,b\n1,2\n3,caf\u00e9\n4,5\n", 3, 6, "E9")]
    [InlineData("a,b\n1,2\n3,\"x\r\ny\u00e9\"\n4,5\n", 4, 2, "E9")]
    public void BytesThatAreNotUtf8AreNamed(string text, int line, int column, string bad)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var error = Assert.Throws<DataException>(() => Table(bytes, skip: false));
        Assert.StartsWith($"t.csv:{line}: byte {column} of the line is 0x{bad}", error.Message);
        Assert.Equal(2, Table(bytes, skip: true).Rows);
        byte[] header = Encoding.Latin1.GetBytes("caf\u00e9,b\n1,2\n");
        Assert.Contains("t.csv:1", Assert.Throws<DataException>(
            () => Table(header, skip: true)).Message);
    }

    [Fact]
    public void AQuoteThatIsNotClosedIsFoundSoon()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(
            "a,b\n1,2\n\"3,4\n" + string.Concat(Enumerable.Repeat("5,6\n", 5_000_000)));
        var error = Assert.Throws<DataException>(() => Table(bytes, skip: true));
        Assert.StartsWith("t.csv:3: a field is longer than", error.Message);
    }

    private static RawTable Table(byte[] bytes, bool skip)
    {
        var table = new RawTable();
        table.Append(
            new MemoryStream(bytes), "t.csv", Part.Train, new BadData(skip, NullLogger.Instance),
            default);
        return table;
    }

    private static string Join(List<string[]> rows) =>
        string.Join("<row>", rows.Select(row => string.Join("<cell>", row)));

    private static List<string[]> Rows(string text, bool isPipe) => Rows(text, isPipe, out _);

    private static List<string[]> Rows(string text, bool isPipe, out List<int> lines)
    {
        using Stream stream = isPipe
            ? new Trickle(Encoding.UTF8.GetBytes(text))
            : new MemoryStream(Encoding.UTF8.GetBytes(text));
        using IRowReader reader = new DelimitedReader(stream, "t.csv", isPipe);
        var rows = new List<string[]>();
        lines = [];
        while (reader.Read())
        {
            Assert.Null(reader.Problem);
            rows.Add(reader.Row());
            lines.Add(reader.Line);
        }
        return rows;
    }

    private static List<string[]> Oracle(string text)
    {
        var configuration = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = ",",
            BadDataFound = null,
            TrimOptions = TrimOptions.Trim,
            DetectColumnCountChanges = false,
            HasHeaderRecord = false,
        };
        using var parser = new CsvParser(new StringReader(text), configuration);
        var rows = new List<string[]>();
        while (parser.Read())
        {
            rows.Add(parser.Record!);
        }
        return rows;
    }

    /// <summary>A few bytes with each read, as from a slow pipe.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        private readonly Random _random = new(bytes.Length);

        public override int Read(Span<byte> buffer) =>
            base.Read(buffer[..Math.Min(buffer.Length, 1 + _random.Next(40))]);
    }
}
