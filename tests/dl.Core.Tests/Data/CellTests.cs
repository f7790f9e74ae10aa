// What cells say, whether they come as characters or as UTF-8, and which of them are one category.
using System.Text;
using Dl.Data.Formats;
using Dl.Data.Tables;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class CellTests
{
    [Theory]
    [InlineData("", (int)CellKind.Missing)]
    [InlineData(" \u00a0", (int)CellKind.Missing)]
    [InlineData("N/A", (int)CellKind.Missing)]
    [InlineData("-nan", (int)CellKind.Missing)]
    [InlineData("1.5", (int)CellKind.Number)]
    [InlineData(" 7 ", (int)CellKind.Number)]
    [InlineData("0000000000000000000000000001", (int)CellKind.Number)]
    [InlineData("1e999", (int)CellKind.Infinite)]
    [InlineData("+Inf", (int)CellKind.Infinite)]
    [InlineData("-infinity", (int)CellKind.Infinite)]
    [InlineData("nothing", (int)CellKind.Text)]
    [InlineData("1,5", (int)CellKind.Text)]
    [InlineData("1e", (int)CellKind.Text)]
    [InlineData(".", (int)CellKind.Text)]
    [InlineData("\u0664", (int)CellKind.Text)]
    public void KindsAreTheSameInBothEncodings(string text, int kind)
    {
        Assert.Equal((CellKind)kind, Cell.Read(Encoding.UTF8.GetBytes(text), out double fromBytes));
        Assert.Equal((CellKind)kind, Cell.Read(text, out double fromChars));
        Assert.True((CellKind)kind != CellKind.Number || fromBytes == fromChars);
    }

    [Fact]
    public void TruthIsOneCategoryHoweverItIsSpelt()
    {
        var table = new RawTable();
        Append(table, "a.csv", "flag,x\nTrue,1\nfalse,2\n");
        Append(table, "b.jsonl", "{\"flag\": true, \"x\": 3}\n{\"flag\": false, \"x\": 4}\n");
        Append(table, "c.csv", "flag,x\nFALSE,5\nnearly,6\n");
        RawColumn flag = table.Columns[0];
        // The spelling that came first stays.
        Assert.Equal(["True", "false", "nearly"], flag.Texts);
        Assert.Equal(
            [0, 1, 0, 1, 1, 2], Enumerable.Range(0, table.Rows).Select(flag.Code));
        var categories = new Categories(["True", "no", "1"]);
        Assert.Equal(0, categories.Find("true"u8));
        Assert.Equal(0, categories.Find("TRUE"u8));
        Assert.Equal(2, categories.Find("1.0"u8));
        Assert.Equal(-1, categories.Find("No"u8));
        Assert.Equal(-1, categories.Find(""u8));
    }

    [Fact]
    public void NumbersInSinglePrecisionAreWrittenAsTheyWere()
    {
        Assert.Equal("0.1", Cell.Format(0.1f));
        Assert.Equal("0.1", Cell.Format(0.1));
        Assert.Equal("10000000000", Cell.Format(1e10));
        Assert.Equal("-1.7976931348623157E+308", Cell.Format(-double.MaxValue));
    }

    [Fact]
    public void TextsAreFoundByTheirBytes()
    {
        string[] texts = ["", "a", "aaaaaaaa", "aaaaaaaab", "\u00e9", "e\u0301", "\ud83d\ude00",
            new('x', 300), new('\u4e2d', 300)];
        var codes = new TextCodes();
        foreach (string text in texts)
        {
            codes.Of(Encoding.UTF8.GetBytes(text));
        }
        Assert.Equal(texts, codes.Texts);
        for (int i = 0; i < texts.Length; i++)
        {
            Assert.True(codes.TryFind(Encoding.UTF8.GetBytes(texts[i]), out int code));
            Assert.Equal(i, code);
            Assert.False(codes.TryFind(Encoding.UTF8.GetBytes(texts[i] + "\u00fc"), out _));
        }
    }

    private static void Append(RawTable table, string name, string text) => table.Append(
        new MemoryStream(Encoding.UTF8.GetBytes(text)), name, Part.Train,
        new BadData(false, NullLogger.Instance), default);
}
