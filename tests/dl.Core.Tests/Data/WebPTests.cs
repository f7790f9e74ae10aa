// WebP goes through a native library, whose encoder writes the fixtures; where it is not installed
// these tests are skipped.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dl.Data.Images;

namespace Dl.Data.Tests;

public class WebPTests
{
    private delegate nuint EncodeLossless(
        byte[] pixels, int width, int height, int stride, out nint output);

    private delegate nuint EncodeLossy(
        byte[] pixels, int width, int height, int stride, float quality, out nint output);

    private delegate void Free(nint output);

    /// <summary>A gradient, every pixel another colour; alpha from 100 up.</summary>
    internal static Image Gradient(int width, int height, int channels)
    {
        var pixels = new byte[width * height * channels];
        for (int i = 0; i < width * height; i++)
        {
            (int y, int x) = Math.DivRem(i, width);
            byte[] rgba = [(byte)(x * 5), (byte)(y * 7), (byte)(x + y), (byte)(100 + x + y)];
            rgba[..channels].CopyTo(pixels, i * channels);
        }
        return new Image(width, height, channels, pixels);
    }

    internal static byte[] Encode(Image image, bool lossy = false)
    {
        string[] names = ["libwebp.so.7", "libwebp.7.dylib", "libwebp.dll"];
        nint library = 0;
        Skip.IfNot(
            Array.Exists(names, n => NativeLibrary.TryLoad(n, out library)),
            "the library libwebp is not installed");
        string suffix = image.Channels == 4 ? "RGBA" : "RGB";
        int stride = image.Width * image.Channels;
        nint output;
        nuint size = lossy
            ? Function<EncodeLossy>(library, "WebPEncode" + suffix)(
                image.Pixels, image.Width, image.Height, stride, 95, out output)
            : Function<EncodeLossless>(library, "WebPEncodeLossless" + suffix)(
                image.Pixels, image.Width, image.Height, stride, out output);
        var bytes = new byte[size];
        Marshal.Copy(output, bytes, 0, bytes.Length);
        Function<Free>(library, "WebPFree")(output);
        return bytes;
    }

    private static T Function<T>(nint library, string name)
        where T : Delegate =>
        Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library, name));

    /// <summary>The chunks of a simple file behind an extended header.</summary>
    private static byte[] Extend(byte[] simple, Image image, int flags, params byte[][] more)
    {
        byte[] size = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(size, image.Width - 1);
        BinaryPrimitives.WriteInt32LittleEndian(size.AsSpan(3), image.Height - 1);
        byte[] body =
        [
            .. "WEBPVP8X"u8, 10, 0, 0, 0, (byte)flags, 0, 0, 0, .. size[..6], .. simple[12..],
            .. more.SelectMany(m => m),
        ];
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, body.Length);
        return [.. "RIFF"u8, .. length, .. body];
    }

    [SkippableTheory]
    [InlineData(1, 1, 3)]
    [InlineData(33, 17, 3)]
    [InlineData(20, 31, 4)]
    public void LosslessIsReadAsWritten(int width, int height, int channels)
    {
        Image image = Gradient(width, height, channels);
        byte[] bytes = Encode(image);
        Image read = ImageCodec.Decode(bytes, "x.webp");
        Assert.Equal((width, height, channels), (read.Width, read.Height, read.Channels));
        Assert.Equal(image.Pixels, read.Pixels);
        Assert.Equal(
            new ImageInfo("webp", width, height, 3), ImageCodec.Identify(bytes, "x.webp"));
    }

    [SkippableTheory]
    [InlineData(3)]
    [InlineData(4)]
    public void LossyComesNear(int channels)
    {
        Image image = Gradient(40, 24, channels);
        byte[] bytes = Encode(image, lossy: true);
        Image read = ImageCodec.Decode(bytes, "x.webp");
        Assert.Equal((40, 24, channels), (read.Width, read.Height, read.Channels));
        double difference = image.Pixels.Zip(read.Pixels, (a, b) => Math.Abs(a - b)).Average();
        Assert.True(difference < 4, $"off by {difference:F2}");
        ImageInfo info = ImageCodec.Identify(bytes, "x.webp");
        Assert.Equal((40, 24), (info.Width, info.Height));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void OrientationIsHonoured(bool prefix)
    {
        Image image = Gradient(12, 5, 3);
        // One directory at 8 with one entry: orientation 6, the top is on the right.
        byte[] tiff = [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];
        byte[] exif = prefix ? [.. "Exif\0\0"u8, .. tiff] : tiff;
        byte[] chunk = [.. "EXIF"u8, (byte)exif.Length, 0, 0, 0, .. exif];
        byte[] bytes = Extend(Encode(image), image, 0x08, chunk);
        ImageInfo info = ImageCodec.Identify(bytes, "x.webp");
        Assert.Equal((5, 12), info.Upright);
        Image read = ImageCodec.Decode(bytes, "x.webp");
        Assert.Equal((5, 12), (read.Width, read.Height));
        Assert.Equal(Exif.Upright(image, 6).Pixels, read.Pixels);
        // Whether it is turned cannot be told from a part of the file.
        Assert.Throws<DataException>(() => ImageCodec.Identify(bytes[..^1], "x.webp"));
    }

    [SkippableFact]
    public void EveryCutOffFileIsRefused()
    {
        foreach (bool lossy in new[] { false, true })
        {
            byte[] good = Encode(Gradient(20, 31, 4), lossy);
            for (int i = 0; i < good.Length; i++)
            {
                var error = Assert.Throws<DataException>(
                    () => ImageCodec.Decode(good[..i], "cut.webp"));
                Assert.StartsWith("cut.webp: ", error.Message);
            }
        }
    }

    [SkippableFact]
    public void DamagedFilesAreRefusedOrDecodedAndNeverCrash()
    {
        var random = new Random(5);
        foreach (bool lossy in new[] { false, true })
        {
            byte[] good = Encode(Gradient(20, 31, 4), lossy);
            for (int i = 0; i < 2000; i++)
            {
                byte[] bad = (byte[])good.Clone();
                bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
                try
                {
                    ImageCodec.Decode(bad, "bad.webp");
                }
                catch (DataException error)
                {
                    Assert.StartsWith("bad.webp: ", error.Message);
                }
            }
        }
    }

    [Fact]
    public void ABombIsRefusedByItsHeader()
    {
        byte[] lossless =
            [.. "RIFF"u8, 22, 0, 0, 0, .. "WEBPVP8L"u8, 10, 0, 0, 0, 0x2F, .. new byte[9]];
        BinaryPrimitives.WriteUInt32LittleEndian(lossless.AsSpan(21), 0x0FFFFFFF);
        byte[] extended = Extend(lossless, new Image(1 << 24, 1 << 24, 3, []), 0);
        foreach (byte[] bytes in new[] { lossless, extended })
        {
            Assert.Contains("expected at most", Assert.Throws<DataException>(
                () => ImageCodec.Decode(bytes, "bomb.webp")).Message);
            Assert.Throws<DataException>(() => ImageCodec.Identify(bytes, "bomb.webp"));
        }
    }

    [Fact]
    public void AnimationsAreRefusedByName()
    {
        byte[] bytes = [.. "RIFF"u8, 22, 0, 0, 0, .. "WEBPVP8X"u8, 10, 0, 0, 0, 2, .. new byte[9]];
        Assert.Contains("a.webp: an animated WebP", Assert.Throws<DataException>(
            () => ImageCodec.Decode(bytes, "a.webp")).Message);
    }
}
