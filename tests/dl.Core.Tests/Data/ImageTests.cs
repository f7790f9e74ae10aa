using System.IO.Compression;
using System.Text.Json;
using Dl.Data.Images;

namespace Dl.Data.Tests;

public class ImageTests
{
    private static Image Random(int width, int height, int channels)
    {
        var pixels = new byte[width * height * channels];
        new Random(7).NextBytes(pixels);
        return new Image(width, height, channels, pixels);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 3, 1)]
    [InlineData(7, 9, 2)]
    [InlineData(33, 17, 3)]
    [InlineData(8, 8, 4)]
    public void PngIsReadAsWritten(int width, int height, int channels)
    {
        Image image = Random(width, height, channels);
        Image read = ImageCodec.Decode(PngWriter.Encode(image), "x.png");
        Assert.Equal((width, height, channels), (read.Width, read.Height, read.Channels));
        Assert.Equal(image.Pixels, read.Pixels);
    }

    [Fact]
    public void EveryDamagedByteOfAPngIsFound()
    {
        byte[] good = PngWriter.Encode(Random(6, 4, 3));
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[i] ^= 0x10;
            Assert.Throws<DataException>(() => ImageCodec.Decode(bad, "bad.png"));
            Assert.Throws<DataException>(() => ImageCodec.Decode(good[..i], "short.png"));
        }
    }

    [Fact]
    public void ABombIsRefusedBeforeItIsUnpacked()
    {
        byte[] png = PngWriter.Encode(new Image(1, 1, 1, [0]));
        // The header chunk starts at 8: length, type, then width and height, and its checksum at
        // 29.
        "\0\x0F\x42\x40\0\x0F\x42\x40"u8.ToArray().CopyTo(png, 16);
        uint crc = Crc32.Compute(png.AsSpan(12, 17));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), crc);
        var error = Assert.Throws<DataException>(() => ImageCodec.Decode(png, "bomb.png"));
        Assert.Contains("bomb.png: 1000000 x 1000000 pixels", error.Message);
        Assert.Throws<DataException>(() => ImageCodec.Identify(png, "bomb.png"));
    }

    [Fact]
    public void PixelsThatTheFileCannotHoldAreRefusedBeforeTheyAreAllocated()
    {
        byte[] png = PngWriter.Encode(new Image(1, 1, 1, [0]));
        "\0\0\x20\0\0\0\x20\0"u8.ToArray().CopyTo(png, 16);
        uint crc = Crc32.Compute(png.AsSpan(12, 17));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), crc);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<DataException>(() => ImageCodec.Decode(png, "empty.png"));
        Assert.Contains("empty.png: PNG of 8192 x 8192 pixels", error.Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    /// <summary>Deflate's best case, which is near the bound.</summary>
    [Fact]
    public void AnEmptyPictureIsRead()
    {
        var image = new Image(4000, 3000, 1, new byte[4000 * 3000]);
        Assert.Equal(image.Pixels, ImageCodec.Decode(PngWriter.Encode(image), "x.png").Pixels);
    }

    [SkippableFact]
    public void PngSuiteIsDecodedToTheLastPixel()
    {
        string folder = Shared.Data("pngsuite");
        int good = 0, refused = 0;
        foreach (string path in Directory.GetFiles(Path.Combine(folder, "png"), "*.png"))
        {
            byte[] bytes = File.ReadAllBytes(path);
            string name = Path.GetFileNameWithoutExtension(path);
            if (name[0] == 'x')
            {
                var error = Assert.Throws<DataException>(() => ImageCodec.Decode(bytes, name));
                Assert.Matches($"^{name}: .*PNG", error.Message);
                refused++;
                continue;
            }
            using JsonDocument document = JsonDocument.Parse(
                File.ReadAllBytes(Path.Combine(folder, "rgba", name + ".json")));
            int[] expected = [.. document.RootElement.EnumerateArray().Select(e => e.GetInt32())];
            bool wide = bytes[24] == 16;
            Image image = ImageCodec.Decode(bytes, name);
            Assert.Equal(expected.Length, image.Width * image.Height * 4);
            ImageInfo info = ImageCodec.Identify(bytes, name);
            Assert.Equal((image.Width, image.Height), (info.Width, info.Height));
            for (int i = 0; i < image.Width * image.Height; i++)
            {
                (int r, int g, int b, int a) = Rgba(image, i);
                int shift = wide ? 8 : 0;
                Assert.True(
                    (r, g, b, a) == (
                        expected[4 * i] >> shift, expected[(4 * i) + 1] >> shift,
                        expected[(4 * i) + 2] >> shift, expected[(4 * i) + 3] >> shift),
                    $"{name}, pixel {i}: {(r, g, b, a)}");
            }
            good++;
        }
        Assert.True(good >= 100 && refused >= 9, $"{good} good, {refused} refused");
    }

    [Fact]
    public void PnmInTextAndBinary()
    {
        Image text = ImageCodec.Decode("P2\n# grey\n3 2\n15\n0 5 10 15 1 2\n"u8.ToArray(), "a.pgm");
        Assert.Equal([0, 85, 170, 255, 17, 34], text.Pixels);
        Image color = ImageCodec.Decode("P6 1 1 255\n\x01\x02\x03"u8.ToArray(), "a.ppm");
        Assert.Equal((3, 1), (color.Channels, color.Width));
        Assert.Equal([1, 2, 3], color.Pixels);
        Image bits = ImageCodec.Decode([.. "P4 10 1\n"u8, 0b1010_0000, 0b0100_0000], "a.pbm");
        Assert.Equal([0, 255, 0, 255, 255, 255, 255, 255, 255, 0], bits.Pixels);
        Image plain = ImageCodec.Decode("P1 3 1 101"u8.ToArray(), "a.pbm");
        Assert.Equal([0, 255, 0], plain.Pixels);
        Assert.Throws<DataException>(
            () => ImageCodec.Decode("P5 9 9 255\nabc"u8.ToArray(), "s.pgm"));
        Assert.Throws<DataException>(
            () => ImageCodec.Decode("P5 99999999 99999999 255\n"u8.ToArray(), "b.pgm"));
    }

    [Fact]
    public void PnmOfSixteenBits()
    {
        byte[] grey = [.. "P5 3 1 65535\n"u8, 0, 0, 0x80, 0x80, 0xFF, 0xFF];
        Assert.Equal([0, 128, 255], ImageCodec.Decode(grey, "a.pgm").Pixels);
        // 12 bits in 16, as cameras and scanners write them.
        byte[] color = [.. "P6 1 1 4095\n"u8, 0x0F, 0xFF, 0x08, 0x08, 0, 0];
        Assert.Equal([255, 128, 0], ImageCodec.Decode(color, "a.ppm").Pixels);
        Image text = ImageCodec.Decode("P3 1 1 65535 65535 257 0"u8.ToArray(), "a.ppm");
        Assert.Equal([255, 1, 0], text.Pixels);
        Assert.Contains("PNM with 6 bytes of pixels, expected 7", Assert.Throws<DataException>(
            () => ImageCodec.Decode(grey[..^1], "a.pgm")).Message);
        Assert.Contains("greatest sample 65536", Assert.Throws<DataException>(
            () => ImageCodec.Decode("P5 1 1 65536\n  "u8.ToArray(), "a.pgm")).Message);
    }

    [Fact]
    public void OtherFormatsAreRefusedByName()
    {
        Assert.Contains("GIF", Assert.Throws<DataException>(
            () => ImageCodec.Decode("GIF89a......"u8.ToArray(), "a.gif")).Message);
        Assert.Contains("a.png: not a picture", Assert.Throws<DataException>(
            () => ImageCodec.Decode("hello world!"u8.ToArray(), "a.png")).Message);
        Assert.Contains("an empty file", Assert.Throws<DataException>(
            () => ImageCodec.Decode([], "a.png")).Message);
    }

    [Fact]
    public void ChannelsAreConverted()
    {
        Image grey = Resize.ToChannels(new Image(2, 1, 3, [255, 0, 0, 10, 10, 10]), 1);
        Assert.Equal([76, 10], grey.Pixels);
        Image color = Resize.ToChannels(new Image(1, 1, 2, [0, 0]), 3);
        Assert.Equal([255, 255, 255], color.Pixels);
    }

    private static (int R, int G, int B, int A) Rgba(Image image, int pixel)
    {
        ReadOnlySpan<byte> p = image.Pixels.AsSpan(pixel * image.Channels, image.Channels);
        return image.Channels switch
        {
            1 => (p[0], p[0], p[0], 255),
            2 => (p[0], p[0], p[0], p[1]),
            3 => (p[0], p[1], p[2], 255),
            _ => (p[0], p[1], p[2], p[3]),
        };
    }
}
