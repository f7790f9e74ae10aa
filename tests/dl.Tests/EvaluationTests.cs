// Scores, comparisons, ensembles, dropout passes and mixtures through the program.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Dl.Tests;

/// <summary>Models that are fitted once for all tests of scores.</summary>
public sealed class ScoredModels : IDisposable
{
    public Workplace Place { get; } = new();

    public ScoredModels()
    {
        Table("three.csv", 3);
        Table("two.csv", 2);
        var numbers = new StringBuilder("a,b,y\n");
        var random = new Random(5);
        for (int i = 0; i < 150; i++)
        {
            double a = random.NextDouble(), b = random.NextDouble();
            numbers.Append(CultureInfo.InvariantCulture,
                $"{a:0.000},{b:0.000},{(3 * a) - b + (0.1 * random.NextDouble()):0.000}\n");
        }
        Place.Write("numbers.csv", numbers.ToString());
        Fit("three.dlm", "mlp:16", "three.csv", "--epochs", "15", "--dropout", "0.3");
        Fit("weak.dlm", "mlp:2", "three.csv", "--epochs", "1");
        Fit("two.dlm", "mlp:8", "two.csv", "--epochs", "10");
        Fit("numbers.dlm", "mlp:16", "numbers.csv", "--epochs", "10", "--dropout", "0.2");
        Fit("ensemble.dlm", "mlp:8", "three.csv", "--epochs", "4", "--ensemble", "3");
        Fit("numbers3.dlm", "mlp:8", "numbers.csv", "--epochs", "3", "--ensemble", "3");
    }

    public void Fit(string output, string model, string data, params string[] arguments)
    {
        string target = data == "numbers.csv" ? "y" : "kind";
        Ran ran = Place.Dl(["fit", "-m", model, data, "--target", target, "--lr", "0.01",
            .. arguments, "-o", output, "-q", "--device", "cpu"]);
        Assert.True(ran.Code == 0, ran.Error);
    }

    /// <summary>Overlapping clusters, so that no model is perfect.</summary>
    private void Table(string name, int kinds)
    {
        var text = new StringBuilder("a,b,kind\n");
        var random = new Random(3);
        for (int i = 0; i < 180; i++)
        {
            double a = (i % kinds) + (1.2 * random.NextDouble());
            text.Append(CultureInfo.InvariantCulture,
                $"{a:0.000},{2 - a + random.NextDouble():0.000},k{i % kinds}\n");
        }
        Place.Write(name, text.ToString());
    }

    public void Dispose() => Place.Dispose();
}

public sealed class EvaluationTests(ScoredModels models) : IClassFixture<ScoredModels>
{
    private readonly Workplace _place = models.Place;

    [Theory]
    [InlineData("three.dlm", "three.csv", "accuracy f1_macro log_loss balanced_accuracy roc_auc "
        + "pr_auc brier ece kappa mcc precision_macro recall_macro f1_micro")]
    [InlineData("two.dlm", "two.csv", "accuracy precision recall f1 roc_auc brier")]
    [InlineData("numbers.dlm", "numbers.csv", "rmse mae r2 mape median_absolute_error max_error "
        + "explained_variance")]
    [InlineData("ensemble.dlm", "three.csv", "accuracy roc_auc")]
    public void AScoreHasItsMetricsWithIntervals(string model, string data, string names)
    {
        JsonElement score = Json("predict", model, data, "--score", "--json");
        Assert.True(score.GetProperty("n").GetInt32() is 150 or 180);
        foreach (string name in names.Split(' '))
        {
            double value = score.GetProperty("metrics").GetProperty(name).GetDouble();
            JsonElement interval = score.GetProperty("ci95").GetProperty(name);
            if (name == "max_error")
            {
                Assert.Equal(JsonValueKind.Null, interval[0].ValueKind);
                continue;
            }
            Assert.InRange(value, interval[0].GetDouble(), interval[1].GetDouble());
            Assert.True(interval[0].GetDouble() < interval[1].GetDouble(), name);
        }
        Ran text = _place.Dl("predict", model, data, "--score");
        Assert.All(names.Split(' '), name => Assert.Matches($"(?m)^{name} +[0-9.e-]+", text.Out));
        Assert.Equal(
            text.Out, _place.Dl("predict", model, data, "--score", "-j", "1").Out);
    }

    [Fact]
    public void AScoreSaysWhatWasTakenForWhat()
    {
        JsonElement score = Json("predict", "three.dlm", "three.csv", "--score", "--json");
        JsonElement matrix = score.GetProperty("confusion").GetProperty("matrix");
        Assert.Equal(["k0", "k1", "k2"], score.GetProperty("confusion").GetProperty("labels")
            .EnumerateArray().Select(l => l.GetString()!));
        int right = 0;
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(60, matrix[i].EnumerateArray().Sum(c => c.GetInt32()));
            right += matrix[i][i].GetInt32();
        }
        Assert.Equal(right / 180.0,
            score.GetProperty("metrics").GetProperty("accuracy").GetDouble(), 1e-9);
        Assert.Matches(@"(?m)^true \\ predicted  k0  k1  k2$",
            _place.Dl("predict", "three.dlm", "three.csv", "--score").Out);
    }

    [Fact]
    public void TopChoosesTheK()
    {
        JsonElement metrics = Json(
            "predict", "three.dlm", "three.csv", "--score", "--top", "2", "--json")
            .GetProperty("metrics");
        Assert.InRange(metrics.GetProperty("top_2_accuracy").GetDouble(),
            metrics.GetProperty("accuracy").GetDouble(), 1);
        Assert.False(metrics.TryGetProperty("top_5_accuracy", out _));
    }

    [Fact]
    public void ASingleClassHasNoAreaAndSaysNull()
    {
        string[] rows = File.ReadAllLines(Path.Combine(_place.Folder, "two.csv"));
        string single = string.Join('\n', rows.Where(r => r.EndsWith("k1") || r.StartsWith("a,")));
        Ran ran = _place.Fed(single, "predict", "two.dlm", "-", "--score", "--json");
        Assert.True(ran.Code == 0, ran.Error);
        JsonElement score = JsonDocument.Parse(ran.Out).RootElement;
        Assert.Equal(JsonValueKind.Null,
            score.GetProperty("metrics").GetProperty("roc_auc").ValueKind);
        Assert.Equal(JsonValueKind.Null, score.GetProperty("ci95").GetProperty("roc_auc")[0]
            .ValueKind);
    }

    [Fact]
    public void AStrongModelBeatsAWeakOne()
    {
        JsonElement against = Json("predict", "--score", "three.dlm", "--against", "weak.dlm",
            "three.csv", "--json").GetProperty("against");
        Assert.Equal("weak.dlm", against.GetProperty("model").GetString());
        double gain = against.GetProperty("difference").GetProperty("accuracy").GetDouble();
        JsonElement interval = against.GetProperty("difference_ci95").GetProperty("accuracy");
        Assert.InRange(gain, 0.1, 1);
        Assert.InRange(gain, interval[0].GetDouble(), interval[1].GetDouble());
        Assert.InRange(against.GetProperty("p_value").GetProperty("accuracy").GetDouble(), 0, 0.05);
        JsonElement test = against.GetProperty("mcnemar");
        Assert.Equal(gain, (test.GetProperty("only_first").GetInt32()
            - test.GetProperty("only_second").GetInt32()) / 180.0, 1e-9);
        Assert.InRange(test.GetProperty("p_value").GetDouble(), 0, 0.05);
        Ran same = _place.Dl(
            "predict", "--score", "three.dlm", "--against", "three.dlm", "three.csv");
        Assert.Contains("McNemar: 0 rows only the first has right, 0 only the second; p 1\n",
            same.Out);
    }

    [Theory]
    [InlineData("three.dlm three.csv --against weak.dlm", "give --score too")]
    [InlineData("three.dlm --score --against weak.dlm", "the input is read twice")]
    [InlineData("three.dlm three.csv --score --against two.dlm", "knows other labels")]
    [InlineData("three.dlm three.csv --score --against numbers.dlm", "is for regression")]
    [InlineData("two.dlm two.csv --mc-dropout 5", "has no dropout")]
    [InlineData("three.dlm three.csv --mc-dropout 1", "--mc-dropout")]
    [InlineData("three.dlm three.csv --uncertainty", "gives one answer a row")]
    [InlineData("numbers.dlm numbers.csv --score --top 2", "needs a model of one label")]
    public void MisuseOfPredictIsTold(string line, string says) =>
        Misuse($"predict {line}", says);

    [Theory]
    [InlineData("-m mlp three.csv -o x.dlm --metric acuracy", "did you mean 'accuracy'?")]
    [InlineData("-m mlp three.csv --target kind -o x.dlm --metric rmse",
        "metric of classification")]
    [InlineData("-m mlp three.csv -o x.dlm --ensemble 1", "--ensemble")]
    [InlineData("-m mlp three.csv --folds 3 --ensemble 2", "does not go with --folds")]
    [InlineData("--members three.dlm -o x.dlm", "expected two or more")]
    [InlineData("--members three.dlm,two.dlm three.csv -o x.dlm", "leave out DATA")]
    [InlineData("--members three.dlm,weak.dlm", "no -o MODEL.dlm given")]
    [InlineData("-m mlp three.csv -o x.dlm --cutmix 1", "cuts boxes from images")]
    [InlineData("-m mlp three.csv -o x.dlm --mixup -1", "--mixup")]
    public void MisuseOfFitIsTold(string line, string says) => Misuse($"fit {line} -q", says);

    [Fact]
    public void DropoutPassesAddUncertainty()
    {
        string[] line = ["predict", "three.dlm", "three.csv", "--mc-dropout", "20", "--proba"];
        Ran ran = _place.Dl(line);
        Assert.Equal(
            "row,prediction,proba_k0,proba_k1,proba_k2,entropy,mutual_information,proba_std",
            ran.Lines[0]);
        foreach (string row in ran.Lines.Skip(1))
        {
            double[] v = [.. row.Split(',')[2..].Select(double.Parse)];
            Assert.Equal(1, v[..3].Sum(), 1e-5);
            Assert.Equal(-v[..3].Sum(p => p > 0 ? p * Math.Log(p) : 0), v[3], 1e-4);
            Assert.InRange(v[4], 0, v[3] + 1e-6);
            Assert.InRange(v[5], 0, 0.75);
        }
        Assert.Contains(ran.Lines.Skip(1), r => double.Parse(r.Split(',')[6]) > 0);
        // The same whatever is run beside a row: other batches, one row at a time on a pipe.
        Assert.Equal(ran.Out, _place.Dl([.. line, "-b", "7"]).Out);
        string table = File.ReadAllText(Path.Combine(_place.Folder, "three.csv"));
        Assert.Equal(ran.Out, _place.Fed(
            table, "predict", "three.dlm", "-", "--mc-dropout", "20", "--proba").Out);
        Assert.NotEqual(ran.Out, _place.Dl([.. line, "--seed", "2"]).Out);
    }

    [Fact]
    public void NumbersHaveADeviation()
    {
        Ran ran = _place.Dl("predict", "numbers.dlm", "numbers.csv", "--mc-dropout", "50");
        Assert.Equal("row,y,y_std", ran.Lines[0]);
        Assert.All(ran.Lines.Skip(1),
            r => Assert.InRange(double.Parse(r.Split(',')[2]), 1e-6, 5));
        Ran json = _place.Dl(
            "predict", "numbers3.dlm", "numbers.csv", "--uncertainty", "--format", "jsonl");
        Assert.True(JsonDocument.Parse(json.Lines[0]).RootElement.GetProperty("y_std").GetDouble()
            > 0);
    }

    [Fact]
    public void AnEnsembleAveragesItsMembers()
    {
        models.Fit("a.dlm", "mlp:8", "three.csv", "--epochs", "3");
        models.Fit("b.dlm", "mlp:4,4", "three.csv", "--epochs", "3");
        Ran joined = _place.Dl("fit", "--members", "a.dlm,b.dlm", "-o", "ab.dlm");
        Assert.Matches("^ab.dlm: ensemble of 2, [0-9,]+ parameters\n$", joined.Out);
        double[] Probabilities(string model) => [.. _place.Dl(
            "predict", model, "three.csv", "--proba").Lines.Skip(1)
            .SelectMany(row => row.Split(',')[2..]).Select(double.Parse)];
        double[] a = Probabilities("a.dlm"), b = Probabilities("b.dlm");
        double[] both = Probabilities("ab.dlm");
        for (int i = 0; i < a.Length; i++)
        {
            Assert.Equal((a[i] + b[i]) / 2, both[i], 1e-5);
        }
        Ran info = _place.Dl("info", "ab.dlm");
        Assert.Contains("2 members", info.Out);
        Assert.Matches("(?m)^member 2 +mlp:4,4, seed 1, epoch", info.Out);
        JsonElement document = JsonDocument.Parse(
            _place.Dl("info", "ab.dlm", "--json").Out).RootElement;
        Assert.Equal(2, document.GetProperty("members").GetArrayLength());
        Assert.Equal("ab.dlm: ok\n", _place.Dl("check", "ab.dlm").Out);
    }

    [Fact]
    public void MembersOfOtherDataAreRefused()
    {
        Ran ran = _place.Dl("fit", "--members", "three.dlm,two.dlm", "-o", "x.dlm");
        Assert.Equal(3, ran.Code);
        Assert.StartsWith("dl: two.dlm: ", ran.Error);
    }

    [Fact]
    public void AnEnsembleIsReportedWithItsMembers()
    {
        string[] line = ["fit", "-m", "mlp:8", "three.csv", "--target", "kind", "--epochs", "3",
            "--ensemble", "2", "--log", "e.csv", "-o", "e.dlm", "-q"];
        JsonElement result = Json([.. line, "--json"]);
        JsonElement members = result.GetProperty("members");
        Assert.Equal(
            [1, 2], members.EnumerateArray().Select(m => m.GetProperty("seed").GetInt32()));
        Assert.InRange(result.GetProperty("val").GetProperty("accuracy").GetDouble(), 0, 1);
        Assert.InRange(members[1].GetProperty("val").GetProperty("accuracy").GetDouble(), 0, 1);
        Assert.True(File.Exists(Path.Combine(_place.Folder, "e-2.csv")));
        Assert.Empty(Directory.GetFiles(_place.Folder, "e.dlm.member*"));
        Ran text = _place.Dl(line);
        Assert.Contains("member 2", text.Out);
        Assert.Contains("e.dlm: ensemble of 2, ", text.Out);
    }

    [SkippableFact]
    public void AnInterruptedEnsembleEndsWithTheSameBits()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are Unix's");
        string[] line = ["fit", "-m", "mlp:64,32", "three.csv", "--target", "kind", "--epochs",
            "25", "--patience", "0", "--checkpoint-every", "1", "--ensemble", "3", "-q"];
        Assert.Equal(0, _place.Dl([.. line, "-o", "whole.dlm"]).Code);
        string second = Path.Combine(_place.Folder, "cut.dlm.member2.checkpoint");
        using (Process process = _place.Start([.. line, "-o", "cut.dlm"]))
        {
            while (!File.Exists(second) && !process.HasExited)
            {
                Thread.Sleep(5);
            }
            Skip.If(process.HasExited, "this machine trains faster than it can be interrupted");
            Process.Start("kill", ["-s", "INT", $"{process.Id}"])!.WaitForExit();
            Assert.True(process.WaitForExit(60_000), "it did not stop");
            Assert.Equal(130, process.ExitCode);
        }
        Assert.True(File.Exists(Path.Combine(_place.Folder, "cut.dlm.member1")));
        Ran other = _place.Dl([.. line, "-o", "cut.dlm", "--resume", "--lr", "0.5"]);
        Assert.Equal(2, other.Code);
        Assert.Contains("cut.dlm.member1 was made with other data or options", other.Error);
        Assert.Equal(0, _place.Dl([.. line, "-o", "cut.dlm", "--resume"]).Code);
        Assert.Equal(Bytes("whole.dlm"), Bytes("cut.dlm"));
        Assert.Empty(Directory.GetFiles(_place.Folder, "cut.dlm.member*"));
    }

    [Fact]
    public void TheMetricDecidesTheBestEpoch()
    {
        foreach (string metric in new[] { "roc_auc", "log_loss", "loss" })
        {
            JsonElement result = Json("fit", "-m", "mlp:8", "three.csv", "--target", "kind",
                "--epochs", "12", "--patience", "0", "--lr", "0.05", "--metric", metric, "-o",
                "m.dlm", "-q", "--log", "m.csv", "--json");
            string[] rows = File.ReadAllLines(Path.Combine(_place.Folder, "m.csv"));
            int column = Array.IndexOf(rows[0].Split(','), metric == "loss" ? "val_loss"
                : $"val_{metric}");
            double[] values = [.. rows.Skip(1).Select(r => double.Parse(r.Split(',')[column]))];
            double best = metric == "roc_auc" ? values.Max() : values.Min();
            Assert.Equal(best, values[result.GetProperty("best_epoch").GetInt32() - 1]);
        }
    }

    [Fact]
    public void FoldsCarryEveryMetric()
    {
        JsonElement result = Json("fit", "-m", "linear", "three.csv", "--target", "kind", "--folds",
            "3", "--epochs", "2", "-q", "--json");
        foreach (string name in new[] { "accuracy", "roc_auc", "pr_auc", "mcc", "ece" })
        {
            double mean = result.GetProperty("runs").EnumerateArray()
                .Average(run => run.GetProperty(name).GetDouble());
            Assert.Equal(mean, result.GetProperty("mean").GetProperty(name).GetDouble(), 1e-9);
            Assert.True(result.GetProperty("std").GetProperty(name).GetDouble() >= 0);
        }
        Ran text = _place.Dl("fit", "-m", "linear", "three.csv", "--target", "kind", "--folds", "3",
            "--epochs", "2", "-q");
        Assert.Matches("(?m)^mean .*\nstd ", text.Out);
        Assert.DoesNotContain("roc_auc", text.Out);
    }

    [Fact]
    public void MixturesAreLearntAndResumed()
    {
        string[] line = ["fit", "-m", "mlp:16", "three.csv", "--target", "kind", "--epochs", "4",
            "--patience", "0", "--lr", "0.01", "--mixup", "0.3", "-q"];
        Assert.Equal(0, _place.Dl([.. line, "-o", "mixed.dlm"]).Code);
        Assert.Equal(0, _place.Dl([.. line, "-o", "again.dlm"]).Code);
        Assert.Equal(Bytes("mixed.dlm"), Bytes("again.dlm"));
        Assert.Contains("mixup 0.3", _place.Dl("info", "mixed.dlm").Out);
        Assert.Equal(0, _place.Dl("gen", "--toy", "digits", "-n", "60", "-o", "digits").Code);
        Ran cut = _place.Dl("fit", "-m", "lenet", "digits", "--epochs", "1", "--cutmix", "1",
            "--mixup", "0.2", "-o", "d.dlm", "-q", "--device", "cpu");
        Assert.True(cut.Code == 0, cut.Error);
    }

    private void Misuse(string line, string says)
    {
        Ran ran = _place.Dl(line.Split(' '));
        Assert.Equal((2, ""), (ran.Code, ran.Out));
        Assert.StartsWith("dl: ", ran.Error);
        Assert.Contains(says, ran.Error);
    }

    private JsonElement Json(params string[] arguments)
    {
        Ran ran = _place.Dl(arguments);
        Assert.True(ran.Code == 0, ran.Error);
        return JsonDocument.Parse(Assert.Single(ran.Lines)).RootElement;
    }

    private byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(_place.Folder, name));
}
