// What `dl fit` refuses is an error of `dl check`, with a code of its own; and data without errors
// are data that fit takes. A row for each way in which data can be broken.
namespace Dl.Data.Tests.Checks;

public sealed class AgreementTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <param name="code">The error that the checks should find; null: none.</param>
    /// <param name="text">The table; `|` stands for a line's end.</param>
    [Theory]
    [InlineData(null, "a,b,y|1,2,p|3,4,q|5,6,p|7,8,q|")]
    [InlineData(null, "1,2,p|3,4,q|5,6,p|7,8,q")]
    [InlineData(null, "a,b,y|1,,p|,4,q|NA,6,p|?,8,q|")]
    [InlineData(null, "a,,y|1,2,p|3,4,q|5,6,p|")]
    [InlineData(null, "a,b,y|1,2,0.5|3,4,1.5|5,6,2.5|7,8,9.25|")]
    [InlineData(null, "\"a\"\"b\",b,y|\"1\",2,p|3,\"4,5\",q|5,6,p|")]
    [InlineData(null, "a;b;y|1;2;p|3;4;q|5;6;p|")]
    [InlineData(null, "d,b,y|2024-01-02,2,p|2024-02-03,4,q|2024-03-04,6,p|")]
    [InlineData("empty-table", "")]
    [InlineData("empty-table", "a,b,y|")]
    [InlineData("ragged-row", "a,b,y|1,2,p|3,4|5,6,p|7,8,q|")]
    [InlineData("ragged-row", "a,b,y|1,2,p|3,4,q,9|5,6,p|7,8,q|")]
    [InlineData("duplicate-column", "a,a,y|1,2,p|3,4,q|5,6,p|7,8,q|")]
    [InlineData("infinite", "a,b,y|1,2,p|inf,4,q|5,6,p|7,8,q|")]
    [InlineData("infinite", "a,b,y|1,2,1.5|2,4,1e999|5,6,2.25|7,8,3.5|")]
    [InlineData("missing-target", "a,b,y|1,2,p|3,4,|5,6,p|7,8,q|")]
    [InlineData("missing-target", "a,b,y|1,2,0.5|3,4,NaN|5,6,2.5|7,8,1.25|")]
    [InlineData("unusable-target", "a,b,y|1,2,p|3,4,p|5,6,p|7,8,p|")]
    [InlineData("refused", "y|p|q|p|q|")]
    [InlineData("refused", "id,y|1,p|2,q|3,p|4,q|")]
    [InlineData("refused", "a,y|,p|,q|NA,p|,q|")]
    public void TheChecksFindWhatTrainingRefuses(string? code, string text) =>
        Agree(code, new DataOptions { Inputs = [Table("t.csv", text)] });

    [Theory]
    [InlineData(null, "regression", "a,b,y|1,2,1|3,4,2|5,6,1|7,8,2|")]
    [InlineData(null, "multilabel", "a,b,y|1,2,u;v|3,4,|5,6,v|7,8,u|")]
    [InlineData("unusable-target", "regression", "a,b,y|1,2,1|3,4,two|5,6,1|7,8,2|")]
    public void TheTaskIsUnderstoodAsInTraining(string? code, string task, string text) => Agree(
        code, new DataOptions { Inputs = [Table("t.csv", text)], Task = task });

    [Fact]
    public void TextsAmongManyNumbersAreErrorsForBoth()
    {
        IEnumerable<string> rows = Enumerable.Range(0, 60).Select(i =>
            $"{(i == 31 ? "1O5" : i * 37 % 61)},{i * 11 % 17},{"pq"[i % 2]}");
        Agree("stray-text", new DataOptions
        {
            Inputs = [Table("t.csv", $"a,b,y|{string.Join('|', rows)}")],
        });
    }

    [Fact]
    public void ManyDifferentTextsAreNoClassesForBoth()
    {
        IEnumerable<string> rows = Enumerable.Range(0, 60).Select(i => $"{i * 37 % 61},name{i}");
        Agree("unusable-target", new DataOptions
        {
            Inputs = [Table("t.csv", $"a,y|{string.Join('|', rows)}")],
        });
    }

    [Theory]
    [InlineData("bad-row", "{\"a\":1,\"y\":\"p\"}|{\"a\":2,\"y\":|{\"a\":3,\"y\":\"q\"}")]
    [InlineData("bad-row", "{\"a\":1,\"y\":\"p\"}|[1,2]|{\"a\":3,\"y\":\"q\"}")]
    [InlineData("bad-row", "{\"a\":1,\"y\":\"p\"}|{\"a\":[2],\"y\":\"q\"}|{\"a\":3,\"y\":\"q\"}")]
    [InlineData(
        "bad-row", "{\"a\":1,\"y\":\"p\"}|{\"a\":1,\"a\":2,\"y\":\"q\"}|{\"a\":3,\"y\":\"q\"}")]
    [InlineData("missing-target", "{\"a\":1,\"y\":\"p\"}|{\"a\":2}|{\"a\":3,\"y\":\"q\"}")]
    [InlineData(null, "{\"a\":1,\"y\":\"p\"}|{\"a\":null,\"y\":\"q\"}|{\"y\":\"q\",\"a\":3}")]
    public void JsonLinesAgree(string? code, string text) =>
        Agree(code, new DataOptions { Inputs = [Table("t.jsonl", text)] });

    [Theory]
    [InlineData(null, "a,y|9,p|8,q|")]
    [InlineData(null, "y,a,more|p,9,1|q,8,2|")]
    [InlineData("missing-column", "b,y|9,p|8,q|")]
    [InlineData("ragged-row", "a,y|9,p,1|8,q|")]
    [InlineData("infinite", "a,y|inf,p|8,q|")]
    [InlineData("missing-target", "a,y|9,p|8,|")]
    [InlineData("empty-table", "a,y|")]
    public void ValidationFilesAgree(string? code, string validation) => Agree(
        code, new DataOptions
        {
            Inputs = [Table("t.csv", "a,y|1,p|2,q|3,p|5,q|")],
            Validation = Table("v.csv", validation),
        });

    [Theory]
    [InlineData("no-classes", "x/1.pgm")]
    [InlineData("no-classes", "1.pgm", "2.pgm")]
    [InlineData(null, "x/1.pgm", "y/2.pgm")]
    [InlineData(null, "x/1.pgm", "y/2.pgm", "z/notes.txt")]
    [InlineData("damaged-picture", "x/1.pgm", "y/2.pgm", "y/cut.pgm")]
    [InlineData("not-a-picture", "x/1.pgm", "y/2.pgm", "y/text.png")]
    [InlineData("empty-file", "x/1.pgm", "y/2.pgm", "y/empty.png")]
    public void PictureFoldersAgree(string? code, params string[] files)
    {
        for (int i = 0; i < files.Length; i++)
        {
            string name = Path.GetFileNameWithoutExtension(files[i]);
            byte[] picture = MadePictures.Pgm(12, 12, seed: i);
            _folder.Write("d/" + files[i], name switch
            {
                "empty" => [],
                "cut" => picture[..^9],
                "text" or "notes" => "nothing to be seen here"u8.ToArray(),
                _ => picture,
            });
        }
        Agree(code, new DataOptions { Inputs = [_folder["d"]] });
    }

    private string Table(string name, string text) => _folder.Write(name, text.Replace('|', '\n'));

    private static void Agree(string? code, DataOptions options)
    {
        string? refusal = Checked.Refusal(options);
        Checked found = Checked.Of(options);
        Assert.True(
            (code is null) == refusal is null, $"training says: {refusal ?? "nothing"}\n{found}");
        if (code is null)
        {
            Assert.True(found.Findings.Errors == 0, found.ToString());
            return;
        }
        Assert.True(found.Has(code), found.ToString());
        Assert.Equal(Dl.Data.Checks.Severity.Error, found[code][0].Severity);
    }

    public void Dispose() => _folder.Dispose();
}
