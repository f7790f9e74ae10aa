// Folders of pictures as they are found: what is listed, in which order, and what is passed over.
using Dl.Data.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public sealed class PictureFolderTests : IDisposable
{
    private static readonly byte[] Picture = PngWriter.Encode(new Image(2, 2, 1, [1, 2, 3, 4]));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string[] Names() => [.. PictureFolder.Names(_folder.Root)];

    private void Write(params string[] names)
    {
        foreach (string name in names)
        {
            _folder.Write(name, Picture);
        }
    }

    private void Link(string name, string target) =>
        Directory.CreateSymbolicLink(_folder[name], target);

    [Fact]
    public void NamesComeInTheOrderOfTheWholeName()
    {
        Write("b.png", "a/x.png", "a-b.png", "a.png", "a/b/c.png", "a0.png", "B.png");
        string[] names = Names();
        Assert.Equal(7, names.Length);
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
    }

    [Fact]
    public void EndingsDecideAndWhatIsHiddenIsPassedOver()
    {
        Write(
            "a.JPG", "b.Png", "c.jfif", "d.txt", "noending", ".e.png", ".git/f.png",
            "__MACOSX/._a.jpg", "__MACOSX/g.png", "x.png/h.png", "-i.png", "new\nline.png");
        Assert.Equal(
            ["-i.png", "a.JPG", "b.Png", "c.jfif", "new\nline.png", "x.png/h.png"], Names());
    }

    [SkippableFact]
    public void LinksAreFollowedButNotInCircles()
    {
        Skip.If(OperatingSystem.IsWindows(), "links need rights on Windows");
        Write("data/cat/1.png", "elsewhere/2.png", "data/dog/3.png");
        Link("data/cat/more", _folder["elsewhere"]);
        Link("elsewhere/back", _folder["data"]);
        Link("data/dog/self", ".");
        File.CreateSymbolicLink(_folder["data/dog/4.png"], "3.png");
        Link("entry", "data");
        string[] expected = ["cat/1.png", "cat/more/2.png", "dog/3.png", "dog/4.png"];
        Assert.Equal(expected, PictureFolder.Names(_folder["data"]));
        Assert.Equal(expected, PictureFolder.Names(_folder["entry"]));
    }

    [Fact]
    public void PlainRestsOfAnArchiveAreNoClass()
    {
        Write("cat/1.png", "dog/2.png", "__MACOSX/cat/3.png", ".cache/4.png");
        Directory.CreateDirectory(_folder["empty"]);
        Assert.Equal(["cat", "dog"], Layout.ClassFolders(_folder.Root));
        TrainingData data = TrainingData.Open(
            new DataOptions { Inputs = [_folder.Root] }, NullLogger.Instance);
        Assert.Equal(2, data.Describe().Rows);
    }

    [SkippableFact]
    public void ANameThatIsNoUtf8IsNamed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems refuse such names");
        Write("cat/1.png", "dog/2.png");
        Shell("cp cat/1.png cat/$'\\xff.png'");
        var error = Assert.Throws<DataException>(() => TrainingData.Open(
            new DataOptions { Inputs = [_folder.Root] }, NullLogger.Instance));
        Assert.EndsWith(
            ".png: the name is not UTF-8, so the file cannot be opened; rename it", error.Message);
        TrainingData data = TrainingData.Open(
            new DataOptions { Inputs = [_folder.Root], SkipBad = true }, NullLogger.Instance);
        Assert.Equal(2, data.Describe().Rows);
        // Nor could the folder be deleted with it.
        Shell("rm cat/$'\\xff.png'");
    }

    private void Shell(string command)
    {
        using var shell = System.Diagnostics.Process.Start(
            "bash", ["-c", $"cd '{_folder.Root}' && {command}"]);
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    [Fact]
    public void AFileThatGoesAwayIsNamed()
    {
        Write("1.png");
        ImageItem item = Assert.Single(ImageListing.List(
            new Place(_folder.Root, Part.Train, PlaceKind.Pictures), []));
        File.Delete(_folder["1.png"]);
        Assert.Contains(
            "1.png: no such file",
            Assert.Throws<DataException>(() => item.Identify()).Message);
        Assert.Contains(
            "1.png: no such file",
            Assert.Throws<DataException>(() => item.Load(2, 2, 1, new byte[4])).Message);
    }

    [Fact]
    public void AFolderThatGoesAwayIsNamed()
    {
        Write("a/1.png", "b/2.png");
        using IEnumerator<string> names = PictureFolder.Names(_folder.Root).GetEnumerator();
        Assert.True(names.MoveNext());
        Directory.Delete(_folder["b"], recursive: true);
        var error = Assert.Throws<DataException>(() => names.MoveNext());
        Assert.StartsWith($"{_folder["b"]}: cannot be read", error.Message);
    }

    /// <summary>Some headers stand behind the first block, or tell of turning at the end.</summary>
    [Fact]
    public void AHeaderIsFoundBehindALongSegment()
    {
        byte[] jpeg = Dl.Tests.Fuzzing.JpegMaker.Make(24, 16, 1);
        byte[] segment = [0xFF, 0xE2, 0x40, 0x00, .. new byte[0x3FFE]];
        foreach (int times in new[] { 0, 1, 5 })
        {
            IEnumerable<byte> bytes = jpeg[..2];
            for (int i = 0; i < times; i++)
            {
                bytes = bytes.Concat(segment);
            }
            string path = _folder.Write("a.jpg", [.. bytes, .. jpeg[2..]]);
            var item = new ImageItem { Id = "a", Where = path, File = path };
            ImageInfo info = item.Identify();
            Assert.Equal((24, 16), (info.Width, info.Height));
            Assert.Equal(new FileInfo(path).Length, item.Length);
        }
    }

    [Theory]
    [InlineData("GIF89a......", "a GIF picture, which is not read")]
    [InlineData("II*\0........", "a TIFF picture")]
    [InlineData("\0\0\0 ftypavif....", "a HEIF or AVIF picture")]
    [InlineData("", "an empty file")]
    public void OtherPicturesAreRefusedByName(string content, string message)
    {
        Write("cat/1.png", "dog/2.png");
        _folder.Write("cat/odd.gif", System.Text.Encoding.Latin1.GetBytes(content));
        var error = Assert.Throws<DataException>(() => TrainingData.Open(
            new DataOptions { Inputs = [_folder.Root] }, NullLogger.Instance));
        Assert.Contains($"odd.gif: {message}", error.Message);
        Assert.EndsWith("convert it", error.Message);
    }
}
