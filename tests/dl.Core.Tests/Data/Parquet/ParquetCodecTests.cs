// Codecs and encodings against bytes that were put together by hand after their descriptions, or
// made by the runtime's own compressors.
using System.IO.Compression;
using System.Text;
using Dl.Data.Formats.Parquet;
using Dl.Data.Images;

namespace Dl.Data.Tests;

public sealed class ParquetCodecTests
{
    private static readonly byte[] Repeated = Encoding.ASCII.GetBytes("abcdabcdabcdabcdXY");

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.ASCII.GetString(bytes.Span);

    [Fact]
    public void SnappyCopiesMayOverlapWhatTheyWrite()
    {
        // Length 18; a literal of 4; a copy of 4 from 4 before, of 8 (two-byte offset); XY.
        byte[] bytes =
        [
            18, 3 << 2, .. "abcd"u8, 1, 4, (7 << 2) | 2, 4, 0, 1 << 2, .. "XY"u8,
        ];
        Assert.Equal(Repeated, Decompressor.Decompress(Codec.Snappy, bytes, 18).ToArray());
    }

    [Fact]
    public void SnappyLiteralsMayHaveTheirLengthBehindTheTag()
    {
        byte[] content = Encoding.ASCII.GetBytes(new string('q', 300));
        byte[] bytes = [0xAC, 2, 61 << 2, 0x2B, 1, .. content];
        Assert.Equal(content, Decompressor.Decompress(Codec.Snappy, bytes, 300).ToArray());
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 4, 12, 97, 97 })]
    [InlineData(new byte[] { 4, 1, 1 })]
    [InlineData(new byte[] { 4, 0, 97, 1, 0 })]
    [InlineData(new byte[] { 4, 0, 97, 0xFE, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 15, 0, 97 })]
    [InlineData(new byte[] { 4, 252, 255, 255, 255, 255, 97 })]
    public void DamagedSnappyIsRefused(byte[] bytes) =>
        Assert.Throws<InvalidDataException>(
            () => Decompressor.Decompress(Codec.Snappy, bytes, 4));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Lz4ComesBareAndInHadoopsFrames(bool framed)
    {
        // A literal of 4 with a copy of 12 (4 + 8) from 4 before; a last literal of 2.
        byte[] block = [0x48, .. "abcd"u8, 4, 0, 0x20, .. "XY"u8];
        byte[] frame = [0, 0, 0, 18, 0, 0, 0, (byte)block.Length, .. block];
        byte[] bytes = framed ? frame : block;
        Assert.Equal(Repeated, Decompressor.Decompress(Codec.Lz4, bytes, 18).ToArray());
        if (!framed)
        {
            Assert.Equal(Repeated, Decompressor.Decompress(Codec.Lz4Raw, bytes, 18).ToArray());
        }
    }

    [Theory]
    [InlineData(new byte[] { 0xF0 })]
    [InlineData(new byte[] { 0xF0, 255, 255 })]
    [InlineData(new byte[] { 0x10, 97, 9, 0 })]
    [InlineData(new byte[] { 0x10, 97, 0, 0 })]
    [InlineData(new byte[] { 0x1F, 97, 1, 0, 255, 255, 0 })]
    [InlineData(new byte[] { 0x10, 97, 1 })]
    public void DamagedLz4IsRefused(byte[] bytes)
    {
        Assert.Throws<InvalidDataException>(
            () => Decompressor.Decompress(Codec.Lz4Raw, bytes, 16));
        Assert.Throws<InvalidDataException>(() => Decompressor.Decompress(Codec.Lz4, bytes, 16));
    }

    [Fact]
    public void ChecksumsAreTheSameInOnePieceAndByteByByte()
    {
        // The check value of the algorithm's definition.
        Assert.Equal(0xCBF43926, Crc32.Compute("123456789"u8));
        var bytes = new byte[100];
        new Random(3).NextBytes(bytes);
        for (int length = 0; length <= bytes.Length; length++)
        {
            uint single = 0;
            for (int i = 0; i < length; i++)
            {
                single = Crc32.Compute(bytes.AsSpan(i, 1), single);
            }
            Assert.Equal(single, Crc32.Compute(bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void GzipAndBrotliAreTheRuntimes()
    {
        byte[] gzip = Compressed(s => new GZipStream(s, CompressionMode.Compress));
        byte[] brotli = Compressed(s => new BrotliStream(s, CompressionMode.Compress));
        (Codec, byte[])[] both = [(Codec.Gzip, gzip), (Codec.Brotli, brotli)];
        foreach ((Codec codec, byte[] bytes) in both)
        {
            Assert.Equal(Repeated, Decompressor.Decompress(codec, bytes, 18).ToArray());
            foreach (int wrong in new[] { 0, 17, 19 })
            {
                Assert.Throws<InvalidDataException>(
                    () => Decompressor.Decompress(codec, bytes, wrong));
            }
            Assert.Throws<InvalidDataException>(
                () => Decompressor.Decompress(codec, bytes.AsMemory(0, bytes.Length - 1), 18));
        }
        // Two members, as some writers join them.
        Assert.Equal(
            36, Decompressor.Decompress(Codec.Gzip, (byte[])[.. gzip, .. gzip], 36).Length);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void SizesThatCannotBeAreRefusedBeforeTheyAreAllocated(int size)
    {
        foreach (Codec codec in Enum.GetValues<Codec>())
        {
            Assert.Throws<InvalidDataException>(
                () => Decompressor.Decompress(codec, new byte[10], size));
        }
    }

    [Fact]
    public void CodecsThatAreNotHereAreNamed()
    {
        var lzo = Assert.Throws<NotSupportedException>(
            () => Decompressor.Decompress(Codec.Lzo, new byte[4], 4));
        Assert.Equal("Lzo compression", lzo.Message);
        var unknown = Assert.Throws<NotSupportedException>(
            () => Decompressor.Decompress((Codec)42, new byte[4], 4));
        Assert.Equal("compression 42", unknown.Message);
    }

    [Fact]
    public void DeltasOfTheFormatsOwnExample()
    {
        // 7, 5, 3, 1, 2, 3, 4, 5 of the format's description, in blocks of 8 and one miniblock:
        // first 7; least delta -2; widths 2; deltas above it 0 0 0 3 3 3 3.
        byte[] bytes = [8, 1, 8, 14, 3, 2, 0b11000000, 0b00111111, 99];
        var values = new long[8];
        Assert.Equal(8, DeltaDecoder.Read(bytes, values));
        Assert.Equal([7, 5, 3, 1, 2, 3, 4, 5], values);
        for (int length = 0; length < 8; length++)
        {
            Assert.Throws<InvalidDataException>(
                () => DeltaDecoder.Read(bytes.AsSpan(0, length), new long[8]));
        }
    }

    [Fact]
    public void TextsShareTheirBeginnings()
    {
        // axis, axle, babble, babyhood: prefixes 0 2 0 3, suffix lengths 4 2 6 5. Their deltas are
        // 2 -2 3 and -2 4 -1; above the least, -2, they are 4 0 5 and 0 6 1, three bits each.
        byte[] bytes =
        [
            8, 1, 4, 0, 3, 3, 0b01_000_100, 0b1, 0,
            8, 1, 4, 8, 3, 3, 0b01_110_000, 0b0, 0,
            .. "axislebabbleyhood"u8,
        ];
        var values = new ReadOnlyMemory<byte>[4];
        DeltaDecoder.ReadPrefixed(bytes, values, 1000);
        Assert.Equal(["axis", "axle", "babble", "babyhood"], values.Select(Text));
    }

    [Theory]
    [InlineData(new byte[] { 6, 7 }, 1, new[] { 1, 1, 1 }, false)]
    [InlineData(new byte[] { 6, 7, 3, 0b10 }, 3, new[] { 7, 7, 7, 2, 0 }, true)]
    [InlineData(new byte[] { 4 }, 0, new[] { 0, 0 }, true)]
    [InlineData(new byte[] { 3, 0x88, 0xC6, 0xFA }, 3, new[] { 0, 1, 2, 3, 4, 5, 6, 7 }, true)]
    [InlineData(new byte[] { 2, 1, 2, 3, 4 }, 32, new[] { 0x04030201 }, true)]
    public void RunsAndPackedGroupsFollowOneAnother(
        byte[] bytes, int width, int[] expected, bool exact)
    {
        var values = new int[expected.Length];
        new HybridDecoder(bytes, width).Read(values);
        Assert.Equal(expected, exact ? values : [.. values.Select(v => v & 1)]);
    }

    private static byte[] Compressed(Func<Stream, Stream> open)
    {
        var target = new MemoryStream();
        using (Stream stream = open(target))
        {
            stream.Write(Repeated);
        }
        return target.ToArray();
    }
}
