// The conformance runner on corpora made here: each rule of docs/conformance.md gives its verdict.
using Dl.Data.Images;
using Dl.Data.Tests;
using Dl.Tests.Fuzzing;

namespace Dl.Conformance.Tests;

public sealed class CorpusTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static readonly Image Grey = new(2, 1, 1, [10, 200]);

    public void Dispose() => _folder.Dispose();

    private Result Judge(string path) =>
        Assert.Single(new Corpus(_folder.Root, null).Results(), r => r.Path == path);

    [Theory]
    [InlineData("[10,10,10,255,200,200,200,255]", "Ok")]
    [InlineData("[10,10,10,255,200,200,201,255]", "Wrong")]
    [InlineData("[10,10,10,255]", "Wrong")]
    public void APngIsComparedWithThePixelsOfTheSuite(string pixels, string verdict)
    {
        _folder.Write("png/a.png", PngWriter.Encode(Grey));
        _folder.Write("rgba/a.json", pixels);
        Assert.Equal(verdict, Judge("png/a.png").Verdict.ToString());
    }

    [Fact]
    public void CorruptFilesMustBeRefused()
    {
        byte[] png = PngWriter.Encode(Grey);
        _folder.Write("png/x-good.png", png);
        _folder.Write("png/x-bad.png", png[..^5]);
        _folder.Write("rgba/y.json", "[]");
        _folder.Write("corrupt/a.png", png);
        Assert.Equal(Verdict.Wrong, Judge("png/x-good.png").Verdict);
        Assert.Equal(Verdict.Refused, Judge("png/x-bad.png").Verdict);
        Assert.Equal(Verdict.Wrong, Judge("corrupt/a.png").Verdict);
    }

    [Fact]
    public void NamesOfFoldersAndAManifestSayWhatIsExpected()
    {
        byte[] png = PngWriter.Encode(Grey);
        _folder.Write("bad_data/a.png", png);
        _folder.Write("bad_data/b.png", png);
        _folder.Write("bad_data/expect.tsv", "b.png\trefuse\n");
        _folder.Write("x.png", png);
        _folder.Write("damaged/c.png", png[..20]);
        Assert.Equal(Verdict.Survived, Judge("bad_data/a.png").Verdict);
        Assert.Equal(Verdict.Wrong, Judge("bad_data/b.png").Verdict);
        Assert.Equal(Verdict.Read, Judge("x.png").Verdict);
        Result refused = Judge("damaged/c.png");
        Assert.Equal(Verdict.Refused, refused.Verdict);
        Assert.StartsWith("PNG chunk is longer than the file", refused.Text);
    }

    [SkippableFact]
    public void AJpegMayDifferFromItsReferenceByTwoLevels()
    {
        byte[] jpeg = JpegMaker.Make(16, 16, 1);
        Image image;
        try
        {
            image = ImageCodec.Decode(jpeg, "a.jpg");
        }
        catch (DlException error) when (error is not DataException)
        {
            Skip.If(true, error.Message);
            throw;
        }
        foreach ((int levels, Verdict verdict) in new[] { (2, Verdict.Ok), (3, Verdict.Wrong) })
        {
            byte[] other = Array.ConvertAll(
                image.Pixels, p => (byte)(p + levels < 256 ? p + levels : p - levels));
            _folder.Write("a.jpg", jpeg);
            _folder.Write("a.png", PngWriter.Encode(image with { Pixels = other }));
            Assert.Equal(verdict, Judge("a.jpg").Verdict);
        }
    }

    [Fact]
    public void PicturesOfOneSceneAreComparedWithTheFirst()
    {
        _folder.Write("orientation/a.png", PngWriter.Encode(Grey));
        _folder.Write("orientation/b.png", PngWriter.Encode(Grey));
        _folder.Write(
            "orientation/c.png", PngWriter.Encode(Grey with { Pixels = [200, 10] }));
        Assert.Equal(Verdict.Read, Judge("orientation/a.png").Verdict);
        Assert.Equal(Verdict.Ok, Judge("orientation/b.png").Verdict);
        Assert.Equal(Verdict.Wrong, Judge("orientation/c.png").Verdict);
    }

    [SkippableFact]
    public void TablesAreComparedWithTheirCells()
    {
        string source = Shared.Data("parquet-testing", "data", "delta_binary_packed.parquet");
        string csv = File.ReadAllText(source.Replace(".parquet", "_expect.csv"));
        _folder.Write("a.parquet", File.ReadAllBytes(source));
        _folder.Write("bad/b.parquet", File.ReadAllBytes(source)[..^7]);
        Assert.Equal(Verdict.Read, Judge("a.parquet").Verdict);
        Assert.Equal(Verdict.Refused, Judge("bad/b.parquet").Verdict);
        _folder.Write("a_expect.csv", csv);
        Assert.Equal(Verdict.Ok, Judge("a.parquet").Verdict);
        _folder.Write("a_expect.csv", csv.TrimEnd()[..^1] + "x\n");
        Assert.Equal(Verdict.Wrong, Judge("a.parquet").Verdict);
        _folder.Write("a_expect.csv", csv + csv[csv.TrimEnd().LastIndexOf('\n')..]);
        Assert.Contains("the reference has more", Judge("a.parquet").Text);
    }
}
