// The public conformance files: what is documented beside them, what two of them say of the same
// data, and that all the others are read or refused for a reason that is named.
using Dl.Data.Formats;
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Tests;

public sealed class ParquetConformanceTests
{
    private static ParquetFile Open(string name, string folder = "data") =>
        ParquetFile.Open(
            File.OpenRead(Shared.Data("parquet-testing", folder, name + ".parquet")), name);

    /// <summary>
    /// All cells of a column; null where there is no value. Skips the test where the file is
    /// compressed by a library that is not installed.
    /// </summary>
    private static string?[] Column(ParquetFile file, int column)
    {
        var cells = new List<string?>();
        for (int group = 0; group < file.RowGroups.Count; group++)
        {
            ColumnValues values = Read(file, group, column);
            for (int row = 0; row < values.Count; row++)
            {
                cells.Add(values.IsNull(row) ? null : ParquetText.Of(values, row));
            }
        }
        return [.. cells];
    }

    private static ColumnValues Read(ParquetFile file, int group, int column)
    {
        try
        {
            return file.Read(group, column);
        }
        catch (DataException error) when (error.Message.Contains("without the library libzstd"))
        {
            Skip.If(true, "libzstd is not installed");
            throw;
        }
    }

    private static string?[] Column(string name, int column)
    {
        using ParquetFile file = Open(name);
        return Column(file, column);
    }

    private static void Same(IEnumerable<string?> expected, IEnumerable<string?> actual) =>
        Assert.Equal(expected, actual);

    [SkippableFact]
    public void EveryGoodFileIsReadOrTheMissingFeatureNamed()
    {
        int read = 0, refused = 0;
        foreach (string path in Directory.GetFiles(Shared.Data("parquet-testing", "data")))
        {
            if (Path.GetExtension(path) != ".parquet")
            {
                continue;
            }
            string name = Path.GetFileNameWithoutExtension(path);
            using ParquetFile file = Open(name);
            for (int i = 0; i < file.Columns.Count; i++)
            {
                string? expected = name.Contains("corrupt-checksum")
                    ? "the checksum of a page does not fit"
                    : file.Columns[i].Unsupported;
                if (expected is null)
                {
                    Assert.Equal(file.Rows, Column(file, i).Length);
                    read++;
                    continue;
                }
                var error = Assert.Throws<DataException>(() => file.Read(0, i));
                Assert.Contains(expected, error.Message);
                refused++;
            }
        }
        Assert.True(read > 200, $"{read} columns read, {refused} refused");
    }

    /// <summary>
    /// One of them only made readers stumble, over dictionary indices of zero bits: the dictionary
    /// has one entry, so there is no doubt about the values.
    /// </summary>
    [SkippableFact]
    public void EveryBadFileIsRefusedOrHasTheValuesThatItSays()
    {
        int refused = 0;
        foreach (string path in Directory.GetFiles(Shared.Data("parquet-testing", "bad_data")))
        {
            if (Path.GetExtension(path) != ".parquet")
            {
                continue;
            }
            string name = Path.GetFileNameWithoutExtension(path);
            if (name == "ARROW-GH-43605")
            {
                using ParquetFile constant = Open(name, "bad_data");
                string?[] values = Column(constant, 0);
                Assert.Equal(21_186, values.Length);
                Assert.All(values, v => Assert.Equal("0", v));
                continue;
            }
            Assert.Throws<DataException>(() =>
            {
                using ParquetFile file = Open(name, "bad_data");
                for (int i = 0; i < file.Columns.Count; i++)
                {
                    Column(file, i);
                }
            });
            refused++;
        }
        Assert.Equal(4, refused);
    }

    [SkippableTheory]
    [InlineData("delta_binary_packed")]
    [InlineData("delta_encoding_required_column")]
    public void DeltaEncodedValuesAreThoseOfTheTable(string name)
    {
        using ParquetFile file = Open(name);
        string csv = Shared.Data("parquet-testing", "data", name + "_expect.csv");
        using IRowReader reader = new DelimitedReader(File.OpenRead(csv), csv, streaming: false);
        string?[][] columns = [.. file.Columns.Select((_, i) => Column(file, i))];
        Assert.True(reader.Read());
        Assert.Equal(columns.Length, reader.Count);
        for (int row = 0; row < file.Rows; row++)
        {
            Assert.True(reader.Read());
            for (int i = 0; i < columns.Length; i++)
            {
                Assert.Equal(reader[i], columns[i][row]);
            }
        }
        Assert.False(reader.Read());
    }

    [SkippableFact]
    public void SplitStreamsHoldWhatThePlainColumnsHold()
    {
        using ParquetFile file = Open("byte_stream_split_extended.gzip");
        for (int i = 0; i < file.Columns.Count; i += 2)
        {
            Assert.EndsWith("_plain", file.Columns[i].Name);
            Same(Column(file, i), Column(file, i + 1));
        }
    }

    [SkippableTheory]
    [InlineData("alltypes_tiny_pages", "alltypes_tiny_pages_plain")]
    [InlineData(
        "datapage_v1-uncompressed-checksum", "datapage_v1-snappy-compressed-checksum")]
    [InlineData("hadoop_lz4_compressed", "non_hadoop_lz4_compressed")]
    [InlineData("hadoop_lz4_compressed", "lz4_raw_compressed")]
    [InlineData("data_index_bloom_encoding_stats", "data_index_bloom_encoding_with_length")]
    [InlineData("int32_decimal", "int64_decimal")]
    [InlineData("int32_decimal", "byte_array_decimal")]
    [InlineData("int32_decimal", "fixed_length_decimal_legacy")]
    public void TwoFilesOfTheSameDataAreEqual(string first, string second)
    {
        using ParquetFile a = Open(first);
        using ParquetFile b = Open(second);
        Assert.Equal(a.Columns.Select(c => c.Name), b.Columns.Select(c => c.Name));
        for (int i = 0; i < a.Columns.Count; i++)
        {
            Same(Column(a, i), Column(b, i));
        }
    }

    [SkippableFact]
    public void DocumentedValuesAreRead()
    {
        Same(["1", "NaN"], Column("nan_in_stats", 0));
        Same(
            [null, "1", "-2", "NaN", "0", "-1", "-0", "2"],
            Column("float16_nonzeros_and_nans", 0));
        Same(
            Enumerable.Range(1, 24).Select(i => $"{i}.00"), Column("int32_decimal", 0));
        Same(["abc", "def", "abc", "def"], Column("lz4_raw_compressed", 1));
        Same(["1593604800", "1593604800", "1593604801", "1593604801"],
            Column("lz4_raw_compressed", 0));
        Same(["42", "7.7", "42.125", "7.7"], Column("lz4_raw_compressed", 2));
        Assert.Equal("🚀Kevin Bacon", Column("binary_truncated_min_max", 2)[^1]);
        Assert.Equal("0xFFFF0102", Column("binary_truncated_min_max", 3)[^1]);
        Same([null], Column("datapage_v2_empty_datapage.snappy", 0));
        Same(new string?[10], Column("page_v2_empty_compressed", 0));
        string?[] spark = Column("int96_from_spark", 0);
        Assert.Equal("2024-01-01T20:34:56.123456", spark[0]);
        Assert.Null(spark[4]);
        // Standard normals of a generator that begins with 0: these are known by heart.
        Same(["1.7640524", "0.4001572", "0.978738"],
            Column("byte_stream_split.zstd", 0)[..3]);
    }
}
