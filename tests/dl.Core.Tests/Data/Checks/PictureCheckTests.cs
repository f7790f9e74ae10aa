// A folder of pictures for each finding, and none for a sound one.
using Dl.Data.Checks;
using Dl.Data.Images;

namespace Dl.Data.Tests.Checks;

public sealed class PictureCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PictureCheckTests()
    {
        foreach (string part in new[] { "train", "test" })
        {
            for (int i = 0; i < 6; i++)
            {
                int seed = i + (part == "test" ? 50 : 0);
                Put($"{part}/fox/{i}.pgm", MadePictures.Pgm(24, 24, seed));
                Put($"{part}/owl/{i}.pgm", MadePictures.Pgm(24, 24, seed + 10));
            }
        }
    }

    [Fact]
    public void ASoundFolderHasNoFindings() => Assert.Equal("", Check().ToString());

    [Theory]
    [InlineData("empty-file", "train/fox/e.png", "")]
    [InlineData("not-a-picture", "train/fox/e.png", "these are words and no pixels")]
    [InlineData("not-a-picture", "train/fox/e.gif", "GIF89a.............")]
    [InlineData("damaged-picture", "train/fox/e.pgm", "P5\n24 24\n255\nshort")]
    [InlineData("stray-file", "train/fox/Thumbs.db", "thumbs")]
    [InlineData("stray-file", "train/fox/.DS_Store", "store")]
    public void AFileThatIsNoPictureIsFound(string code, string file, string content)
    {
        Put(file, System.Text.Encoding.ASCII.GetBytes(content));
        Finding finding = Assert.Single(Check().All);
        Assert.Equal((code, _folder["d/" + file]), (finding.Kind.Code, finding.Place));
    }

    [Theory]
    [InlineData("wrong-extension", "train/fox/e.png", 99)]
    [InlineData("unseen-picture", "train/fox/e.dat", 99)]
    [InlineData("outside-class", "train/e.pgm", 99)]
    [InlineData("duplicate-picture", "train/fox/z.pgm", 3)]
    [InlineData("duplicate-across-parts", "test/fox/z.pgm", 3)]
    [InlineData("label-conflict", "train/owl/z.pgm", 3)]
    public void APictureThatDoesNotBelongIsFound(string code, string file, int seed)
    {
        Put(file, MadePictures.Pgm(24, 24, seed));
        Finding finding = Assert.Single(Check().All);
        Assert.Equal((code, _folder["d/" + file]), (finding.Kind.Code, finding.Place));
    }

    [Fact]
    public void EqualPixelsInAnotherFormatAreDuplicates()
    {
        Put("train/fox/z.png", MadePictures.Png(MadePictures.Image(24, 24, 3)));
        Assert.Contains(
            _folder["d/train/fox/3.pgm"], Assert.Single(Check()["duplicate-picture"]).Message);
    }

    [Fact]
    public void PicturesThatLookTheSameAreFoundOverParts()
    {
        Image image = MadePictures.Image(24, 24, 3);
        for (int i = 0; i < image.Pixels.Length; i += 5)
        {
            image.Pixels[i]++;
        }
        Put("test/fox/z.png", MadePictures.Png(image));
        Finding finding = Assert.Single(Check()["near-duplicate"]);
        Assert.Equal(Severity.Warning, finding.Severity);
        // Places come in the order train, test or the reverse; the pair counts.
        Assert.Contains("3.pgm", finding.ToString());
        Assert.Contains("z.png", finding.ToString());
    }

    [Fact]
    public void ShapesChannelsAndBlanksAreLookedAt()
    {
        Put("train/fox/blank.png", MadePictures.Png(new Image(24, 24, 1, new byte[24 * 24])));
        Put("train/fox/tiny.pgm", MadePictures.Pgm(4, 4, 70));
        Put("train/fox/long.pgm", MadePictures.Pgm(150, 24, 71));
        Put("train/fox/color.ppm", MadePictures.Ppm(24, 24, 72));
        Checked found = Check();
        Assert.EndsWith("blank.png", Assert.Single(found["blank-picture"]).Place);
        Assert.EndsWith("tiny.pgm", Assert.Single(found["tiny-picture"]).Place);
        Assert.EndsWith("long.pgm", Assert.Single(found["odd-aspect"]).Place);
        Assert.StartsWith(
            "27 grey, 1 colour", Assert.Single(found["mixed-channels"]).Message);
        Assert.StartsWith(
            "4 x 4 to 150 x 24 pixels", Assert.Single(found["mixed-sizes"]).Message);
    }

    [Fact]
    public void ClassesAreLookedAt()
    {
        Put("train/foxes/1.pgm", MadePictures.Pgm(24, 24, 80));
        Directory.CreateDirectory(_folder["d/train/newt"]);
        for (int i = 0; i < 30; i++)
        {
            Put($"train/owl/more{i}.pgm", MadePictures.Pgm(24, 24, 100 + i));
        }
        Checked found = Check();
        Assert.EndsWith("newt", Assert.Single(found["empty-class"]).Place);
        Assert.Contains(
            "'foxes' has no picture in test", Assert.Single(found["class-missing"]).Message);
        Assert.Contains("'owl' has 36", Assert.Single(found["class-imbalance"]).Message);
        Assert.Contains("'foxes' has 1", Assert.Single(found["rare-class"]).Message);
    }

    [Theory]
    [InlineData("cat", "Cat", true)]
    [InlineData("cat", "cats", true)]
    [InlineData("polar bear", "polar_bear", true)]
    [InlineData("sunflower", "sunflowr", true)]
    [InlineData("class1", "class2", false)]
    [InlineData("rose", "nose", false)]
    public void NamesOfClassesThatAreOneAreFound(string a, string b, bool alike)
    {
        for (int i = 0; i < 8; i++)
        {
            Put($"../e/{a}/{i}.pgm", MadePictures.Pgm(24, 24, i));
            Put($"../e/{b}/{i}.pgm", MadePictures.Pgm(24, 24, 20 + i));
        }
        Assert.Equal(alike, Checked.Of(_folder["e"]).Has("class-typo"));
    }

    [Fact]
    public void TablesOfPathsAreChecked()
    {
        _folder.Write(
            "d/list.csv", "path,label\ntrain/fox/1.pgm,fox\ntrain/owl/1.pgm,owl\n"
            + "train/fox/gone.pgm,fox\ntrain/fox/2.pgm,\ntrain/owl/2.pgm\n");
        Checked found = Checked.Of(_folder["d/list.csv"]);
        Assert.Contains("list.csv:4", Assert.Single(found["missing-file"]).Place);
        Assert.Contains("list.csv:5", Assert.Single(found["no-label"]).Place);
        Assert.Contains("list.csv:6", Assert.Single(found["bad-row"]).Place);
    }

    [Fact]
    public void ManyAlikePicturesTakeNoQuadraticTime()
    {
        // 20,000 of one look: whatever the order, each is held against a window of others.
        var facts = new PictureFact[20_000];
        for (int i = 0; i < facts.Length; i++)
        {
            var thumb = new byte[PictureFact.ThumbSize * PictureFact.ThumbSize];
            for (int j = 0; j < thumb.Length; j++)
            {
                thumb[j] = (byte)(CellHash.Mix((ulong)((i * 1000) + j)) % 256);
            }
            facts[i] = new PictureFact
            {
                Item = new ImageItem { Id = $"{i}", Where = $"{i}" },
                Class = "x",
                Pixels = (UInt128)i + 1,
                DHash = 0x0123456789ABCDEF,
                Thumb = thumb,
                Info = new ImageInfo("png", 24, 24, 1),
            };
        }
        Assert.InRange(PictureCopies.Look(facts, new Findings()), 1, 256L * facts.Length);
    }

    private void Put(string name, byte[] content) => _folder.Write("d/" + name, content);

    private Checked Check() => Checked.Of(_folder["d"]);

    public void Dispose() => _folder.Dispose();
}
