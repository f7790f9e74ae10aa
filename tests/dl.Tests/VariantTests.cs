// `dl fit --variant` through the program: the table, its JSON, the files, and what is refused.
using System.Text.Json;

namespace Dl.Tests;

public sealed class VariantTests : IDisposable
{
    private readonly Workplace _place = new();

    public VariantTests() => Assert.Equal(
        0, _place.Dl("gen", "--toy", "moons", "-n", "200", "--seed", "1", "-o", "moons.csv").Code);

    public void Dispose() => _place.Dispose();

    private Ran Fit(params string[] more) =>
        _place.Dl(["fit", "-m", "mlp:8", "moons.csv", "--epochs", "4", .. more]);

    [Fact]
    public void EachVariantHasARow()
    {
        const string Other = "optimizer=adam:beta1=0.8,beta2=0.9,lr=0.05 model=mlp:4,4";
        Ran ran = Fit(
            "--variant", "", "--variant", Other, "--curves", "c.png", "-o", "m.dlm",
            "--test", "0.2");
        Assert.Equal(0, ran.Code);
        Assert.Equal(["train", "val", "test"], Cells(ran.Lines[0]));
        Assert.Equal(
            ["variant", "epoch", "loss", "accuracy", "loss", "accuracy", "loss", "accuracy",
                "seconds"],
            Cells(ran.Lines[1]));
        Assert.Equal("plain", Cells(ran.Lines[2])[0]);
        Assert.StartsWith(Other + " ", ran.Lines[3]);
        Assert.StartsWith("best validation accuracy: ", ran.Lines[4]);
        Assert.StartsWith("m.dlm: epoch ", ran.Lines[5]);
        Assert.Contains("training variant 2 of 2", ran.Error);
        Assert.Contains("adam:beta1=0.8,beta2=0.9 at rate 0.05", ran.Error);
        byte[] png = File.ReadAllBytes(Path.Combine(_place.Folder, "c.png"));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
        Assert.Equal(0, _place.Dl("predict", "m.dlm", "moons.csv", "--score").Code);
        Assert.Equal(3, Directory.GetFiles(_place.Folder).Length);
    }

    [Fact]
    public void JsonHoldsWhatEachWouldPrintAlone()
    {
        Ran ran = Fit("--json", "-q", "--variant", "init=zeros,epochs=2", "--variant", "plain");
        Assert.Equal((0, ""), (ran.Code, ran.Error));
        JsonElement json = JsonDocument.Parse(Assert.Single(ran.Lines)).RootElement;
        Assert.Equal(JsonValueKind.Null, json.GetProperty("model").ValueKind);
        Assert.Equal("accuracy", json.GetProperty("metric").GetString());
        JsonElement[] variants = [.. json.GetProperty("variants").EnumerateArray()];
        Assert.Equal(2, variants.Length);
        Assert.Equal("init=zeros,epochs=2", variants[0].GetProperty("variant").GetString());
        Assert.Equal(2, variants[0].GetProperty("epochs").GetInt32());
        Ran alone = Fit("--json", "-q", "-o", "alone.dlm");
        JsonElement single = JsonDocument.Parse(alone.Out).RootElement;
        foreach (JsonProperty figure in single.EnumerateObject())
        {
            if (figure.Name is not ("model" or "seconds"))
            {
                Assert.Equal(
                    figure.Value.GetRawText(), variants[1].GetProperty(figure.Name).GetRawText());
            }
        }
    }

    [Fact]
    public void AFileMayListVariants()
    {
        _place.Write("run.json", """
            {"model": "mlp:8", "data": ["moons.csv"], "epochs": 2, "variant": ["lr=0.1,l1=0", ""]}
            """);
        Ran ran = _place.Dl("fit", "-c", "run.json", "-q");
        Assert.Equal(0, ran.Code);
        Assert.Equal("lr=0.1,l1=0", Cells(ran.Lines[2])[0]);
        Assert.Equal("plain", Cells(ran.Lines[3])[0]);
        Ran dump = _place.Dl("fit", "-c", "run.json", "--dump-config");
        Assert.Equal(2, JsonDocument.Parse(dump.Out).RootElement.GetProperty("variant")
            .GetArrayLength());
    }

    [Theory]
    [InlineData("init", "'init' given, OPTION=VALUE expected")]
    [InlineData("=3", "OPTION=VALUE expected")]
    [InlineData("dropuot=0.5", "option 'dropuot': no such option; did you mean 'dropout'?")]
    [InlineData("lr=0.1,dropuot=0.5", "lr: '0.1,dropuot=0.5' given")]
    [InlineData("dropout=1.5", "dropout: '1.5' given, a number of at least 0")]
    [InlineData("epochs=", "epochs: '' given")]
    [InlineData("init=zeross", "did you mean 'zeros'?")]
    [InlineData("optimizer=adm", "did you mean 'adam'?")]
    [InlineData("loss=huber", "loss")]
    [InlineData("lr=0.1 lr=0.2", "lr is given twice")]
    [InlineData("output=x.dlm", "output is the same for all, it cannot vary")]
    [InlineData("resume=true", "resume is the same for all")]
    [InlineData("val=0.3", "val is the same for all")]
    [InlineData("seed=2", "seed is the same for all")]
    [InlineData("metric=f1", "metric is the same for all")]
    [InlineData("variant=plain", "variant is the same for all")]
    [InlineData("plain", "is given twice")]
    public void AWrongVariantIsNamed(string variant, string says)
    {
        Ran ran = Fit("--variant", "plain", "--variant", variant);
        Assert.Equal((2, ""), (ran.Code, ran.Out));
        Assert.Contains($"--variant '{variant}': ", ran.Error);
        Assert.Contains(says, ran.Error);
        Assert.DoesNotContain("epoch 1/", ran.Error);
    }

    [Theory]
    [InlineData("--folds 3", "--folds: does not go with --variant")]
    [InlineData("--repeats 2", "--repeats: does not go with --variant")]
    [InlineData("--ensemble 3 -o m.dlm", "--ensemble: does not go with --variant")]
    [InlineData("--resume -o m.dlm", "--resume: does not go with --variant")]
    [InlineData("--dry-run", "--dry-run: does not go with --variant")]
    [InlineData("--members a.dlm,b.dlm", "--members: does not go with --variant")]
    [InlineData("--val none -o m.dlm", "nothing is held out to choose")]
    [InlineData("--variant --init=zeros", "--variant: no value given, but --init after it")]
    [InlineData("--variant --init zeros", "'--init' given, OPTION=VALUE expected")]
    public void WhatDoesNotGoWithVariantsIsRefused(string options, string says)
    {
        Ran ran = Fit(["--variant", "init=zeros", .. options.Split(' ')]);
        Assert.Equal((2, ""), (ran.Code, ran.Out));
        Assert.Contains(says, ran.Error);
    }

    [Fact]
    public void ABrokenVariantIsARow()
    {
        Ran ran = Fit("-q", "--variant", "optimizer=sgd lr=1e30", "--variant", "lr=0.01");
        Assert.Equal(0, ran.Code);
        Assert.EndsWith("failed in epoch 1", ran.Lines[2]);
        Assert.Equal("best validation accuracy: lr=0.01", ran.Lines[^1]);
        Assert.Contains("the loss became", ran.Error);
        Assert.Equal(1, Fit("-q", "--variant", "optimizer=sgd lr=1e30").Code);
    }

    private static string[] Cells(string line) =>
        line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
