using System.IO.Compression;
using System.IO.Pipes;
using System.Text;
using Dl.Data.Formats;

namespace Dl.Data.Tests;

public class DelimitedReaderTests
{
    private static List<string[]> Rows(string text, out List<int> lines, bool streaming = false)
    {
        using IRowReader reader = new DelimitedReader(
            new MemoryStream(Encoding.UTF8.GetBytes(text)), "t.csv", streaming);
        var rows = new List<string[]>();
        lines = [];
        while (reader.Read())
        {
            rows.Add(reader.Row());
            lines.Add(reader.Line);
        }
        return rows;
    }

    [Theory]
    [InlineData("a,b\n1,2\n", ',')]
    [InlineData("a;b\n1,5;2,5\n", ';')]
    [InlineData("a\tb\n1 x, y\t2\n", '\t')]
    [InlineData("a|b|c\n1|2|3", '|')]
    [InlineData("a,b|c|d\n1,2|3\n4,5|6|7|8\n", ',')]
    [InlineData("only\n1\n2\n", ',')]
    [InlineData("name;note\nx;\"a, b, c\"\ny;\"d, e, f\"\n", ';')]
    [InlineData("5\" disk,3\nlarge,4\n\"a;b;c\",5\n", ',')]
    [InlineData("1,5;2,5;x\n3,5;4,5;y\n", ';')]
    [InlineData("id\ttext\n1\tone, two\n2\tthree, four\n", '\t')]
    [InlineData("sep=|\r\na,b|c,d\r\n1,2|3,4\r\n", '|')]
    public void FindsTheDelimiter(string text, char expected)
    {
        using var reader = new DelimitedReader(
            new MemoryStream(Encoding.UTF8.GetBytes(text)), "t", streaming: false);
        Assert.Equal(expected, reader.Delimiter);
    }

    [Theory]
    [InlineData("a,b\n1,2\n3,4\n")]
    [InlineData("a,b\r\n1,2\r\n3,4\r\n")]
    [InlineData("a,b\n1,2\n3,4")]
    [InlineData("\uFEFFa,b\r\n1,2\r\n3,4")]
    [InlineData("a,b\n\n1,2\n\n\n3,4\n\n")]
    [InlineData("a , b\n 1,2 \n\"3\",\"4\"\n")]
    public void LineEndsMarksAndBlanksDoNotMatter(string text)
    {
        List<string[]> rows = Rows(text, out _);
        Assert.Equal(new string[][] { ["a", "b"], ["1", "2"], ["3", "4"] }, rows);
    }

    [Fact]
    public void QuotedFieldsHoldNewlinesDelimitersAndQuotes()
    {
        List<string[]> rows = Rows(
            "a,b\n\"one\ntwo\",\"x,y\"\n\"say \"\"hi\"\"\",2\n\n3,4\n", out List<int> lines);
        Assert.Equal(["one\ntwo", "x,y"], rows[1]);
        Assert.Equal(["say \"hi\"", "2"], rows[2]);
        Assert.Equal([1, 2, 4, 6], lines);
    }

    [Fact]
    public void BinaryDataAreRefused()
    {
        var error = Assert.Throws<DataException>(
            () => new DelimitedReader(new MemoryStream([1, 0, 2]), "x.bin", streaming: false));
        Assert.Contains("x.bin: binary data", error.Message);
    }

    [Fact]
    public void GzipIsFoundByItsFirstBytes()
    {
        using var folder = new TemporaryFolder();
        string path = folder["t.csv"];
        using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            gzip.Write("a,b\n1,2\n"u8);
        }
        using IRowReader reader = new DelimitedReader(InputFile.Open(path), path, streaming: false);
        Assert.True(reader.Read());
        Assert.Equal(["a", "b"], reader.Row());
    }

    [Fact]
    public void ACutOffGzipFileIsNotHalfRead()
    {
        using var folder = new TemporaryFolder();
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (int i = 0; i < 20_000; i++)
            {
                gzip.Write(Encoding.UTF8.GetBytes($"{i},{i * 7919 % 10007}\n"));
            }
        }
        string path = folder.Write("t.csv.gz", packed.ToArray()[..(int)(packed.Length / 2)]);
        var error = Assert.Throws<DataException>(() =>
        {
            using IRowReader reader = new DelimitedReader(
                InputFile.Open(path), path, streaming: false);
            while (reader.Read())
            {
            }
        });
        Assert.Contains("t.csv.gz: the packed data are damaged", error.Message);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public async Task ARowIsReadAsSoonAsItsLineHasArrived(string end)
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(
            PipeDirection.In, server.ClientSafePipeHandle);
        server.Write(Encoding.UTF8.GetBytes($"a,b{end}"));
        using IRowReader reader = new DelimitedReader(client, "pipe", streaming: true);
        Assert.True(reader.Read());
        for (int i = 0; i < 3; i++)
        {
            // The writer holds the pipe open: a reader that wants more than a line hangs here.
            server.Write(Encoding.UTF8.GetBytes($"{i},x{end}"));
            Assert.True(await Task.Run(reader.Read).WaitAsync(TimeSpan.FromSeconds(10)));
            Assert.Equal([i.ToString(), "x"], reader.Row());
        }
        server.Dispose();
        Assert.False(reader.Read());
    }

    [Fact]
    public void Utf16IsReadWithItsMarkAndRefusedWithout()
    {
        foreach (Encoding encoding in new[] { Encoding.Unicode, Encoding.BigEndianUnicode })
        {
            byte[] text = encoding.GetBytes("a,b\r\n1,\u00e9\r\n");
            using IRowReader reader = new DelimitedReader(
                new MemoryStream([.. encoding.Preamble, .. text]), "t.csv", streaming: false);
            Assert.True(reader.Read());
            Assert.Equal(["a", "b"], reader.Row());
            Assert.True(reader.Read());
            Assert.Equal(["1", "\u00e9"], reader.Row());
            var error = Assert.Throws<DataException>(
                () => new DelimitedReader(new MemoryStream(text), "t.csv", streaming: false));
            Assert.Contains("UTF-16 without a byte order mark?", error.Message);
        }
    }

    [Theory]
    [InlineData("x\n1\n2\n")]
    [InlineData("\uFEFFx\r\n1\r\n2")]
    [InlineData("\"x\"\n\"1\"\n\n2")]
    public void OneColumnHasNoDelimiter(string text) =>
        Assert.Equal(new string[][] { ["x"], ["1"], ["2"] }, Rows(text, out _));
}
