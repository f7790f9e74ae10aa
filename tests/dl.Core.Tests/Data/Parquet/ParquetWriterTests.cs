// What is written is read back the same, whatever the types, gaps, sizes and codecs; and the file
// says of itself what the format asks for.
using System.Globalization;
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Tests;

public sealed class ParquetWriterTests
{
    private static readonly DateTimeOffset Moment =
        new(2024, 5, 17, 8, 30, 15, 123, 456, TimeSpan.FromHours(2));

    private static readonly ParquetField[] AllTypes =
    [
        new("flag", FieldType.Boolean), new("small", FieldType.Int32),
        new("large", FieldType.Int64), new("single", FieldType.Float),
        new("double", FieldType.Double), new("text", FieldType.String),
        new("day", FieldType.Date), new("time", FieldType.Timestamp),
        new("always", FieldType.Int32, Optional: false),
    ];

    private static readonly string[] Texts = ["", "a", "ü€𝄞", "\0\n\"", new('x', 300)];

    public static TheoryData<int> Codecs =>
        [(int)Codec.Uncompressed, (int)Codec.Snappy, (int)Codec.Gzip, (int)Codec.Zstd];

    private static byte[] Written(
        ParquetField[] fields, ParquetOptions? options, Action<ParquetWriter> write)
    {
        using var memory = new MemoryStream();
        using var pipe = new ForwardOnly(memory);
        try
        {
            var writer = new ParquetWriter(pipe, fields, options);
            write(writer);
            writer.Finish();
        }
        catch (UsageException missing) when (missing.Message.Contains("libzstd"))
        {
            Skip.If(true, missing.Message);
        }
        return memory.ToArray();
    }

    private static ParquetFile Open(byte[] file) =>
        ParquetFile.Open(new MemoryStream(file), "t.parquet");

    /// <summary>All cells as texts, row by row; null where there is no value.</summary>
    private static List<string?[]> Rows(byte[] bytes)
    {
        using ParquetFile file = Open(bytes);
        var rows = new List<string?[]>();
        for (int group = 0; group < file.RowGroups.Count; group++)
        {
            ColumnValues[] columns = [.. Enumerable.Range(0, file.Columns.Count)
                .Select(i => file.Read(group, i))];
            for (int row = 0; row < columns[0].Count; row++)
            {
                rows.Add(Array.ConvertAll(
                    columns, c => c.IsNull(row) ? null : ParquetText.Of(c, row)));
            }
        }
        return rows;
    }

    /// <summary>Row i of all types; every fourth row has gaps. Returns its cells.</summary>
    private static string?[] WriteRow(ParquetWriter writer, int i)
    {
        var cells = new string?[AllTypes.Length];
        CultureInfo plain = CultureInfo.InvariantCulture;
        for (int c = 0; c < cells.Length; c++)
        {
            ColumnBuffer column = writer[c];
            if (i % 4 == 3 && AllTypes[c].Optional)
            {
                column.AddMissing();
                continue;
            }
            switch (AllTypes[c].Type)
            {
                case FieldType.Boolean:
                    column.Add(i % 3 == 0);
                    cells[c] = i % 3 == 0 ? "true" : "false";
                    break;
                case FieldType.Int32:
                    column.Add(int.MinValue + i);
                    cells[c] = (int.MinValue + i).ToString(plain);
                    break;
                case FieldType.Int64:
                    column.Add(long.MaxValue - i);
                    cells[c] = (long.MaxValue - i).ToString(plain);
                    break;
                case FieldType.Float:
                    column.Add(i / 7f);
                    cells[c] = (i / 7f).ToString("R", plain);
                    break;
                case FieldType.Double:
                    column.Add(i / -7.0);
                    cells[c] = (i / -7.0).ToString("R", plain);
                    break;
                case FieldType.Date:
                    column.Add(new DateOnly(1968, 2, 28).AddDays(i));
                    cells[c] = new DateOnly(1968, 2, 28).AddDays(i).ToString("yyyy-MM-dd", plain);
                    break;
                case FieldType.Timestamp:
                    column.Add(Moment.AddSeconds(-i));
                    cells[c] = Moment.AddSeconds(-i).UtcDateTime.ToString(
                        "yyyy-MM-ddTHH:mm:ss.ffffffZ", plain);
                    break;
                default:
                    column.Add(Texts[i % Texts.Length]);
                    cells[c] = Texts[i % Texts.Length];
                    break;
            }
        }
        writer.EndRow();
        return cells;
    }

    [SkippableTheory]
    [MemberData(nameof(Codecs))]
    public void EveryTypeComesBack(int codec)
    {
        var expected = new List<string?[]>();
        byte[] file = Written(
            AllTypes, new ParquetOptions { Codec = (Codec)codec, GroupRows = 700 },
            writer =>
            {
                for (int i = 0; i < 2000; i++)
                {
                    expected.Add(WriteRow(writer, i));
                }
                Assert.Equal(2000, writer.Rows);
            });
        Assert.Equal(expected, Rows(file));
        using ParquetFile opened = Open(file);
        Assert.Equal([700L, 700, 600], opened.RowGroups.Select(g => g.Rows));
        Assert.All(opened.RowGroups, g => Assert.All(
            g.Columns, c => Assert.Equal((Codec)codec, c.Codec)));
    }

    [Fact]
    public void ATableWithoutRowsKeepsItsColumns()
    {
        using ParquetFile file = Open(Written(AllTypes, null, _ => { }));
        Assert.Equal(AllTypes.Select(f => f.Name), file.Columns.Select(c => c.Name));
        Assert.Equal((0, 0), ((int)file.Rows, file.RowGroups.Count));
    }

    [Fact]
    public void OnlyMissingValuesAreAColumnToo()
    {
        byte[] file = Written([new("text", FieldType.String), new("x", FieldType.Double)], null,
            writer =>
            {
                for (int i = 0; i < 50_000; i++)
                {
                    writer[0].AddMissing();
                    writer[1].AddMissing();
                    writer.EndRow();
                }
            });
        Assert.Equal(50_000, Rows(file).Count(r => r is [null, null]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(70_000)]
    [InlineData(150_000)]
    public void DistinctValuesMayBeFewOrMany(int distinct)
    {
        const int rows = 150_000;
        ParquetField[] fields =
            [new("s", FieldType.String, false), new("n", FieldType.Int64, false)];
        byte[] file = Written(fields, null, writer =>
        {
            for (int i = 0; i < rows; i++)
            {
                int value = (int)(i * 2_654_435_761L % distinct);
                writer[0].Add($"value {value}");
                writer[1].Add((long)value << 33);
                writer.EndRow();
            }
        });
        List<string?[]> back = Rows(file);
        for (int i = 0; i < rows; i++)
        {
            int value = (int)(i * 2_654_435_761L % distinct);
            Assert.Equal($"value {value}", back[i][0]);
            Assert.Equal((long)value << 33, long.Parse(back[i][1]!));
        }
        if (distinct == 1)
        {
            Assert.InRange(file.Length, 1, 3000);
        }
    }

    [Fact]
    public void RowGroupsAreBoundedByBytes()
    {
        byte[] file = Written([new("s", FieldType.String)],
            new ParquetOptions { GroupBytes = 1 << 20, Codec = Codec.Uncompressed }, writer =>
            {
                var random = new Random(1);
                var text = new byte[1000];
                for (int i = 0; i < 5000; i++)
                {
                    random.NextBytes(text);
                    writer[0].Add(Convert.ToHexString(text.AsSpan(0, random.Next(1000))));
                    writer.EndRow();
                }
            });
        using ParquetFile opened = Open(file);
        Assert.Equal(5000, opened.Rows);
        // A twelfth of a row group is the most by which one is exceeded here.
        Assert.All(opened.RowGroups, g => Assert.InRange(g.Columns[0].Length, 1, 1_200_000));
        Assert.InRange(opened.RowGroups.Count, 4, 8);
    }

    [Fact]
    public void ATextLongerThanAPageIsWhole()
    {
        string[] texts = [new('a', 3 << 20), "b", new('c', (1 << 20) + 1), ""];
        byte[] file = Written([new("s", FieldType.String)], null, writer =>
        {
            foreach (string text in texts)
            {
                writer[0].Add(text);
                writer.EndRow();
            }
        });
        Assert.Equal(texts, Rows(file).Select(r => r[0]));
    }

    [Fact]
    public void DamageIsNoticedByChecksums()
    {
        byte[] file = Written([new("n", FieldType.Int32, false)],
            new ParquetOptions { Codec = Codec.Uncompressed }, writer =>
            {
                for (int i = 0; i < 100; i++)
                {
                    writer[0].Add(i * 1_000_003);
                    writer.EndRow();
                }
            });
        int place = file.AsSpan().IndexOf(BitConverter.GetBytes(50 * 1_000_003));
        file[place] ^= 1;
        using ParquetFile opened = Open(file);
        Assert.Contains("checksum", Assert.Throws<DataException>(() => opened.Read(0, 0)).Message);
    }

    [Fact]
    public void ColumnsThatCannotBeAreRefused()
    {
        Assert.Throws<UsageException>(() => Written([], null, _ => { }));
        Assert.Throws<UsageException>(
            () => Written([new("", FieldType.Int32)], null, _ => { }));
        var twice = Assert.Throws<UsageException>(() => Written(
            [new("a", FieldType.Int32), new("a", FieldType.String)], null, _ => { }));
        Assert.Contains("column 'a' is there twice", twice.Message);
    }

    /// <summary>A pipe: neither length nor place can be asked for.</summary>
    private sealed class ForwardOnly(Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) =>
            throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) =>
            throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) =>
            inner.Write(buffer, offset, count);
    }
}
