// Whatever doubles a column holds, they come back to the bit.
using Dl.Data.Tables.Storage;
using Dl.Tensors;

namespace Dl.Data.Tests.Storage;

public class ChunkCodecTests
{
    private static readonly double[] Odd =
    [
        0, -0.0, 1, -1, double.Epsilon, -double.Epsilon, 2.2250738585072009e-308,
        double.MaxValue, double.MinValue, double.NaN, 9007199254740991, 9007199254740992,
        9007199254740993, -9007199254740992, 0.1, 1.1, 123456.789, 1e-5, 1e-12, 1e-13, 1e22, 1e23,
        Math.PI, 1.0f / 3, float.MaxValue, float.Epsilon, 1e300, 4503599627370495.5,
        long.MaxValue, long.MinValue,
    ];

    private static byte[] Encode(double[] cells)
    {
        var chunk = new byte[ChunkCodec.MaxBytes(cells.Length)];
        return chunk[..ChunkCodec.Encode(cells, chunk)];
    }

    private static int RoundTrip(double[] cells)
    {
        byte[] chunk = Encode(cells);
        // Bytes of another chunk lie behind it.
        byte[] padded = [.. chunk, .. Enumerable.Repeat((byte)0xA5, ChunkCodec.Padding)];
        var back = new double[cells.Length];
        ChunkCodec.Decode(padded, 0, back);
        Assert.Equal(Bits(cells), Bits(back));
        for (int from = 0; from < cells.Length; from += Math.Max(1, cells.Length / 3))
        {
            var run = new double[Math.Min(5, cells.Length - from)];
            ChunkCodec.Decode(padded, from, run);
            Assert.Equal(Bits(cells[from..(from + run.Length)]), Bits(run));
        }
        return chunk.Length - ChunkCodec.HeaderBytes;
    }

    private static long[] Bits(double[] cells) =>
        Array.ConvertAll(cells, BitConverter.DoubleToInt64Bits);

    [Fact]
    public void EveryOddNumberAloneAndBesideEveryOtherComesBack()
    {
        foreach (double a in Odd)
        {
            RoundTrip([a]);
            foreach (double b in Odd)
            {
                RoundTrip([a, b, a]);
                RoundTrip([a, double.NaN, b]);
                RoundTrip([a, CellValue.OfText(7), b]);
            }
        }
        RoundTrip(Odd);
    }

    [Fact]
    public void AnyBitsOfNumbersComeBack()
    {
        for (ulong seed = 0; seed < 400; seed++)
        {
            var rng = new Rng(seed, 77);
            var cells = new double[1 + rng.NextInt(300)];
            int kind = rng.NextInt(8), places = rng.NextInt(14);
            double power = Math.Pow(10, places);
            for (int i = 0; i < cells.Length; i++)
            {
                cells[i] = kind switch
                {
                    0 => Bits(rng),
                    1 => (float)rng.NextNormal(),
                    2 => Math.Round(rng.NextNormal() * 1000 * power) / power,
                    3 => rng.NextInt(1 << rng.NextInt(30)),
                    4 => rng.NextInt(4) == 0 ? double.NaN : rng.NextInt(3) - 1,
                    5 => CellValue.OfText(rng.NextInt(1 << rng.NextInt(30))),
                    6 => rng.NextInt(3) == 0 ? double.NaN : CellValue.OfText(rng.NextInt(9) - 2),
                    _ => rng.NextInt(2) == 0 ? CellValue.OfText(-2) : Bits(rng),
                };
            }
            RoundTrip(cells);
        }
    }

    private static double Bits(Rng rng)
    {
        double cell = BitConverter.Int64BitsToDouble(
            (long)(((ulong)rng.NextUInt() << 32) | rng.NextUInt()));
        // There is one NaN for what is missing.
        return double.IsNaN(cell) ? double.NaN : cell;
    }

    [Fact]
    public void WhatIsPlainTakesFewBytes()
    {
        double[] Row(Func<int, double> cell) => [.. Enumerable.Range(0, 1000).Select(cell)];
        Assert.Equal(0, RoundTrip(Row(_ => 3.25)));
        Assert.Equal(0, RoundTrip(Row(_ => double.NaN)));
        Assert.Equal(1000, RoundTrip(Row(i => 1900 + (i % 200))));
        Assert.Equal(1000, RoundTrip(Row(i => i % 7 == 0 ? double.NaN : i % 2)));
        Assert.Equal(2000, RoundTrip(Row(i => i / 100.0)));
        Assert.Equal(3000, RoundTrip(Row(i => (i * 7919 % 1_000_000) / 1e6)));
        Assert.Equal(4000, RoundTrip(Row(i => (float)Math.Sin(i))));
        Assert.Equal(8000, RoundTrip(Row(i => Math.Sin(i))));
        Assert.Equal(1000, RoundTrip(Row(i => CellValue.OfText(i % 50))));
        Assert.Equal(2000, RoundTrip(Row(i => CellValue.OfText(i))));
    }

    [Fact]
    public void ATextIsNoNumberAndNotMissing()
    {
        foreach (int code in new[] { 0, 1, 255, 1 << 20, int.MaxValue, -2 })
        {
            double cell = CellValue.OfText(code);
            Assert.True(double.IsNaN(cell) && CellValue.IsText(cell));
            Assert.Equal(code, CellValue.Code(cell));
        }
        Assert.False(CellValue.IsText(double.NaN));
        Assert.False(CellValue.IsText(0.0 / Math.Sin(0)));
    }
}
