// What --fix writes is free of the errors it mends, and nothing else is changed.
using System.Text;
using Dl.Data.Checks;
using Dl.Files;

namespace Dl.Data.Tests.Checks;

public sealed class FixTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private FixResult Fix(DataOptions options, string output)
    {
        DataFix? fix = DataCheck.RunToFix(options, new Findings(), output, CancellationToken.None);
        return fix!.Write(AtomicFile.Write, AtomicFile.WriteFolder, CancellationToken.None);
    }

    private FixResult Fix(string input, string output) =>
        Fix(new DataOptions { Inputs = [input] }, output);

    private static List<string> Broken()
    {
        List<string> lines = SoundTable.Lines(60);
        lines.Insert(4, "1,2,red");
        lines.Insert(9, "inf,50,red,plum");
        lines.Insert(12, "0.5,50,red,");
        lines.Insert(14, "\"12,5\",50,red,plum");
        lines.Insert(16, "0.51,49.5,grene,Plum");
        lines.Insert(20, "unknown,49.25,BLUE,plum");
        for (int i = 0; i < lines.Count; i++)
        {
            string day = $"{10 + (i % 19)}/0{1 + (i % 9)}/2024";
            lines[i] += i == 0 ? ",,fix,day" : i == 4 ? "" : $",,7,{day}";
        }
        lines.Add(lines[2]);
        return lines;
    }

    [Theory]
    [InlineData("clean.csv")]
    [InlineData("clean.tsv")]
    [InlineData("clean.jsonl")]
    [InlineData("clean.parquet")]
    [InlineData("clean.csv.gz")]
    public void WhatIsWrittenHasNoErrorsLeft(string name)
    {
        string input = _folder.Write("t.csv", string.Join('\n', Broken()));
        byte[] before = File.ReadAllBytes(input);
        var options = new DataOptions { Inputs = [input], Target = ["label"] };
        Checked broken = Checked.Of(options);
        foreach (string code in new[]
            { "ragged-row", "infinite", "missing-target", "stray-text", "category-typo",
              "label-typo", "duplicate-row", "all-missing", "constant-column", "date-form" })
        {
            Assert.True(broken.Has(code), $"{code}\n{broken}");
        }
        FixResult result = Fix(options, _folder[name]);
        Checked clean = Checked.Of(options with { Inputs = [_folder[name]] });
        Assert.True(clean.Findings.Errors + clean.Findings.Warnings == 0, clean.ToString());
        Assert.Equal(62, result.Kept);
        Assert.Equal(
            [("columns", 2L), ("duplicate rows", 1L), ("ragged rows", 1L),
                ("rows with infinite numbers", 1L), ("rows with texts for numbers", 1L),
                ("rows without a target", 1L)],
            result.LeftOut.OrderBy(p => p.Key, StringComparer.Ordinal)
                .Select(p => (p.Key, p.Value)));
        Assert.Equal(before, File.ReadAllBytes(input));
        string log = File.ReadAllText(_folder[name] + ".log");
        Assert.Contains($"{input}:5: left out: 3 fields, expected 7", log);
        Assert.Contains("'grene' becomes 'green' (once)", log);
        Assert.Contains("'Plum' becomes 'plum'", log);
    }

    [Fact]
    public void GoodRowsKeepTheirTextAndTheirOrder()
    {
        string input = _folder.Write("t.csv", string.Join('\n', Broken()));
        Fix(new DataOptions { Inputs = [input], Target = ["label"] }, _folder["clean.csv"]);
        string[] lines = File.ReadAllLines(_folder["clean.csv"]);
        Assert.Equal("size,weight,color,label,day", lines[0]);
        Assert.StartsWith(SoundTable.Lines()[1] + ",2024-02-11", lines[1]);
        Assert.Contains("0.51,49.5,green,plum,2024-08-", string.Join('\n', lines));
        Assert.Contains("\n,49.25,blue,plum,", string.Join('\n', lines));
    }

    [Fact]
    public void TextBecomesUtf8AndNamesBecomeDistinct()
    {
        byte[] text = Encoding.Latin1.GetBytes(
            SoundTable.Text().Replace("red", "röt").Replace("size,weight", "size,size"));
        // A word that is UTF-8 already, and a zero byte.
        text = [.. text, .. "0.9,55,größe\0,apple\n"u8];
        Fix(_folder.Write("t.csv", text), _folder["clean.csv"]);
        string clean = File.ReadAllText(_folder["clean.csv"], new UTF8Encoding(false, true));
        Assert.StartsWith("size,size_2,color,label\n", clean);
        Assert.Contains(",röt,", clean);
        Assert.Contains(",größe,", clean);
        Assert.Equal(0, Checked.Of(_folder["clean.csv"]).Findings.Errors);
    }

    [Fact]
    public void OfRowsInSeveralPartsTestKeepsItsOwn()
    {
        List<string> train = SoundTable.Lines(80), test = SoundTable.Lines(40, from: 1000);
        test[10] = train[5];
        _folder.Write("d/train.csv", string.Join('\n', train));
        _folder.Write("d/test.csv", string.Join('\n', test));
        FixResult result = Fix(_folder["d"], _folder["clean"]);
        Assert.Equal((119L, 1L), (result.Kept, result.LeftOut["duplicate rows"]));
        Assert.Contains(train[5], File.ReadAllLines(_folder["clean/test.csv"]));
        Assert.DoesNotContain(train[5], File.ReadAllLines(_folder["clean/train.csv"]));
        Assert.Equal("", Checked.Of(_folder["clean"]).ToString());
        Assert.True(File.Exists(_folder["clean.log"]));
    }

    [Fact]
    public void AWordThatIsRareButNoSlipStaysAndDoubtfulDatesToo()
    {
        List<string> lines = SoundTable.Lines(300);
        for (int i = 1; i < lines.Count; i++)
        {
            string[] cells = lines[i].Split(',');
            cells[2] = i % 60 == 0 ? "ISLAND" : i % 2 == 0 ? "INLAND" : "OCEAN";
            lines[i] = string.Join(',', cells) + $",0{1 + (i % 9)}/0{1 + (i % 7)}/2024";
        }
        lines[0] += ",day";
        string input = _folder.Write("t.csv", string.Join('\n', lines));
        Fix(new DataOptions { Inputs = [input], Target = ["label"] }, _folder["clean.csv"]);
        Assert.Equal(lines, File.ReadAllLines(_folder["clean.csv"]));
    }

    [Fact]
    public void PicturesAreLinkedUnderRightNamesAndBadOnesLeftOut()
    {
        for (int i = 0; i < 6; i++)
        {
            _folder.Write($"d/train/fox/{i}.pgm", MadePictures.Pgm(24, 24, i));
            _folder.Write($"d/train/owl/{i}.pgm", MadePictures.Pgm(24, 24, 10 + i));
            _folder.Write($"d/test/fox/{i}.pgm", MadePictures.Pgm(24, 24, 50 + i));
            _folder.Write($"d/test/owl/{i}.pgm", MadePictures.Pgm(24, 24, 60 + i));
        }
        _folder.Write("d/train/fox/cut.pgm", MadePictures.Pgm(24, 24, 30)[..200]);
        _folder.Write("d/train/fox/none.png", "no picture, but a few words"u8.ToArray());
        _folder.Write("d/train/fox/empty.png", []);
        _folder.Write("d/train/fox/Thumbs.db", "thumbs"u8.ToArray());
        _folder.Write("d/train/fox/wrong.jpg", MadePictures.Pgm(24, 24, 31));
        _folder.Write("d/train/fox/data.bin", MadePictures.Pgm(24, 24, 32));
        _folder.Write("d/train/fox/leak.pgm", MadePictures.Pgm(24, 24, 52));
        _folder.Write("d/train/owl/same.pgm", MadePictures.Pgm(24, 24, 3));
        FixResult result = Fix(_folder["d"], _folder["clean"]);
        Checked clean = Checked.Of(_folder["clean"]);
        Assert.Equal("", clean.ToString());
        Assert.Equal(24 + 2 - 1, result.Kept);
        Assert.Equal(2, result.LeftOut["pictures in several classes"]);
        Assert.Equal(1, result.LeftOut["duplicate pictures"]);
        Assert.True(File.Exists(_folder["clean/train/fox/wrong.pnm"]));
        Assert.True(File.Exists(_folder["clean/train/fox/data.pnm"]));
        Assert.False(File.Exists(_folder["clean/train/fox/leak.pgm"]));
        Assert.True(File.Exists(_folder["clean/test/fox/2.pgm"]));
        Assert.Equal(
            File.ReadAllBytes(_folder["d/train/fox/1.pgm"]),
            File.ReadAllBytes(_folder["clean/train/fox/1.pgm"]));
    }

    [Fact]
    public void TheInputIsNeverTheOutput()
    {
        string input = _folder.Write("d/t.csv", SoundTable.Text());
        _folder.Write("full/file", "x");
        Directory.CreateDirectory(_folder["e"]);
        File.CreateSymbolicLink(_folder["link.csv"], input);
        Directory.CreateSymbolicLink(_folder["way"], _folder["d"]);
        File.Copy(input, _folder["copy.csv"]);
        string[] refused =
        [
            input, _folder["d/../d/t.csv"], _folder["link.csv"], _folder["way/t.csv"],
            _folder["copy.csv"], _folder["full"], "-", "",
        ];
        foreach (string output in refused)
        {
            Assert.Throws<UsageException>(() => Fix(input, output));
        }
        Assert.Throws<UsageException>(() => Fix(_folder["d"], _folder["d/clean"]));
        Assert.Throws<UsageException>(() => Fix(_folder["d"], _folder.Root));
        Assert.Throws<UsageException>(() => Fix("-", _folder["e"]));
        Assert.Equal(SoundTable.Text(), File.ReadAllText(input));
    }

    public void Dispose() => _folder.Dispose();
}
