// Tables on their way out: quotes where they have to be, numbers as short as they can be, whole
// lines only.
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dl.Data.Formats.Output;
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Tests;

public sealed class RowWriterTests
{
    private static readonly ParquetField[] Columns =
        [new("the, name", FieldType.String), new("n", FieldType.Double)];

    private static string Written(string form, Action<RowWriter> write)
    {
        using var output = new MemoryStream();
        RowWriter writer = RowWriter.Open(form, output, Columns);
        write(writer);
        writer.Finish();
        return Encoding.UTF8.GetString(output.ToArray());
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData("007", "007")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("\"", "\"\"\"\"")]
    [InlineData("say \"hi\" twice\"", "\"say \"\"hi\"\" twice\"\"\"")]
    [InlineData("two\nlines", "\"two\nlines\"")]
    [InlineData("cr\r", "\"cr\r\"")]
    [InlineData(" blank", "\" blank\"")]
    [InlineData("blank ", "\"blank \"")]
    [InlineData("tab\t", "tab\t")]
    [InlineData("\u00FC\u20AC", "\u00FC\u20AC")]
    public void FieldsAreQuotedWhereTheyHaveToBe(string text, string field) => Assert.Equal(
        $"\"the, name\",n\n{field},1.5\n",
        Written("csv", row =>
        {
            row.Text(text);
            row.Number(1.5);
            row.EndRow();
        }));

    [Fact]
    public void JsonHasNullForWhatIsNoNumber()
    {
        string text = Written("jsonl", row =>
        {
            row.Text("\"\\\u0001\u00FC\u2028");
            row.Number(double.NaN);
            row.EndRow();
            row.Missing();
            row.Number(-1e300);
            row.EndRow();
        });
        string[] lines = text.TrimEnd('\n').Split('\n');
        JsonElement first = JsonDocument.Parse(lines[0]).RootElement;
        Assert.Equal("\"\\\u0001\u00FC\u2028", first.GetProperty("the, name").GetString());
        Assert.Equal(JsonValueKind.Null, first.GetProperty("n").ValueKind);
        JsonElement second = JsonDocument.Parse(lines[1]).RootElement;
        Assert.Equal(JsonValueKind.Null, second.GetProperty("the, name").ValueKind);
        Assert.Equal(-1e300, second.GetProperty("n").GetDouble());
    }

    [Fact]
    public void FloatsHaveSevenDigits()
    {
        var random = new Random(1);
        float[] odd =
        [
            0, -0f, 1, -1, 0.5f, 9.9999995f, 0.99999994f, 1e-4f, 9.999999e-5f, 1e7f, 9999999,
            9999998.5f, 1234567.5f, 1234566.5f, 0.1f, 1e-45f, float.MaxValue, float.NaN,
            float.PositiveInfinity, 0.00012345675f, 524288.03f, 100, 1e6f,
        ];
        for (int i = 0; i < 300_000; i++)
        {
            float value = i < odd.Length ? odd[i]
                : i % 2 == 0 ? random.NextSingle()
                : BitConverter.Int32BitsToSingle(random.Next());
            value = i % 3 == 0 ? -value : value;
            Assert.Equal(value.ToString("G7", CultureInfo.InvariantCulture), Text(
                bytes => ShortNumber.Format(value, bytes)));
        }
    }

    [Fact]
    public void DoublesComeBackAndAreShort()
    {
        var random = new Random(2);
        for (int i = 0; i < 300_000; i++)
        {
            double value = (i % 3) switch
            {
                0 => Math.Round((random.NextDouble() * 2000) - 1000, random.Next(8)),
                1 => BitConverter.Int64BitsToDouble(random.NextInt64()),
                _ => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-8, 12)),
            };
            string text = Text(bytes => ShortNumber.Format(value, bytes));
            Assert.Equal(value, double.Parse(text, CultureInfo.InvariantCulture));
            string shortest = value.ToString("R", CultureInfo.InvariantCulture);
            Assert.True(text == shortest || shortest.Contains('E'), $"{text} for {shortest}");
        }
        Assert.Equal("0.000001", Text(bytes => ShortNumber.Format(1e-6, bytes)));
        Assert.Equal("-0", Text(bytes => ShortNumber.Format(-0.0, bytes)));
    }

    [Fact]
    public void OnlyWholeLinesLeave()
    {
        using var output = new MemoryStream();
        var text = new Utf8Output(output);
        text.Append("one"u8);
        text.EndLine();
        text.Append("half"u8);
        text.Flush();
        Assert.Equal("one\n"u8.ToArray(), output.ToArray());
        text.EndLine();
        Assert.Equal(4, output.Length);
        text.Append(new string('x', 200_000));
        text.EndLine();
        Assert.Equal(4 + 5 + 200_001, output.Length);
    }

    private delegate int Formatting(Span<byte> output);

    private static string Text(Formatting format)
    {
        var bytes = new byte[40];
        return Encoding.ASCII.GetString(bytes, 0, format(bytes));
    }
}
