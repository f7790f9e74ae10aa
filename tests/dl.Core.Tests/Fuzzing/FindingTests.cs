// What damaged inputs have brought to light, each as the smallest one that shows it.
using System.Buffers.Binary;
using Dl.Data.Formats;
using Dl.Data.Images;
using Dl.Models;
using Dl.Tests.Files;

namespace Dl.Tests.Fuzzing;

public sealed class FindingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void APngAllocatesNoMoreThanItsDataCanFill()
    {
        byte[] png = PngWriter.Encode(new Image(1, 1, 3, [1, 2, 3]));
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 13_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 13_000);
        Refused(PictureSeeds.RepairPng(png), "PNG of 13000 x 13000 pixels with");
    }

    [SkippableTheory]
    [InlineData(0xC0)]
    [InlineData(0xC9)]
    public void AJpegAllocatesNoMoreThanItsDataCanFill(byte marker)
    {
        byte[] jpeg = JpegMaker.Make(8, 8, 1);
        int frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        jpeg[frame + 1] = marker;
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 5), 13_000);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 7), 13_000);
        try
        {
            Refused(jpeg, "JPEG of 13000 x 13000 pixels in");
        }
        catch (DlException error) when (error is not DataException)
        {
            Skip.If(true, error.Message);
        }
    }

    /// <summary>zlib reports that it needs a dictionary in another way than damage.</summary>
    [Fact]
    public void APngWhoseDataNeedADictionaryIsDamaged()
    {
        byte[] png = PngWriter.Encode(new Image(1, 1, 1, [7]));
        int data = png.AsSpan().IndexOf("IDAT"u8) + 4;
        BinaryPrimitives.WriteUInt16BigEndian(png.AsSpan(data), 0x78BB);
        Refused(PictureSeeds.RepairPng(png), "the picture is damaged");
    }

    [Fact]
    public void GzipThatIsDamagedAtItsStartIsBadData()
    {
        string path = _folder.File("t.csv.gz");
        File.WriteAllBytes(path, [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF]);
        var error = Assert.Throws<DataException>(
            () => new DelimitedReader(InputFile.Open(path), path, streaming: false));
        Assert.StartsWith($"{path}: the gzip data are damaged", error.Message);
    }

    [Theory]
    [InlineData("""{"layers": [{"type": "dense", "name": "\ud800", "units": 0}]}""")]
    [InlineData("""{"\udc00": 1}""")]
    public void HalfASurrogatePairInAGraphFileIsRefused(string text)
    {
        string path = _folder.File("g.json");
        File.WriteAllText(path, text);
        var error = Assert.Throws<UsageException>(() => GraphJson.Read(path));
        Assert.StartsWith(path, error.Message);
    }

    private static void Refused(byte[] bytes, string why)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<DataException>(() => ImageCodec.Decode(bytes, "p"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.StartsWith($"p: {why}", error.Message);
    }
}
