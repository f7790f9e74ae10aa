// The course of a training through the program: schedules, warm-up, averages, accumulation, the
// rate finder, and starting from another model.
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Dl.Tests;

public sealed class CourseTests : IDisposable
{
    private readonly Workplace _place = new();

    public CourseTests()
    {
        Clusters("clusters.csv", 300, ["left", "middle", "right"]);
        Clusters("halves.csv", 200, ["low", "high"]);
    }

    public void Dispose() => _place.Dispose();

    [SkippableTheory]
    [InlineData("--ema 0.99 --accumulate 3 --schedule cosine --warmup 20")]
    [InlineData("--swa 0.5 --schedule one_cycle")]
    [InlineData("--schedule reduce_on_plateau:patience=0,threshold=0.5 --lr find")]
    public void KilledAndResumedEndsWithTheSameBits(string options)
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are Unix's");
        string[] line = [.. ("fit -m mlp:128,64 clusters.csv --target kind --epochs 40 --patience 0"
            + " --checkpoint-every 1 -b 4 -q " + options).Split(' ')];
        Assert.Equal(0, _place.Dl([.. line, "-o", "whole.dlm"]).Code);
        string checkpoint = Path.Combine(_place.Folder, "cut.dlm.checkpoint");
        using (Process process = _place.Start([.. line, "-o", "cut.dlm"]))
        {
            while (!File.Exists(checkpoint) && !process.HasExited)
            {
                Thread.Sleep(5);
            }
            Skip.If(process.HasExited, "this machine trains faster than it can be interrupted");
            Process.Start("kill", ["-s", "INT", $"{process.Id}"])!.WaitForExit();
            Assert.True(process.WaitForExit(60_000), "it did not stop");
        }
        Assert.Equal(0, _place.Dl([.. line, "-o", "cut.dlm", "--resume"]).Code);
        Assert.Equal(Bytes("whole.dlm"), Bytes("cut.dlm"));
    }

    [Fact]
    public void TheFoundRateIsSaidUsedAndDrawn()
    {
        Ran ran = Fit("-m mlp:16 clusters.csv --target kind --lr find --lr-plot rates.png -o m.dlm "
            + "--epochs 5");
        Assert.Equal(0, ran.Code);
        Assert.Contains("learning rate ", ran.Error);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], Bytes("rates.png")[..4]);
        double rate = Hyperparameter("m.dlm", "lr").GetDouble();
        Assert.InRange(rate, 1e-4, 1);
        Assert.Equal(0, Fit("-m mlp:16 clusters.csv --target kind --lr find -o n.dlm --epochs 5")
            .Code);
        Assert.Equal(Bytes("m.dlm"), Bytes("n.dlm"));
    }

    [Fact]
    public void AnotherModelsWeightsAreTakenAndStay()
    {
        Assert.Equal(0, Fit("-m mlp:16,8 clusters.csv --target kind -o base.dlm --epochs 20").Code);
        Ran ran = Fit("-m mlp:16,8 halves.csv --target kind --from base.dlm --freeze dense* "
            + "-o new.dlm --epochs 3");
        Assert.Equal(0, ran.Code);
        Assert.Contains("dense_1.weight", ran.Error);
        Assert.Contains("starting afresh: output.weight (8x3 there, 8x1 here)", ran.Error);
        Assert.Equal(Weight("base.dlm", "dense_1.weight"), Weight("new.dlm", "dense_1.weight"));
        Assert.Equal(Weight("base.dlm", "dense_2.bias"), Weight("new.dlm", "dense_2.bias"));
        Ran free = Fit("-m mlp:16,8 halves.csv --target kind --from base.dlm -o free.dlm "
            + "--epochs 3");
        Assert.Equal(0, free.Code);
        Assert.NotEqual(Weight("base.dlm", "dense_1.weight"), Weight("free.dlm", "dense_1.weight"));
    }

    [Fact]
    public void WhatShapesTheCourseStandsInTheModel()
    {
        Assert.Equal(0, Fit("-m linear clusters.csv --target kind --epochs 4 --ema 0.9 "
            + "--accumulate 2 --warmup 10% --schedule step:every=2,gamma=0.5 -o m.dlm").Code);
        Assert.Equal("step:every=2,gamma=0.5", Hyperparameter("m.dlm", "schedule").GetString());
        Assert.Equal("10%", Hyperparameter("m.dlm", "warmup").GetString());
        Assert.Equal(0.9, Hyperparameter("m.dlm", "ema").GetDouble());
        Assert.Equal(2, Hyperparameter("m.dlm", "accumulate").GetInt32());
    }

    [Theory]
    [InlineData("--lr fnd", "or find")]
    [InlineData("--lr-plot x.png", "--lr find")]
    [InlineData("--schedule cosin", "did you mean 'cosine'?")]
    [InlineData("--schedule step:evry=3", "did you mean 'every'?")]
    [InlineData("--schedule one_cycle --warmup 10", "warms up by itself")]
    [InlineData("--warmup 100000 --epochs 2", "the whole training has")]
    [InlineData("--ema 0.9 --swa 0.2", "one of the two averages")]
    [InlineData("--swa-lr 0.1", "--swa SHARE")]
    [InlineData("--ema 1", "below 1")]
    [InlineData("--freeze dens_1", "did you mean 'dense_1'?")]
    [InlineData("--freeze *", "leaves nothing to train")]
    public void WrongCoursesAreRefused(string options, string says)
    {
        Ran ran = Fit("-m mlp:8 clusters.csv --target kind -o m.dlm " + options);
        Assert.Equal(2, ran.Code);
        Assert.Contains(says, ran.Error);
    }

    [Fact]
    public void ABaseWithoutAnythingInCommonIsRefused()
    {
        Assert.Equal(0, Fit("-m mlp:16 clusters.csv --target kind -o base.dlm --epochs 1").Code);
        Ran ran = Fit("-m mlp:7 halves.csv --target kind --from base.dlm -o new.dlm --epochs 1");
        Assert.Equal(2, ran.Code);
        Assert.Contains("none of its weights", ran.Error);
        Assert.Equal(3, Fit("-m mlp:7 halves.csv --from nothing.dlm -o new.dlm").Code);
    }

    private Ran Fit(string line) => _place.Dl(["fit", .. line.Split(' ')]);

    private byte[] Bytes(string name) =>
        File.ReadAllBytes(Path.Combine(_place.Folder, name));

    private JsonElement Hyperparameter(string model, string name) => JsonDocument.Parse(
        _place.Dl("info", model, "--json").Out).RootElement.GetProperty("hyperparameters")
        .GetProperty(name);

    /// <summary>The bytes of a weight, by the container's own table.</summary>
    private byte[] Weight(string model, string name)
    {
        byte[] file = Bytes(model);
        int length = (int)BitConverter.ToUInt64(file);
        JsonElement offsets = JsonDocument.Parse(file.AsMemory(8, length)).RootElement
            .GetProperty(name).GetProperty("data_offsets");
        int from = 8 + length + offsets[0].GetInt32(), to = 8 + length + offsets[1].GetInt32();
        return file[from..to];
    }

    /// <summary>Clusters side by side, one for each kind.</summary>
    private void Clusters(string name, int rows, string[] kinds)
    {
        var text = new StringBuilder("a,b,kind\n");
        var random = new Random(3);
        for (int i = 0; i < rows; i++)
        {
            double a = (i % kinds.Length * 3) + random.NextDouble() + random.NextDouble();
            double b = 7 - a + random.NextDouble();
            text.Append($"{a:0.000},{b:0.000},{kinds[i % kinds.Length]}\n");
        }
        _place.Write(name, text.ToString());
    }
}
