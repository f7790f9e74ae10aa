// Files made by hand: what they hold is read, and what they lie about is refused.
using Dl.Data.Formats.Parquet;
using static Dl.Data.Tests.ParquetBytes;

namespace Dl.Data.Tests;

public sealed class ParquetFileTests
{
    private static string[] Cells(ParquetFile file, int column = 0)
    {
        ColumnValues values = file.Read(0, column);
        return [.. Enumerable.Range(0, values.Count).Select(row => ParquetText.Of(values, row))];
    }

    [Fact]
    public void RequiredNumbersLieOneAfterTheOther()
    {
        using ParquetFile file = new ParquetBytes()
            .Column("a", PhysicalType.Int32, Page(PageEncoding.Plain, Ints(1, -2, 3)))
            .Column(
                "b", PhysicalType.ByteArray, Page(PageEncoding.Plain, Texts("x", "", "yz")),
                converted: 0)
            .Open();
        Assert.Equal(["a", "b"], file.Columns.Select(c => c.Name));
        Assert.Equal(3, file.Rows);
        ColumnValues a = file.Read(0, 0);
        Assert.Null(a.Valid);
        Assert.Equal([1, -2, 3], a.As<int>().ToArray());
        Assert.Equal(["x", "", "yz"], Cells(file, 1));
        Assert.Equal(LogicalKind.String, file.Columns[1].Logical.Kind);
    }

    [Fact]
    public void MissingValuesLeaveTheirSlotEmpty()
    {
        // Levels: four bytes of length, then one group of packed bits, 1 0 1.
        byte[] content = [2, 0, 0, 0, 3, 0b101, .. Ints(7, 9)];
        using ParquetFile file = new ParquetBytes()
            .Column("a", PhysicalType.Int32, Page(PageEncoding.Plain, content), optional: true)
            .Open();
        ColumnValues a = file.Read(0, 0);
        Assert.Equal([true, false, true], a.Valid!);
        Assert.Equal([7, 0, 9], a.As<int>().ToArray());
        Assert.Equal(["7", "", "9"], Cells(file));
    }

    [Fact]
    public void DictionariesAndPagesOfBothVersionsGoTogether()
    {
        // Width 1; one run of two ones, then a packed group.
        byte[] pages =
        [
            .. Dictionary(Texts("red", "blue"), 2),
            .. Page(PageEncoding.PlainDictionary, [4, 0, 0, 0, 4, 1, 4, 1, 1, 4, 1], 2),
            .. PageV2(PageEncoding.RleDictionary, [3, 0b0110], [1, 3, 0b10], 4),
        ];
        using ParquetFile file = new ParquetBytes { Rows = 6 }
            .Column("c", PhysicalType.ByteArray, pages, optional: true)
            .Open();
        Assert.Equal(["blue", "blue", "", "red", "blue", ""], Cells(file));
    }

    [Fact]
    public void MembersOfStructsAreMissingWhereTheStructIs()
    {
        // Two bits a level: 2 = there, 1 = the member is missing, 0 = the struct is.
        byte[] content = [3, 0, 0, 0, 3, 0b000110, 0, .. Ints(5)];
        byte[] page = Page(PageEncoding.Plain, content);
        byte[] bytes = new ParquetBytes()
            .Nested(
                PhysicalType.Int32, page, Group("s", 1, Repetition.Optional),
                Leaf("m", PhysicalType.Int32, Repetition.Optional))
            .File(rootMembers: 1);
        using var file = ParquetFile.Open(new MemoryStream(bytes), "t");
        Assert.Equal("s.m", Assert.Single(file.Columns).Name);
        Assert.Equal(["5", "", ""], Cells(file));
    }

    [Fact]
    public void ListsAreNamedAndRefusedOnlyWhenTheyAreRead()
    {
        byte[] bytes = new ParquetBytes()
            .Nested(
                PhysicalType.Int32, [], Group("l", 1, Repetition.Optional),
                Group("list", 1, Repetition.Repeated),
                Leaf("element", PhysicalType.Int32, Repetition.Optional))
            .File(rootMembers: 1);
        using var file = ParquetFile.Open(new MemoryStream(bytes), "t.parquet");
        var error = Assert.Throws<DataException>(() => file.Read(0, 0));
        Assert.Equal(
            "t.parquet: column 'l.list.element', row group 0: dl does not read lists and maps "
            + "('l.list' is repeated); write the file without the column", error.Message);
    }

    [Fact]
    public void MeaningsBecomeText()
    {
        ThriftBytes unsigned = new ThriftBytes().Int(1, 32).Flag(2, false);
        byte[] Plain(params int[] values) => Page(PageEncoding.Plain, Ints(values));
        using ParquetFile file = new ParquetBytes()
            .Column("day", PhysicalType.Int32, Plain(0, -1, 19_000), converted: 6)
            .Column("money", PhysicalType.Int32, Plain(12345, -5, 0), logical:
                new ThriftBytes().Struct(5, new ThriftBytes().Int(1, 2).Int(2, 7)))
            .Column("u", PhysicalType.Int32, Plain(-1, 0, 1), logical:
                new ThriftBytes().Struct(10, unsigned))
            .Column("t", PhysicalType.Int32, Plain(3_723_004, 0, 86_399_999), converted: 7)
            .Column(
                "h", PhysicalType.FixedLenByteArray,
                Page(PageEncoding.Plain, [0, 0x3C, 0, 0xC0, 0, 0x7E]), width: 2,
                logical: new ThriftBytes().Struct(15, new ThriftBytes()))
            .Open();
        Assert.Equal(["1970-01-01", "1969-12-31", "2022-01-08"], Cells(file, 0));
        Assert.Equal(["123.45", "-0.05", "0.00"], Cells(file, 1));
        Assert.Equal(["4294967295", "0", "1"], Cells(file, 2));
        Assert.Equal(["01:02:03.004", "00:00:00", "23:59:59.999"], Cells(file, 3));
        Assert.Equal(["1", "-2", "NaN"], Cells(file, 4));
    }

    [Fact]
    public void ChecksumsAreHeldTo()
    {
        byte[] content = Ints(1, 2, 3);
        int sum = Checksum(content);
        using ParquetFile good = new ParquetBytes()
            .Column("a", PhysicalType.Int32, Page(PageEncoding.Plain, content, checksum: sum))
            .Open();
        Assert.Equal(["1", "2", "3"], Cells(good));
        using ParquetFile bad = new ParquetBytes()
            .Column("a", PhysicalType.Int32, Page(PageEncoding.Plain, content, checksum: sum + 1))
            .Open();
        Assert.Contains(
            "checksum", Assert.Throws<DataException>(() => bad.Read(0, 0)).Message);
    }

    public static TheoryData<string, byte[]> Lies() => new()
    {
        { "footer of 4294967295 bytes", new ParquetBytes { FooterLength = uint.MaxValue }.File() },
        { "a list of 1073741824 in", new ParquetBytes { SchemaCount = 1 << 30 }.File() },
        { "which the file cannot hold", new ParquetBytes { Rows = 1L << 40 }.File() },
        { "which the file cannot hold", new ParquetBytes { Rows = -1 }.File() },
        { "has 1000 members", new ParquetBytes().File(rootMembers: 1000) },
        { "has -1 members", new ParquetBytes().File(rootMembers: -1) },
        { "it is cut off", new ParquetBytes().File()[..^1] },
        { "no Parquet file", "PNG and something else"u8.ToArray() },
        { "too few", "PAR1"u8.ToArray() },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public void FootersThatLieAreRefused(string part, byte[] bytes)
    {
        var error = Assert.Throws<DataException>(
            () => ParquetFile.Open(new MemoryStream(bytes), "t.parquet"));
        Assert.StartsWith("t.parquet: ", error.Message);
        Assert.Contains(part, error.Message);
    }

    public static TheoryData<string, byte[]> BadPages() => new()
    {
        { "its pages end after 0 of 3", [] },
        { "for 3 values, expected 12", Page(PageEncoding.Plain, Ints(1, 2)) },
        { "a page of 2000000000 values", Page(PageEncoding.Plain, Ints(1), 2_000_000_000) },
        { "a page of -1 values", Page(PageEncoding.Plain, Ints(1), -1) },
        { "is said to have 99", Page(PageEncoding.Plain, Ints(1, 2, 3), size: 99) },
        { "without a dictionary", Page(PageEncoding.RleDictionary, [1, 6, 0]) },
        { "the index 5 of a dictionary of 1",
            [.. Dictionary(Ints(4), 1), .. Page(PageEncoding.RleDictionary, [3, 6, 5])] },
        { "ends 3 values too early",
            [.. Dictionary(Ints(4), 1), .. Page(PageEncoding.RleDictionary, [3])] },
        { "values of 200 bits",
            [.. Dictionary(Ints(4), 1), .. Page(PageEncoding.RleDictionary, [200, 6, 5])] },
        { "a dictionary of -7 values", Dictionary(Ints(4), -7) },
        { "a dictionary of 2000000000 values", Dictionary(Ints(4), 2_000_000_000) },
        { "DeltaByteArray of Int32", Page(PageEncoding.DeltaByteArray, [1, 2, 3]) },
        { "the encoding 77", Page((PageEncoding)77, [1, 2, 3]) },
        { "in 0 miniblocks", Page(PageEncoding.DeltaBinaryPacked, [8, 0, 3, 0]) },
        { "9 delta encoded values", Page(PageEncoding.DeltaBinaryPacked, [8, 1, 9, 0]) },
    };

    [Theory]
    [MemberData(nameof(BadPages))]
    public void DamagedPagesAreRefused(string part, byte[] pages)
    {
        using ParquetFile file = new ParquetBytes()
            .Column("a", PhysicalType.Int32, pages)
            .Open();
        var error = Assert.Throws<DataException>(() => file.Read(0, 0));
        Assert.StartsWith("t.parquet: column 'a', row group 0: ", error.Message);
        Assert.Contains(part, error.Message);
    }

    [Fact]
    public void FewBytesDoNotTakeMuchMemory()
    {
        // Each value is the one before it and a letter more: 5 GB in all. Prefix lengths 0, 1,
        // 2, ... and suffix lengths 1, 1, 1, ...: one block each, whose deltas take no bits.
        const int count = 100_000;
        byte[] prefixes = [0x80, 0x80, 0x80, 2, 1, 0xA0, 0x8D, 6, 0, 2, 0];
        byte[] suffixes = [0x80, 0x80, 0x80, 2, 1, 0xA0, 0x8D, 6, 2, 0, 0, .. new byte[count]];
        using ParquetFile file = new ParquetBytes { Rows = count }
            .Column(
                "a", PhysicalType.ByteArray,
                Page(PageEncoding.DeltaByteArray, [.. prefixes, .. suffixes], count))
            .Open();
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<DataException>(() => file.Read(0, 0));
        Assert.Contains("becomes 5000050000 bytes of text", error.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000_000);
    }

    [Fact]
    public void DamageAnywhereIsRefusedOrRead()
    {
        byte[] pages =
        [
            .. Dictionary(Texts("red", "blue"), 2),
            .. Page(PageEncoding.PlainDictionary, [4, 0, 0, 0, 4, 1, 4, 1, 1, 4, 1], 2),
            .. PageV2(PageEncoding.RleDictionary, [3, 0b0110], [1, 3, 0b10], 4),
        ];
        byte[] good = new ParquetBytes { Rows = 6 }
            .Column("c", PhysicalType.ByteArray, pages, optional: true)
            .File();
        var rng = new Random(5);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = rng.Next(8) == 0 ? good[..rng.Next(good.Length)] : [.. good];
            for (int i = rng.Next(4); i >= 0 && bytes.Length > 0; i--)
            {
                bytes[rng.Next(bytes.Length)] = (byte)rng.Next(256);
            }
            try
            {
                using var file = ParquetFile.Open(new MemoryStream(bytes), "t");
                for (int group = 0; group < file.RowGroups.Count; group++)
                {
                    for (int column = 0; column < file.Columns.Count; column++)
                    {
                        file.Read(group, column);
                    }
                }
            }
            catch (DataException)
            {
                // Refused, as it should be; anything else fails the test.
            }
        }
    }
}
