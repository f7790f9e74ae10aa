// Decimal commas: which cells are numbers, how fields are divided then, and that a model remembers.
using System.Text;
using Dl.Data.Formats;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class DecimalCommaTests
{
    [Theory]
    [InlineData("1,5", "1.5")]
    [InlineData("-,5", "-.5")]
    [InlineData("+1.234,5", "+1234.5")]
    [InlineData("12.345.678", "12345678")]
    [InlineData("1,5e-3", "1.5e-3")]
    [InlineData("3,", "3.")]
    public void NumbersGetAPoint(string cell, string expected)
    {
        Assert.Equal(CommaCell.Number, Read(cell, out string text));
        Assert.Equal(expected, text);
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData(".25")]
    [InlineData("-1234.567")]
    [InlineData("2.5e3")]
    public void NumbersWithAPointAreDoubtful(string cell)
    {
        Assert.Equal(CommaCell.Point, Read(cell, out string text));
        Assert.Equal(cell, text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("15")]
    [InlineData("1e5")]
    [InlineData(",")]
    [InlineData(".")]
    [InlineData("-")]
    [InlineData("Doe, Jane")]
    [InlineData("1,2,3")]
    [InlineData("01.02.2020")]
    [InlineData("1,234.5")]
    [InlineData("1.2.3")]
    [InlineData("1,5 kg")]
    public void TextStaysAsItIs(string cell)
    {
        Assert.Equal(CommaCell.Other, Read(cell, out string text));
        Assert.Equal(cell, text);
    }

    private static CommaCell Read(string cell, out string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(cell);
        int length = bytes.Length;
        CommaCell kind = DecimalComma.Read(bytes, bytes, ref length);
        text = Encoding.UTF8.GetString(bytes, 0, length);
        return kind;
    }

    [Theory]
    [InlineData("a;b\n1,5;x\n2,5;y\n", ';')]
    [InlineData("1,5;2,5\n3,5;4,5\n", ';')]
    [InlineData("a\tb\n1,5\tx\n", '\t')]
    [InlineData("a,b\n\"1,5\",x\n", ',')]
    [InlineData("a\n1,5\n", ';')]
    public void ACommaInNumbersDividesNoFields(string text, char expected)
    {
        using var reader = new DelimitedReader(
            new MemoryStream(Encoding.UTF8.GetBytes(text)), "t", false, decimalComma: true);
        Assert.Equal(expected, reader.Delimiter);
    }

    [Fact]
    public void AModelRemembersItAndAPointIsBadData()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(
            "t.csv", "size;label\n1,5;yes\n1.002,5;no\n;yes\n4;no\n");
        string points = folder.Write("p.csv", "size,label\n1.5,yes\n1002.5,no\n,yes\n4,no\n");
        var options = new DataOptions { Inputs = [path], DecimalComma = true };
        var learnt = (TablePreprocessing)TrainingData.Open(options, NullLogger.Instance)
            .Split().Preprocessing;
        var expected = (TablePreprocessing)TrainingData
            .Open(new DataOptions { Inputs = [points] }, NullLogger.Instance)
            .Split().Preprocessing;
        Assert.Equal(("comma", null), (learnt.Decimal, expected.Decimal));
        Assert.Equal(
            (expected.Columns[0].Mean, expected.Columns[0].Std),
            (learnt.Columns[0].Mean, learnt.Columns[0].Std));
        Assert.Equal(Read(expected, points), Read(learnt, path));

        string mixed = folder.Write("m.csv", "size;label\n1,5;yes\n1.5;no\n");
        var error = Assert.Throws<DataException>(() => Read(learnt, mixed));
        Assert.Contains("m.csv:3: field 1 is 1.5, a number with a decimal point", error.Message);
        Assert.Throws<DataException>(() => TrainingData.Open(
            options with { Inputs = [mixed] }, NullLogger.Instance));
    }

    private static List<float[]> Read(Preprocessing preprocessing, string path)
    {
        using PredictionInput input = PredictionInput.Open(
            preprocessing, [path], new(), NullLogger.Instance);
        return [.. input.Read().Select(record => record.Features)];
    }
}
