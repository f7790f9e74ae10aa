// Every kind of BMP that is read, written here byte by byte: 5 x 3 pixels, so that rows of all
// depths have to be padded.
using Dl.Data.Images;

namespace Dl.Data.Tests;

public class BmpTests
{
    private const int Width = 5, Height = 3;

    /// <summary>The colour of pixel p; every one is another.</summary>
    private static (int R, int G, int B) Color(int p) => (p * 17, 255 - (p * 17), p * 8);

    /// <param name="bits">Of a pixel; up to 8: the palette's index, p modulo its colours.</param>
    /// <param name="masks">Red, green, blue; empty: no masks.</param>
    private static byte[] Write(
        int bits, Func<int, uint> pixel, bool topDown = false, uint[]? masks = null,
        int compression = 0, int colors = 0, bool old = false)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        int palette = bits <= 8 ? (colors == 0 ? 1 << bits : colors) : 0;
        int entry = old ? 3 : 4;
        int start = 14 + (old ? 12 : 40) + ((masks?.Length ?? 0) * 4) + (palette * entry);
        writer.Write("BM"u8);
        writer.Write(0);
        writer.Write(0);
        writer.Write(start);
        if (old)
        {
            writer.Write(12);
            Array.ForEach([Width, Height, 1, bits], field => writer.Write((ushort)field));
        }
        else
        {
            Array.ForEach([40, Width, topDown ? -Height : Height], writer.Write);
            writer.Write((ushort)1);
            writer.Write((ushort)bits);
            Array.ForEach([compression, 0, 0, 0, colors, 0], writer.Write);
        }
        Array.ForEach(masks ?? [], writer.Write);
        for (int i = 0; i < palette; i++)
        {
            (int r, int g, int b) = Color(i % 15);
            byte[] bgr = [(byte)b, (byte)g, (byte)r, 0];
            writer.Write(bgr[..entry]);
        }
        for (int row = 0; row < Height; row++)
        {
            WriteRow(writer, bits, pixel, topDown ? row : Height - 1 - row);
        }
        return stream.ToArray();
    }

    private static void WriteRow(BinaryWriter writer, int bits, Func<int, uint> pixel, int y)
    {
        var row = new byte[((Width * bits) + 31) / 32 * 4];
        for (int x = 0; x < Width; x++)
        {
            uint value = pixel((y * Width) + x);
            if (bits < 8)
            {
                int bit = x * bits;
                row[bit / 8] |= (byte)(value << (8 - bits - (bit % 8)));
            }
            for (int i = 0; i < bits / 8; i++)
            {
                row[(x * bits / 8) + i] = (byte)(value >> (8 * i));
            }
        }
        writer.Write(row);
    }

    private static void Check(byte[] bytes, Func<int, (int R, int G, int B)> expected)
    {
        Image image = ImageCodec.Decode(bytes, "a.bmp");
        Assert.Equal((Width, Height, 3), (image.Width, image.Height, image.Channels));
        Assert.Equal(
            Enumerable.Range(0, Width * Height).SelectMany(p =>
            {
                (int r, int g, int b) = expected(p);
                return new[] { (byte)r, (byte)g, (byte)b };
            }),
            image.Pixels);
        Assert.Equal(
            new ImageInfo("bmp", Width, Height, 3), ImageCodec.Identify(bytes, "a.bmp"));
        for (int i = 0; i < bytes.Length; i++)
        {
            Assert.Throws<DataException>(() => ImageCodec.Decode(bytes[..i], "cut.bmp"));
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(4, false)]
    [InlineData(8, false)]
    [InlineData(1, true)]
    [InlineData(4, true)]
    [InlineData(8, true)]
    public void Palettes(int bits, bool old)
    {
        int colors = Math.Min(1 << bits, 15);
        Check(Write(bits, p => (uint)(p % colors), old: old), p => Color(p % colors));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FullColors(bool topDown)
    {
        static uint Pixel(int p)
        {
            (int r, int g, int b) = Color(p);
            return (uint)((r << 16) | (g << 8) | b);
        }
        Check(Write(24, Pixel, topDown), Color);
        Check(Write(24, Pixel, old: true), Color);
        Check(Write(32, p => Pixel(p) | 0x40000000, topDown), Color);
        // The other order, by masks.
        uint[] masks = [0x000000FF, 0x0000FF00, 0x00FF0000];
        Check(Write(32, Pixel, topDown, masks, 3), p =>
        {
            (int r, int g, int b) = Color(p);
            return (b, g, r);
        });
    }

    [Fact]
    public void SixteenBits()
    {
        static int Wide(int value, int most) => ((value * 255) + (most / 2)) / most;
        uint Fives(int p) => (uint)((p << 10) | ((31 - p) << 5) | (2 * p));
        Check(Write(16, Fives), p => (Wide(p, 31), Wide(31 - p, 31), Wide(2 * p, 31)));
        uint Six(int p) => (uint)((p << 11) | ((63 - p) << 5) | (2 * p));
        Check(
            Write(16, Six, masks: [0xF800, 0x07E0, 0x001F], compression: 3),
            p => (Wide(p, 31), Wide(63 - p, 63), Wide(2 * p, 31)));
    }

    [Theory]
    [InlineData(8, 1, "run-length")]
    [InlineData(4, 2, "run-length")]
    [InlineData(24, 3, "24 bits and compression 3")]
    [InlineData(32, 5, "32 bits and compression 5")]
    [InlineData(2, 0, "2 bits and compression 0")]
    public void WhatIsNotReadIsRefusedByName(int bits, int compression, string message)
    {
        byte[] bytes = Write(bits, _ => 0, compression: compression);
        Assert.Contains(message, Assert.Throws<DataException>(
            () => ImageCodec.Decode(bytes, "a.bmp")).Message);
    }

    [Fact]
    public void WhatContradictsItselfIsRefused()
    {
        Assert.Contains("palette colour 9", Assert.Throws<DataException>(
            () => ImageCodec.Decode(Write(8, _ => 9, colors: 9), "a.bmp")).Message);
        byte[] masks = Write(16, _ => 0, masks: [0xF00F, 0, 0], compression: 3);
        Assert.Contains("mask 0000F00F", Assert.Throws<DataException>(
            () => ImageCodec.Decode(masks, "a.bmp")).Message);
    }

    [Fact]
    public void DamagedHeadersAreRefusedOrReadAndNeverCrash()
    {
        byte[] good = Write(16, p => (uint)p, masks: [0xF800, 0x07E0, 0x001F], compression: 3);
        for (int i = 0; i < 70 * 8; i++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[i / 8] ^= (byte)(1 << (i % 8));
            try
            {
                ImageCodec.Decode(bad, "bad.bmp");
            }
            catch (DataException error)
            {
                Assert.StartsWith("bad.bmp: ", error.Message);
            }
        }
    }
}
