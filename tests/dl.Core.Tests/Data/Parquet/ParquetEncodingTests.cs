// The parts that a written file is made of, each against its reader: runs and packed numbers,
// Snappy, bounds of values.
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Tests;

public sealed class ParquetEncodingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(17)]
    [InlineData(32)]
    public void NumbersComeBackFromRunsAndPacks(int width)
    {
        var random = new Random(width);
        int mask = width == 32 ? -1 : (1 << width) - 1;
        for (int round = 0; round < 300; round++)
        {
            // Stretches of one number and of many, of lengths around eight and 63 x 8.
            var values = new List<int>();
            int length = random.Next(1, 1500);
            while (values.Count < length)
            {
                int value = random.Next() & mask;
                bool run = random.Next(2) == 0;
                for (int i = random.Next(1, 40) * (round % 7 == 0 ? 20 : 1); i > 0; i--)
                {
                    values.Add(run ? value : random.Next() & mask);
                }
            }
            int[] numbers = [.. values];
            var bytes = new byte[HybridEncoder.MaxLength(numbers.Length, width)];
            int written = HybridEncoder.Encode(numbers, width, bytes);
            var decoder = new HybridDecoder(bytes.AsSpan(0, written), width);
            var back = new int[numbers.Length];
            decoder.Read(back);
            Assert.Equal(numbers, back);
        }
    }

    [Fact]
    public void EqualNumbersTakeAFewBytes()
    {
        var bytes = new byte[HybridEncoder.MaxLength(100_000, 12)];
        Assert.Equal(5, HybridEncoder.Encode(new int[100_000], 12, bytes));
    }

    public static TheoryData<string> Contents => ["nothing", "one", "zeros", "random", "text",
        "pattern", "mixed"];

    private static byte[] Content(string kind, int length, Random random)
    {
        var bytes = new byte[length];
        switch (kind)
        {
            case "random":
                random.NextBytes(bytes);
                break;
            case "text":
                string[] words = ["prediction", "left", "right", ",", "0.5", "\n", "abcdefgh"];
                for (int i = 0; i < length;)
                {
                    string word = words[random.Next(words.Length)];
                    for (int k = 0; k < word.Length && i < length; k++, i++)
                    {
                        bytes[i] = (byte)word[k];
                    }
                }
                break;
            case "pattern":
                int period = random.Next(1, 70);
                for (int i = 0; i < length; i++)
                {
                    bytes[i] = (byte)(i % period);
                }
                break;
            case "mixed":
                for (int i = 0; i < length; i++)
                {
                    bytes[i] = (byte)(i / 1000 % 2 == 0 ? random.Next(256) : i / 64);
                }
                break;
        }
        return bytes;
    }

    [Theory]
    [MemberData(nameof(Contents))]
    public void SnappyComesBackAndStaysInItsRoom(string kind)
    {
        var random = new Random(11);
        var compressor = new SnappyCompressor();
        for (int round = 0; round < 60; round++)
        {
            int length = kind switch
            {
                "nothing" => 0,
                "one" => 1 + (round % 8),
                _ => random.Next(round < 40 ? 300 : 300_000),
            };
            byte[] content = Content(kind, length, random);
            var packed = new byte[SnappyCompressor.MaxLength(length)];
            int written = compressor.Compress(content, packed);
            var back = new byte[length];
            Snappy.Decompress(packed.AsSpan(0, written), back);
            Assert.Equal(content, back);
        }
    }

    [Fact]
    public void SnappyMatches()
    {
        var compressor = new SnappyCompressor();
        var packed = new byte[SnappyCompressor.MaxLength(1 << 20)];
        var random = new Random(5);
        int Size(string kind) => compressor.Compress(Content(kind, 1 << 20, random), packed);
        Assert.InRange(Size("zeros"), 1, 60_000);
        Assert.InRange(Size("text"), 1, 500_000);
        Assert.InRange(Size("random"), 1 << 20, (1 << 20) + 100);
    }

    [Fact]
    public void BoundsHaveTheOrderOfTheirType()
    {
        Assert.Equal(
            (3, -5, 7), Bounds<int>(FieldType.Int32, [-5, 0, 7], nulls: 3, BitConverter.ToInt32));
        Assert.Equal(
            (0, long.MinValue, -1L),
            Bounds<long>(FieldType.Int64, [-1, long.MinValue, -3], 0, BitConverter.ToInt64));
        Assert.Equal(
            (0, -1.5, 2.5),
            Bounds<double>(
                FieldType.Double, [double.NaN, 2.5, -1.5], 0, BitConverter.ToDouble));
        ColumnBuffer none = Column(FieldType.Float, [float.NaN]);
        Assert.Null(Of(none).Min);
        Assert.Null(Of(none).Max);
        ColumnBuffer texts = Column(FieldType.String, ["b", "\u00E9", "", "a"]);
        Assert.Empty(Of(texts).Min!);
        Assert.Equal("\u00E9"u8.ToArray(), Of(texts).Max);
        ColumnBuffer flags = Column(FieldType.Boolean, [true, false]);
        Assert.Equal([0, 1], [.. Of(flags).Min!, .. Of(flags).Max!]);
        ColumnBuffer longs = Column(FieldType.String, ["z", new string('y', 200)]);
        Assert.Equal((null, 1), (Of(longs).Min, Of(longs).Max!.Length));
    }

    [Fact]
    public void AZeroAsBoundStandsForBoth()
    {
        ValueStatistics of = Of(Column(FieldType.Float, [0f]));
        Assert.Equal((true, false), (
            float.IsNegative(BitConverter.ToSingle(of.Min!)),
            float.IsNegative(BitConverter.ToSingle(of.Max!))));
    }

    private static (int Nulls, T Min, T Max) Bounds<T>(
        FieldType type, T[] values, int nulls, Func<byte[], int, T> read)
    {
        ColumnBuffer column = Column(type, Array.ConvertAll(values, v => (object)v!));
        for (int i = 0; i < nulls; i++)
        {
            column.AddMissing();
        }
        ValueStatistics of = Of(column);
        return ((int)of.Nulls, read(of.Min!, 0), read(of.Max!, 0));
    }

    private static ValueStatistics Of(ColumnBuffer column) =>
        ValueStatistics.Of(column, 0, column.Count, column.Rows);

    private static ColumnBuffer Column(FieldType type, object[] values)
    {
        var column = new ColumnBuffer(new ParquetField("c", type));
        foreach (object value in values)
        {
            switch (value)
            {
                case bool flag:
                    column.Add(flag);
                    break;
                case int number:
                    column.Add(number);
                    break;
                case long number:
                    column.Add(number);
                    break;
                case float number:
                    column.Add(number);
                    break;
                case double number:
                    column.Add(number);
                    break;
                default:
                    column.Add((string)value);
                    break;
            }
        }
        return column;
    }
}
