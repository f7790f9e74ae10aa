// Parquet as the rows of a table, up to what a training set is made of.
using System.IO.Compression;
using Dl.Data.Formats;
using Dl.Data.Formats.Parquet;
using Microsoft.Extensions.Logging.Abstractions;
using static Dl.Data.Tests.ParquetBytes;

namespace Dl.Data.Tests;

public sealed class ParquetRowsTests
{
    private static readonly string[] Labels = ["no", "no", "yes", "yes", "no", "yes", "no", "yes"];

    /// <summary>Eight rows: x with a gap in the second, and a class.</summary>
    internal static byte[] Table()
    {
        byte[] x = [2, 0, 0, 0, 3, 0b11111101, .. Ints(1, 3, 4, 5, 6, 7, 8)];
        return new ParquetBytes { Rows = 8 }
            .Column("x", PhysicalType.Int32, Page(PageEncoding.Plain, x, 8), optional: true)
            .Column(
                "label", PhysicalType.ByteArray, Page(PageEncoding.Plain, Texts(Labels), 8),
                converted: 0)
            .File();
    }

    [Fact]
    public void RowsComeWithNamesAndTheirNumber()
    {
        using IRowReader rows = TableFormats.Open(
            new MemoryStream(Table()), "t.bin", streaming: false);
        Assert.Equal(["x", "label"], rows.Names!);
        Assert.True(rows.Read());
        Assert.Equal(["1", "no"], rows.Row());
        Assert.True(rows.Read());
        Assert.Equal(["", "no"], rows.Row());
        Assert.Equal("t.bin:2", rows.Where);
        int more = 0;
        for (; rows.Read(); more++)
        {
        }
        Assert.Equal(6, more);
        Assert.False(rows.Read());
    }

    [Theory]
    [InlineData("t.parquet")]
    [InlineData("t.bin")]
    public void ATrainingSetIsMadeOfThem(string name)
    {
        using var folder = new TemporaryFolder();
        var options = new DataOptions { Inputs = [folder.Write(name, Table())] };
        DataSplits splits = TrainingData.Open(options, NullLogger.Instance).Split();
        var table = (TablePreprocessing)splits.Preprocessing;
        Assert.Equal("x", Assert.Single(table.Columns).Name);
        Assert.True(table.Columns[0].MissingFlag);
        Assert.Equal(["no", "yes"], table.Target.Labels!);
    }

    [Fact]
    public void AColumnThatCannotBeReadIsRefusedWhenItIsWanted()
    {
        byte[] bytes = new ParquetBytes()
            .Column("good", PhysicalType.Int32, Page(PageEncoding.Plain, Ints(1, 2, 3)))
            .Column("bad", PhysicalType.Int32, Page((PageEncoding)77, Ints(1, 2, 3)))
            .File();
        using IRowReader rows = new ParquetRows(new MemoryStream(bytes), "t.parquet");
        Assert.True(rows.Read());
        Assert.Equal("1", rows[0]);
        for (int i = 0; i < 2; i++)
        {
            var error = Assert.Throws<DataException>(() => rows[1]);
            Assert.Contains("column 'bad', row group 0: dl does not read the enc", error.Message);
        }
    }

    [Fact]
    public void NamesThatComeTwiceAreRefused()
    {
        byte[] page = Page(PageEncoding.Plain, Ints(1, 2, 3));
        byte[] bytes = new ParquetBytes()
            .Column("a", PhysicalType.Int32, page)
            .Column("a", PhysicalType.Int32, page)
            .File();
        var error = Assert.Throws<DataException>(
            () => new ParquetRows(new MemoryStream(bytes), "t.parquet"));
        Assert.StartsWith("t.parquet: column 'a' is there twice", error.Message);
    }

    [Theory]
    [InlineData("t.parquet")]
    [InlineData("stdin")]
    public void APipeIsCopiedAndRead(string name)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            gzip.Write(Table());
        }
        packed.Position = 0;
        using var pipe = new GZipStream(packed, CompressionMode.Decompress);
        using IRowReader rows = TableFormats.Open(pipe, name, streaming: true);
        Assert.True(rows.Read());
        Assert.Equal(["1", "no"], rows.Row());
    }
}
