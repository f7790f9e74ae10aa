// `dl fit --loss`: what each loss promises, on toy data whose answer is known, and what happens
// where a loss does not fit.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dl.Tensors;

namespace Dl.Tests;

public sealed class LossTests : IDisposable
{
    private readonly Workplace _place = new();

    /// <summary>y = 10 x + uniform noise over [0, 4): the 0.9 quantile is 10 x + 3.6.</summary>
    [Fact]
    public void NineOfTenTargetsLieBelowTheirQuantile()
    {
        var rng = new Rng(1);
        Write("rows.csv", 600, () =>
        {
            float x = rng.NextFloat();
            return (x, (10 * x) + (4 * rng.NextFloat()));
        });
        Fit("rows.csv", "quantile:0.9", "--epochs", "60");
        var rows = Predictions("rows.csv");
        double below = rows.Average(r => r.Target <= r.Values[0] ? 1.0 : 0);
        Assert.InRange(below, 0.86, 0.94);
        double error = rows.Average(r => Math.Abs(r.Values[0] - ((10 * r.X) + 3.6)));
        Assert.True(error < 0.35, $"off by {error}");
        JsonElement document = JsonDocument.Parse(
            _place.Dl("info", "m.dlm", "--json").Out).RootElement;
        Assert.Equal("quantile:0.9", document.GetProperty("loss").GetString());
        Assert.Contains("share_below", _place.Dl("predict", "m.dlm", "rows.csv", "--score").Out);
    }

    /// <summary>Few distinct counts look like classes; the loss says what they are.</summary>
    [Fact]
    public void RatesOfCountsAreLearnt()
    {
        var rng = new Rng(2);
        Write("rows.csv", 800, () =>
        {
            float x = (2 * rng.NextFloat()) - 1;
            return (x, Poisson(rng, Math.Exp(0.5 + x)));
        });
        Fit("rows.csv", "poisson", "--epochs", "60");
        var rows = Predictions("rows.csv");
        Assert.All(rows, r => Assert.True(r.Values[0] > 0));
        double error = rows.Average(r => Math.Abs((r.Values[0] / Math.Exp(0.5 + r.X)) - 1));
        Assert.True(error < 0.15, $"rates off by {error}");
    }

    [Fact]
    public void DeviationsArePredictedBesideTheMean()
    {
        var rng = new Rng(3);
        Write("rows.csv", 800, () =>
        {
            float x = rng.NextFloat();
            return (x, 5 + x + (MathF.Exp((2 * x) - 1) * rng.NextNormal()));
        });
        Fit("rows.csv", "gaussian_nll", "--epochs", "80");
        Ran ran = _place.Dl("predict", "m.dlm", "rows.csv");
        Assert.Equal("row,y,y_std", ran.Lines[0]);
        var rows = Predictions("rows.csv");
        double error = rows.Average(r => Math.Abs((r.Values[1] / Math.Exp((2 * r.X) - 1)) - 1));
        Assert.True(error < 0.2, $"deviations off by {error}");
        string line = _place.Dl("predict", "m.dlm", "rows.csv", "--format", "jsonl").Lines[0];
        Assert.True(JsonDocument.Parse(line).RootElement.TryGetProperty("y_std", out _));
    }

    /// <summary>One row in eight is far out; what is left should be met all the same.</summary>
    [Fact]
    public void OutliersDoNotMoveTheAdaptiveLoss()
    {
        var rng = new Rng(4);
        int n = 0;
        var clean = new List<float>();
        Write("rows.csv", 800, () =>
        {
            float x = rng.NextFloat(), y = (3 * x) + (0.1f * rng.NextNormal());
            clean.Add(y);
            return (x, n++ % 8 == 0 ? y + 40 + (20 * rng.NextFloat()) : y);
        });
        double Error(string loss)
        {
            Fit("rows.csv", loss, "--epochs", "60");
            var rows = Predictions("rows.csv");
            return rows.Select((r, i) => Math.Abs(r.Values[0] - clean[i])).Average();
        }

        double squares = Error("mse"), robust = Error("adaptive_robust");
        Assert.True(robust < squares / 4, $"robust {robust}, squares {squares}");
        // What the loss learnt lies in the model.
        JsonElement json = JsonDocument.Parse(_place.Dl("info", "m.dlm", "--json").Out).RootElement;
        Assert.Equal("adaptive_robust", json.GetProperty("loss").GetString());
        byte[] file = File.ReadAllBytes(Path.Combine(_place.Folder, "m.dlm"));
        string header = Encoding.UTF8.GetString(file, 8, (int)BitConverter.ToInt64(file));
        Assert.Contains("\"loss.alpha\"", header);
        Assert.Contains("\"loss.scale\"", header);
    }

    [SkippableFact]
    public void WhatALossLearnsSurvivesAnInterruption()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are Unix's");
        var rng = new Rng(5);
        Write("rows.csv", 3000, () => (rng.NextFloat(), rng.NextNormal()));
        string[] line = ["fit", "-m", "mlp:64,32", "rows.csv", "--target", "y", "--loss",
            "adaptive_robust", "--epochs", "20", "--patience", "0", "--checkpoint-every", "1",
            "-q"];
        Assert.Equal(0, _place.Dl([.. line, "-o", "whole.dlm"]).Code);
        using (Process process = _place.Start([.. line, "-o", "cut.dlm"]))
        {
            while (!File.Exists(Path.Combine(_place.Folder, "cut.dlm.checkpoint"))
                && !process.HasExited)
            {
                Thread.Sleep(5);
            }
            Skip.If(process.HasExited, "this machine trains faster than it can be interrupted");
            process.Kill();
            process.WaitForExit();
        }
        Assert.Equal(0, _place.Dl([.. line, "-o", "cut.dlm", "--resume"]).Code);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(_place.Folder, "whole.dlm")),
            File.ReadAllBytes(Path.Combine(_place.Folder, "cut.dlm")));
    }

    /// <summary>Members are joined as what they predict: rates, normal distributions.</summary>
    [Theory]
    [InlineData("gaussian_nll", "row,y,y_std,y_mean_std")]
    [InlineData("poisson", "row,y,y_std")]
    [InlineData("adaptive_robust", "row,y,y_std")]
    public void EnsemblesKeepWhatTheirLossMeans(string loss, string header)
    {
        var rng = new Rng(8);
        Write("rows.csv", 200, () => (rng.NextFloat(), 2 + rng.NextFloat()));
        Fit("rows.csv", loss, "--epochs", "5", "--ensemble", "2");
        Ran ran = _place.Dl("predict", "m.dlm", "rows.csv", "--uncertainty");
        Assert.Equal(header, ran.Lines[0]);
        Assert.Equal(201, ran.Lines.Length);
        Assert.DoesNotContain("NaN", ran.Out);
        Assert.Equal(0, _place.Dl("predict", "m.dlm", "rows.csv", "--score").Code);
    }

    [Theory]
    [InlineData("focal", "rare")]
    [InlineData("focal:1,0.75", "rare")]
    [InlineData("focal:3", "three")]
    [InlineData("hinge", "three")]
    [InlineData("kl_divergence", "three")]
    public void ClassesAreLearnt(string loss, string target)
    {
        var rng = new Rng(6);
        var text = new StringBuilder("x,z,rare,three\n");
        for (int i = 0; i < 400; i++)
        {
            float x = rng.NextFloat(), z = rng.NextFloat();
            string rare = x > 0.92 ? "yes" : "no", three = z < 0.3 ? "a" : z < 0.6 ? "b" : "c";
            text.Append(CultureInfo.InvariantCulture, $"{x},{z},{rare},{three}\n");
        }
        _place.Write("rows.csv", text.ToString());
        string other = target == "rare" ? "three" : "rare";
        Ran ran = _place.Dl(
            "fit", "-m", "mlp:16", "rows.csv", "--target", target, "--ignore", other, "--loss",
            loss, "--epochs", "40", "--optimizer", "adam", "--lr", "0.01", "--val", "none",
            "--json", "-o", "m.dlm", "-q");
        Assert.Equal("", ran.Error);
        double accuracy = JsonDocument.Parse(ran.Out).RootElement.GetProperty("train")
            .GetProperty("accuracy").GetDouble();
        Assert.True(accuracy > 0.9, $"accuracy {accuracy}");
    }

    /// <summary>A class that counts more is found more often.</summary>
    [Theory]
    [InlineData("--class-weights", "yes=8")]
    [InlineData("--class-weights", "balanced")]
    [InlineData("--pos-weight", "8")]
    public void WeightsMoveTheDecision(string option, string value)
    {
        var rng = new Rng(7);
        var text = new StringBuilder("x,label\n");
        for (int i = 0; i < 400; i++)
        {
            bool yes = i % 8 == 0;
            double x = rng.NextNormal() + (yes ? 1 : 0);
            text.Append(CultureInfo.InvariantCulture, $"{x},{(yes ? "yes" : "no")}\n");
        }
        _place.Write("rows.csv", text.ToString());
        int Found(params string[] more)
        {
            Ran ran = _place.Dl([
                "fit", "-m", "linear", "rows.csv", "--epochs", "30", "--val", "none", "-o",
                "m.dlm", "-q", .. more]);
            Assert.Equal("", ran.Error);
            return _place.Dl("predict", "m.dlm", "rows.csv").Lines.Count(l => l.EndsWith(",yes"));
        }

        Assert.True(Found(option, value) > Found() + 50);
    }

    [Theory]
    [InlineData("--loss triplet", 2, "needs triplets of samples")]
    [InlineData("--loss ctc", 2, "needs sequences of frames")]
    [InlineData("--loss quantile:1.5", 2, "q is '1.5', expected a number between 0 and 1")]
    [InlineData("--loss mse:2", 2, "mse takes no arguments")]
    [InlineData("--loss qantile:0.5", 2, "did you mean 'quantile'?")]
    [InlineData("--loss dice", 2, "does not suit regression")]
    [InlineData("--loss poisson", 3, "rows.csv:4: target 'y' is -1.5, expected a count")]
    [InlineData("--pos-weight 2", 2, "--pos-weight: goes with the loss binary_cross_entropy")]
    [InlineData("--pos-weight 0", 2, "--pos-weight")]
    [InlineData("--class-weights a=2", 2, "--class-weights: needs a classification")]
    [InlineData("--class-weights a=0", 2, "'a=0' given, expected balanced")]
    [InlineData("--target k --class-weights d=2", 2, "label 'd'")]
    [InlineData("--target k --loss poisson --task classification", 2, "does not suit")]
    [InlineData("--target k --loss focal:2,0.5", 2, "give --class-weights")]
    public void MisuseIsNamed(string options, int code, string says)
    {
        _place.Write("rows.csv", "x,k,y\n1,a,0.5\n2,b,2.5\n3,c,-1.5\n4,a,1\n5,b,2\n6,c,3\n");
        Ran ran = _place.Dl([
            "fit", "-m", "linear", "rows.csv", "-o", "m.dlm", "-q", .. options.Split(' ')]);
        Assert.Equal("", ran.Out);
        Assert.Contains(says, ran.Error);
        Assert.Equal(code, ran.Code);
        Assert.DoesNotContain("internal error", ran.Error);
    }

    [Fact]
    public void ARowThatIsNoCountCanBeLeftOut()
    {
        _place.Write("rows.csv", "x,y\n1,0\n2,3\n3,-1\n4,1\n5,2\n6,3\n");
        Ran ran = _place.Dl("fit", "-m", "linear", "rows.csv", "--loss", "poisson", "--epochs", "2",
            "-o", "m.dlm", "--on-bad-data", "skip");
        Assert.Equal(0, ran.Code);
        Assert.Contains("1 ", ran.Error);
    }

    public void Dispose() => _place.Dispose();

    private void Write(string name, int rows, Func<(float X, float Y)> draw)
    {
        var text = new StringBuilder("x,y\n");
        for (int i = 0; i < rows; i++)
        {
            var (x, y) = draw();
            text.Append(CultureInfo.InvariantCulture, $"{x},{y}\n");
        }
        _place.Write(name, text.ToString());
    }

    private void Fit(string data, string loss, params string[] more)
    {
        Ran ran = _place.Dl([
            "fit", "-m", "linear", data, "--target", "y", "--loss", loss, "--val", "none", "-o",
            "m.dlm", "-q", .. more]);
        Assert.Equal("", ran.Error);
        Assert.Equal(0, ran.Code);
    }

    private (double X, double Target, double[] Values)[] Predictions(string data)
    {
        string[] rows = File.ReadAllLines(Path.Combine(_place.Folder, data));
        string[] lines = _place.Dl("predict", "m.dlm", data).Lines;
        return [.. rows.Skip(1).Zip(lines.Skip(1), (row, line) =>
        {
            double[] fields = Numbers(row);
            return (fields[0], fields[1], Numbers(line)[1..]);
        })];
    }

    private static double[] Numbers(string line) => Array.ConvertAll(
        line.Split(','), field => double.Parse(field, CultureInfo.InvariantCulture));

    /// <summary>Knuth's: factors until their product is below e^-rate.</summary>
    private static int Poisson(Rng rng, double rate)
    {
        int count = 0;
        for (double p = rng.NextFloat(); p > Math.Exp(-rate); p *= rng.NextFloat())
        {
            count++;
        }
        return count;
    }
}
