// Predicting through the program: rows in are rows out, in every form, on files and on pipes; what
// is wrong with the input or the output is named and has its exit code.
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Dl.Tests;

/// <summary>Models that are fitted once for all tests of predicting.</summary>
public sealed class PredictModels : IDisposable
{
    public Workplace Place { get; } = new();

    public PredictModels()
    {
        var table = new StringBuilder("id,a,b,colour,kind\n");
        var tags = new StringBuilder("a,b,tags\n");
        var random = new Random(3);
        string[] kinds = ["left", "middle", "right"], colours = ["red", "green"];
        for (int i = 0; i < 120; i++)
        {
            double a = (i % 3 * 4) + random.NextDouble(), b = 7 - a + random.NextDouble();
            table.Append($"k{i * 7},{a:0.000},{b:0.000},{colours[i % 2]},{kinds[i % 3]}\n");
            string tag = (i % 4) switch { 0 => "", 1 => "pos", 2 => "up", _ => "pos|up" };
            tags.Append($"{i % 2},{i / 2 % 2},{tag}\n");
        }
        Place.Write("t.csv", table.ToString());
        Place.Write("tags.csv", tags.ToString());
        Fit("t.dlm", "mlp:16", "t.csv", "--target", "kind", "--epochs", "20", "--lr", "0.01");
        Fit("tags.dlm", "mlp:16", "tags.csv", "--task", "multilabel", "--target", "tags",
            "--epochs", "30", "--lr", "0.02");
        Done(Place.Dl("gen", "--toy", "linear", "-n", "80", "-o", "lin.csv"));
        Fit("lin.dlm", "linear", "lin.csv", "--epochs", "2");
        Done(Place.Dl("gen", "--toy", "digits", "-n", "60", "-o", "digits"));
        Fit("digits.dlm", "lenet", "digits", "--epochs", "1");
    }

    private void Fit(string output, string model, params string[] arguments) => Done(Place.Dl(
        ["fit", "-m", model, .. arguments, "-o", output, "-q", "--device", "cpu"]));

    private static void Done(Ran ran) => Assert.True(ran.Code == 0, ran.Error);

    public void Dispose() => Place.Dispose();
}

/// <summary>Tests that share the models; one class of them runs at a time.</summary>
[CollectionDefinition(Name)]
public sealed class PredictCollection : ICollectionFixture<PredictModels>
{
    public const string Name = "predict";
}

[Collection(PredictCollection.Name)]
public sealed class PredictTests(PredictModels models)
{
    private const string Two = "a,b,colour\n0.5,6.5,red\n8.5,-1,green\n";

    private readonly Workplace _place = models.Place;

    [Fact]
    public void EveryRowIsAnsweredInOrderWithItsId()
    {
        Ran ran = _place.Dl("predict", "t.dlm", "t.csv");
        Assert.Equal(0, ran.Code);
        string[] rows = File.ReadAllLines(Path.Combine(_place.Folder, "t.csv"));
        Assert.Equal("id,prediction", ran.Lines[0]);
        Assert.Equal(
            rows.Skip(1).Select(r => r.Split(',')[0]),
            ran.Lines.Skip(1).Select(r => r.Split(',')[0]));
    }

    [Fact]
    public void AFinalNewlineChangesNothing()
    {
        Ran with = _place.Fed(Two, "predict", "t.dlm");
        Assert.Equal("row,prediction\n1,left\n2,right\n", with.Out);
        Assert.Equal(with, _place.Fed(Two.TrimEnd(), "predict", "t.dlm", "-"));
        Assert.Equal(with.Out, _place.Fed(Two.Replace("\n", "\r\n"), "predict", "t.dlm").Out);
        Assert.Equal(with.Out, _place.Fed(Two.Replace(',', '\t'), "predict", "t.dlm").Out);
    }

    [Fact]
    public void JsonLinesAreAnsweredAsCsvIs()
    {
        const string json = "{\"a\":0.5,\"b\":6.5,\"colour\":\"red\"}\n"
            + "{\"colour\":\"green\",\"b\":-1,\"new\":[1],\"a\":8.5}\n";
        string expected = _place.Fed(Two, "predict", "t.dlm", "--proba").Out;
        Assert.Equal(expected, _place.Fed(json, "predict", "t.dlm", "--proba", "-").Out);
        _place.Write("two.jsonl", json.TrimEnd());
        Assert.Equal(expected, _place.Dl("predict", "t.dlm", "two.jsonl", "--proba").Out);
        Ran bad = _place.Fed(json + "{\"a\":[1]}\n", "predict", "t.dlm");
        Assert.Equal((3, "row,prediction\n1,left\n2,right\n"), (bad.Code, bad.Out));
        Assert.Contains("stdin:3: key 'a' holds an array", bad.Error);
    }

    [Fact]
    public void JsonLinesAreLearntFrom()
    {
        string[] rows = File.ReadAllLines(Path.Combine(_place.Folder, "t.csv"));
        _place.Write("t.jsonl", string.Concat(rows.Skip(1).Select(r => r.Split(',')).Select(f =>
            $"{{\"id\":\"{f[0]}\",\"a\":{f[1]},\"b\":{f[2]},\"colour\":\"{f[3]}\","
            + $"\"kind\":\"{f[4]}\"}}\n")));
        string[] fit = ["--target", "kind", "--epochs", "2", "-q", "--device", "cpu"];
        Assert.Equal(
            0, _place.Dl(["fit", "-m", "mlp:16", "t.jsonl", "-o", "j.dlm", .. fit]).Code);
        Assert.Equal(0, _place.Dl(["fit", "-m", "mlp:16", "t.csv", "-o", "c.dlm", .. fit]).Code);
        Assert.Equal(
            _place.Dl("predict", "c.dlm", "t.csv", "--proba").Out,
            _place.Dl("predict", "j.dlm", "t.jsonl", "--proba").Out);
        Assert.Contains("colour", _place.Dl("info", "t.jsonl").Out);
        // The rows of this toy tell their kind all too well, which is only warned of.
        Ran check = _place.Dl("check", "t.jsonl");
        Assert.Equal(0, check.Code);
        Assert.Contains("t.jsonl: ok", check.Out);
    }

    [Fact]
    public void FormatsSayTheSame()
    {
        string csv = _place.Fed(Two, "predict", "t.dlm", "--proba").Out;
        Assert.StartsWith("row,prediction,proba_left,proba_middle,proba_right\n", csv);
        string tsv = _place.Fed(Two, "predict", "t.dlm", "--proba", "--format", "tsv").Out;
        Assert.Equal(csv, tsv.Replace('\t', ','));
        string[] fields = csv.Split('\n')[1].Split(',');
        Assert.Equal(1, fields[2..].Sum(double.Parse), 1e-5);
        Ran lines = _place.Fed(
            Two, "predict", "t.dlm", "--proba", "--top", "2", "--format", "jsonl");
        JsonElement first = JsonDocument.Parse(lines.Lines[0]).RootElement;
        Assert.Equal(1, first.GetProperty("row").GetInt32());
        Assert.Equal("left", first.GetProperty("prediction").GetString());
        Assert.Equal(2, first.GetProperty("top").GetArrayLength());
        Assert.Equal(double.Parse(fields[2]),
            first.GetProperty("proba").GetProperty("left").GetDouble());
    }

    [Fact]
    public void TheLikeliestComeFirst()
    {
        Ran ran = _place.Fed(Two, "predict", "t.dlm", "--top", "2");
        Assert.Equal("row,label_1,proba_1,label_2,proba_2", ran.Lines[0]);
        string[] fields = ran.Lines[1].Split(',');
        Assert.Equal("left", fields[1]);
        Assert.True(double.Parse(fields[2]) >= double.Parse(fields[4]));
    }

    [Fact]
    public void ScoresAreTextOrJson()
    {
        Assert.Matches(
            @"(?m)^accuracy +[01]\.\d+ .*\[",
            _place.Dl("predict", "t.dlm", "t.csv", "--score").Out);
        Ran ran = _place.Dl("predict", "t.dlm", "t.csv", "--score", "--json");
        JsonElement score = JsonDocument.Parse(Assert.Single(ran.Lines)).RootElement;
        Assert.Equal(120, score.GetProperty("n").GetInt32());
        double accuracy = score.GetProperty("metrics").GetProperty("accuracy").GetDouble();
        JsonElement interval = score.GetProperty("ci95").GetProperty("accuracy");
        Assert.InRange(accuracy, interval[0].GetDouble(), interval[1].GetDouble());
        Assert.InRange(accuracy, 0.9, 1);
        Assert.True(score.GetProperty("seconds").GetDouble() > 0);
    }

    [Fact]
    public async Task ARowIsAnsweredBeforeTheNextArrives()
    {
        using Process process = _place.Start("predict", "t.dlm", "-");
        var limit = TimeSpan.FromSeconds(30);
        await process.StandardInput.WriteAsync("a,b,colour\n");
        foreach (int row in new[] { 1, 2, 3 })
        {
            await process.StandardInput.WriteAsync("0.5,6.5,red\n");
            await process.StandardInput.FlushAsync();
            if (row == 1)
            {
                Assert.Equal("row,prediction",
                    await process.StandardOutput.ReadLineAsync().WaitAsync(limit));
            }
            Assert.Equal($"{row},left",
                await process.StandardOutput.ReadLineAsync().WaitAsync(limit));
        }
        process.StandardInput.Close();
        Assert.True(process.WaitForExit(30_000));
        Assert.Equal(0, process.ExitCode);
    }

    [Theory]
    [InlineData("a,colour\n1,red\n", "stdin:1: no column b", false)]
    [InlineData("a,b,colour\n1,6,red\n1,6\n", "stdin:3: the row has 2 fields", false)]
    [InlineData("a,b,colour\n1,x,red\n", "stdin:2: column 'b' is 'x'", false)]
    [InlineData("a,b,colour,kind\n1,6,red,up\n", "stdin:2: label 'up'", true)]
    [InlineData("a,b,colour\n1,6,red\n", "stdin:1: no target column kind", true)]
    [InlineData("", "stdin: the input is empty", false)]
    public void BadInputIsNamed(string input, string says, bool score)
    {
        string[] line = ["predict", "t.dlm", "-"];
        Ran ran = _place.Fed(input, score ? [.. line, "--score"] : line);
        Assert.Equal(3, ran.Code);
        Assert.StartsWith($"dl: {says}", ran.Error);
    }

    [Fact]
    public void UnknownColumnsAndCategoriesAreToldAndSurvived()
    {
        Ran ran = _place.Fed("zz,colour,b,a\n9,blue,6.5,0.5\n", "predict", "t.dlm");
        Assert.Equal((0, "row,prediction\n1,left\n"), (ran.Code, ran.Out));
        Assert.Contains("not used: zz", ran.Error);
        Assert.Contains("stdin:2: column 'colour' is 'blue'", ran.Error);
    }

    [Fact]
    public void OrderOfColumnsAndALabelChangeNothing()
    {
        string expected = _place.Fed(Two, "predict", "t.dlm", "--proba").Out;
        const string shuffled = "colour,kind,b,a\nred,right,6.5,0.5\ngreen,unseen,-1,8.5\n";
        Ran ran = _place.Fed(shuffled, "predict", "t.dlm", "--proba");
        Assert.Equal((0, expected, ""), (ran.Code, ran.Out, ran.Error));
    }

    [Theory]
    [InlineData("csv", "row,prediction\n")]
    [InlineData("tsv", "row\tprediction\n")]
    [InlineData("jsonl", "")]
    public void NamesWithoutRowsAreAnsweredByNames(string form, string expected)
    {
        foreach (string end in (string[])["", "\n", "\r\n"])
        {
            Ran ran = _place.Fed($"a,b,colour{end}", "predict", "t.dlm", "--format", form);
            Assert.Equal((0, expected, ""), (ran.Code, ran.Out, ran.Error));
        }
        Assert.Equal(3, _place.Fed("a,b,colour,kind\n", "predict", "t.dlm", "--score").Code);
    }

    [Fact]
    public void IdsAreEchoedAsTheyWereRead()
    {
        string[] ids =
        [
            "007", "9007199254740993", "1e5", "+3", "1.50", "x,y", "say \"hi\"", "two\nlines",
            "\u00FC \u20AC", "", "NA",
        ];
        string Quoted(string id) => $"\"{id.Replace("\"", "\"\"")}\"";
        string rows = "id,a,b,colour\n"
            + string.Concat(ids.Select(id => $"{Quoted(id)},0.5,6.5,red\n"));
        Ran csv = _place.Fed(rows, "predict", "t.dlm");
        Assert.Equal(
            "id,prediction\n" + string.Concat(ids.Select(id =>
                $"{(id.AsSpan().IndexOfAny(",\"\n") >= 0 ? Quoted(id) : id)},left\n")),
            csv.Out);
        Ran json = _place.Fed(rows, "predict", "t.dlm", "--format", "jsonl");
        Assert.Equal(ids, json.Lines.Select(
            line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()));
    }

    [Fact]
    public void RowsLeftOutAreNamedAndLeaveAGap()
    {
        string rows = "a,b,colour\n0.5,6.5,red\n" + string.Concat(
            Enumerable.Repeat("x,6.5,red\n", 7)) + "8.5,-1,green\n";
        Ran ran = _place.Fed(rows, "predict", "t.dlm", "--on-bad-data", "skip");
        Assert.Equal((0, "row,prediction\n1,left\n9,right\n"), (ran.Code, ran.Out));
        Assert.Contains("left out: stdin:3: column 'a' is 'x'", ran.Error);
        Assert.DoesNotContain("stdin:8", ran.Error);
        Assert.Contains("7 bad records left out", ran.Error);
        Ran all = _place.Fed(rows, "predict", "t.dlm", "--on-bad-data", "skip", "-v");
        Assert.Contains("left out: stdin:9: column 'a'", all.Error);
        Ran ids = _place.Fed(
            "id,a,b,colour\n07,0.5,6.5,red\n08,6\n09,8.5,-1,green\n",
            "predict", "t.dlm", "--on-bad-data", "skip");
        Assert.Equal("id,prediction\n07,left\n09,right\n", ids.Out);
    }

    [Fact]
    public void ParquetIsWrittenToFilesAndPipes()
    {
        Ran file = _place.Dl(
            "predict", "t.dlm", "t.csv", "--proba", "-o", "p.parquet");
        Assert.Equal((0, ""), (file.Code, file.Out));
        Ran pipe = _place.Shell(
            "dl predict t.dlm t.csv --proba --format parquet | cat > q.parquet");
        Assert.Equal((0, ""), (pipe.Code, pipe.Error));
        byte[] first = File.ReadAllBytes(Path.Combine(_place.Folder, "p.parquet"));
        Assert.Equal(first, File.ReadAllBytes(Path.Combine(_place.Folder, "q.parquet")));
        JsonElement info = JsonDocument.Parse(
            _place.Dl("info", "--json", "-q", "p.parquet").Out).RootElement;
        Assert.Equal(120, info.GetProperty("rows").GetInt32());
        Assert.Equal(
            ["id", "prediction", "proba_left", "proba_middle", "proba_right"],
            info.GetProperty("columns").EnumerateArray()
                .Select(c => c.GetProperty("name").GetString()!));
    }

    [Fact]
    public void ParquetIsReadFromAPipeAndNothingIsLeftBehind()
    {
        Ran ran = _place.Shell(
            "mkdir -p spool; dl gen --toy linear -n 500 -o l.parquet; "
            + "dl gen --toy linear -n 500 -o l.csv; dl predict lin.dlm l.csv > expected; "
            + "cat l.parquet | TMPDIR=$PWD/spool dl predict lin.dlm - > given; "
            + "cmp expected given && ls spool");
        Assert.Equal((0, "", ""), (ran.Code, ran.Out, ran.Error));
        Ran no = _place.Shell("cat l.parquet | TMPDIR=$PWD/missing dl predict lin.dlm -");
        Assert.Equal(1, no.Code);
        Assert.Contains("set TMPDIR to a folder with room", no.Error);
    }

    [Fact]
    public void PackedOutputFollowsTheName()
    {
        Ran ran = _place.Shell(
            "dl predict t.dlm t.csv -o z.jsonl.gz && gzip -dc z.jsonl.gz > z.jsonl && "
            + "dl predict t.dlm t.csv --json | cmp - z.jsonl");
        Assert.Equal((0, "", ""), (ran.Code, ran.Out, ran.Error));
    }

    [Fact]
    public void TruncatedModelsAreBadData()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(_place.Folder, "t.dlm"));
        foreach (int length in new[] { 0, 9, 500, whole.Length - 1 })
        {
            File.WriteAllBytes(Path.Combine(_place.Folder, "cut.dlm"), whole[..length]);
            Ran ran = _place.Dl("predict", "cut.dlm", "t.csv");
            Assert.Equal((3, ""), (ran.Code, ran.Out));
            Assert.StartsWith("dl: cut.dlm: ", ran.Error);
        }
    }

    [SkippableFact]
    public void AFullDiskIsAnErrorAClosedPipeIsNot()
    {
        Skip.IfNot(File.Exists("/dev/full"), "no /dev/full here");
        Ran full = _place.Shell("dl predict t.dlm t.csv > /dev/full");
        Assert.Equal(1, full.Code);
        Assert.Matches("^dl: stdout: [^\n]+\n$", full.Error);
        Ran closed = _place.Shell(
            "{ head -1 t.csv; for i in {1..1000}; do tail -n +2 t.csv; done; } > many.csv; "
            + "{ dl predict t.dlm many.csv; echo $? >&2; } | head -n 1");
        Assert.Equal(("id,prediction\n", "0\n"), (closed.Out, closed.Error));
    }

    [Fact]
    public void NumbersAndSetsOfLabelsHaveTheirForms()
    {
        Ran numbers = _place.Dl("predict", "lin.dlm", "lin.csv");
        Assert.Equal((81, "row,y"), (numbers.Lines.Length, numbers.Lines[0]));
        Assert.True(double.IsFinite(double.Parse(numbers.Lines[1].Split(',')[1])));
        Assert.Equal(2, _place.Dl("predict", "lin.dlm", "lin.csv", "--proba").Code);
        Ran sets = _place.Fed("a,b\n0,0\n1,1\n", "predict", "tags.dlm");
        Assert.Equal("row,prediction\n1,\n2,pos|up\n", sets.Out);
        Ran json = _place.Fed("a,b\n0,0\n1,1\n", "predict", "tags.dlm", "--format", "jsonl");
        Assert.Equal("{\"row\":2,\"prediction\":[\"pos\",\"up\"]}", json.Lines[1]);
    }

    [Fact]
    public void EveryPictureHasALineWithItsRelativePath()
    {
        string folder = Path.Combine(_place.Folder, "digits", "train");
        Ran ran = _place.Dl("predict", "digits.dlm", "digits/train");
        Assert.Equal((0, "path,prediction"), (ran.Code, ran.Lines[0]));
        Assert.Equal(
            Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal),
            ran.Lines.Skip(1).Select(r => r.Split(',')[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void NamesOnAPipeAreAnsweredInOrder()
    {
        string folder = Path.Combine(_place.Folder, "digits", "train");
        string[] names = Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(_place.Folder, f)).Order().Reverse().ToArray();
        Ran ran = _place.Fed(string.Join('\n', names), "predict", "digits.dlm", "--paths", "-");
        Assert.Equal((0, "path,prediction"), (ran.Code, ran.Lines[0]));
        Assert.Equal(names, ran.Lines.Skip(1).Select(r => r.Split(',')[0]));
        Ran wrong = _place.Fed("nothing.png\n", "predict", "digits.dlm", "--paths", "-");
        Assert.Equal(3, wrong.Code);
        Assert.Contains("nothing.png: no such file", wrong.Error);
    }
}
