// Parquet taken by columns: the same table as from its rows as text, for every type, with and
// without gaps, in several row groups and codecs.
using System.Globalization;
using System.Text;
using Dl.Data.Formats.Parquet;
using Dl.Data.Tables;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class ParquetGroupTests
{
    private const int Rows = 5000;

    private static readonly string[] Words = ["ant", " bee ", "N/A", "12", "d\u00e9j\u00e0", ""];

    [Theory]
    [InlineData((int)Codec.Uncompressed)]
    [InlineData((int)Codec.Snappy)]
    public void ColumnsAreThoseOfTheRows(int codec)
    {
        var fields = Enum.GetValues<FieldType>()
            .Select(type => new ParquetField(type.ToString(), type)).ToArray();
        var file = new MemoryStream();
        var writer = new ParquetWriter(
            file, fields, new ParquetOptions { Codec = (Codec)codec, GroupRows = 1700 });
        var csv = new StringBuilder(string.Join(',', fields.Select(f => f.Name)) + "\n");
        var random = new Random(3);
        for (int row = 0; row < Rows; row++)
        {
            for (int i = 0; i < fields.Length; i++)
            {
                bool missing = random.Next(7) == 0;
                csv.Append(i > 0 ? "," : "");
                csv.Append(Add(writer[i], fields[i].Type, random, missing));
            }
            csv.Append('\n');
            writer.EndRow();
        }
        writer.Finish();
        RawTable expected = Read("t.csv", Encoding.UTF8.GetBytes(csv.ToString()));
        RawTable table = Read("t.parquet", file.ToArray());
        Assert.Equal(expected.Rows, table.Rows);
        for (int i = 0; i < fields.Length; i++)
        {
            Assert.Equal(expected.Columns[i].IsText, table.Columns[i].IsText);
            for (int row = 0; row < Rows; row++)
            {
                Assert.Equal(expected.Columns[i].Text(row), table.Columns[i].Text(row));
            }
        }
    }

    [Fact]
    public void ARowWithAnInfiniteNumberIsFoundAndLeftOut()
    {
        var file = new MemoryStream();
        var writer = new ParquetWriter(
            file, [new("a", FieldType.Int32), new("x", FieldType.Double)]);
        for (int row = 0; row < 2000; row++)
        {
            writer[0].Add(row);
            writer[1].Add(row == 1500 ? double.PositiveInfinity : row);
            writer.EndRow();
        }
        writer.Finish();
        var error = Assert.Throws<DataException>(() => Read("t.parquet", file.ToArray()));
        Assert.StartsWith("t.parquet:1501: column 'x' is infinite", error.Message);
        RawTable table = Read("t.parquet", file.ToArray(), skip: true);
        Assert.Equal(1999, table.Rows);
        Assert.Equal((1499, 1501), (table.Columns[0].Number(1499), table.Columns[0].Number(1500)));
    }

    /// <summary>Adds a cell, and gives its text.</summary>
    private static string Add(ColumnBuffer column, FieldType type, Random random, bool missing)
    {
        if (missing)
        {
            column.AddMissing();
            return "";
        }
        var day = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero)
            .AddMinutes(random.Next(1_000_000));
        FormattableString text;
        switch (type)
        {
            case FieldType.Boolean:
                bool flag = random.Next(2) == 0;
                column.Add(flag);
                return flag ? "true" : "false";
            case FieldType.Int32:
                int whole = random.Next(-100, 100);
                column.Add(whole);
                text = $"{whole}";
                break;
            case FieldType.Int64:
                long large = random.NextInt64(-1L << 52, 1L << 52);
                column.Add(large);
                text = $"{large}";
                break;
            case FieldType.Float:
                float single = random.NextSingle();
                column.Add(single);
                text = $"{(double)single:R}";
                break;
            case FieldType.Double:
                double number = random.NextDouble();
                column.Add(number);
                text = $"{number:R}";
                break;
            case FieldType.Date:
                column.Add(DateOnly.FromDateTime(day.Date));
                text = $"{day:yyyy-MM-dd}";
                break;
            case FieldType.Timestamp:
                column.Add(day);
                text = $"{day:yyyy-MM-ddTHH:mm:ss}Z";
                break;
            default:
                string word = Words[random.Next(Words.Length)];
                column.Add(word);
                return word;
        }
        return FormattableString.Invariant(text);
    }

    private static RawTable Read(string name, byte[] bytes, bool skip = false)
    {
        var table = new RawTable();
        table.Append(
            new MemoryStream(bytes), name, Part.Train, new BadData(skip, NullLogger.Instance),
            default);
        return table;
    }
}
