// Optimisers through the program: arguments behind a colon, what the log says of them, and runs
// that are interrupted and taken up again.
using System.Diagnostics;
using System.Text;

namespace Dl.Tests;

public sealed class OptimizerTests : IDisposable
{
    private readonly Workplace _place = new();

    [SkippableTheory]
    [InlineData("rmsprop:centered=true,momentum=0.9")]
    [InlineData("adafactor:scale_parameter=true")]
    [InlineData("ftrl:l1=0.01")]
    [InlineData("nadam")]
    public void StoppedAndResumedEndsWithTheSameBits(string optimizer)
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are Unix's");
        Rows(600);
        string[] line = ["fit", "-m", "mlp:64,32", "rows.csv", "--optimizer", optimizer,
            "--clip-grad", "1", "--clip-value", "0.5", "--epochs", "25", "--patience", "0",
            "--checkpoint-every", "1", "-q"];
        Assert.Equal(0, _place.Dl([.. line, "-o", "whole.dlm"]).Code);
        string checkpoint = Path.Combine(_place.Folder, "cut.dlm.checkpoint");
        using (Process process = _place.Start([.. line, "-o", "cut.dlm"]))
        {
            while (!File.Exists(checkpoint) && !process.HasExited)
            {
                Thread.Sleep(5);
            }
            Skip.If(process.HasExited, "this machine trains faster than it can be interrupted");
            Process.Start("kill", ["-s", "TERM", $"{process.Id}"])!.WaitForExit();
            Assert.True(process.WaitForExit(60_000), "it did not stop");
        }
        Ran other = _place.Dl(
            [.. line, "-o", "cut.dlm", "--resume", "--optimizer", "sgd:momentum=0.5"]);
        Assert.Equal(2, other.Code);
        Assert.Contains("was made with optimizer '", other.Error);
        Assert.Equal(0, _place.Dl([.. line, "-o", "cut.dlm", "--resume"]).Code);
        Assert.Equal(Bytes("whole.dlm"), Bytes("cut.dlm"));
    }

    [Fact]
    public void AllOfTheDataInOneStep()
    {
        Rows(100);
        Ran ran = _place.Dl("fit", "-m", "logistic", "rows.csv", "--optimizer", "sgd", "-b", "all",
            "--lr", "1", "--schedule", "constant", "--val", "none", "--epochs", "60", "-o", "m");
        Assert.Equal(0, ran.Code);
        Assert.Contains("batch 100", ran.Error);
        Assert.Contains("accuracy", ran.Out);
    }

    [Fact]
    public void TheLogSaysWhatDecays()
    {
        Rows(100);
        Ran ran = _place.Dl("fit", "-m", "mlp:8", "rows.csv", "--optimizer", "adamw:beta1=0.8",
            "--weight-decay", "0.01", "--l1", "0.001", "--epochs", "1", "-o", "m");
        Assert.Equal(0, ran.Code);
        Assert.Contains("adamw:beta1=0.8 at rate", ran.Error);
        Assert.Contains(
            "weight decay 0.01 and L1 0.001 on 2 weights (24 numbers), "
            + "not on 2 biases, norms and embeddings", ran.Error);
    }

    [Theory]
    [InlineData("--optimizer adam --momentum 0.9", "--momentum: adam has no momentum")]
    [InlineData("--optimizer adam:beta=0.9", "did you mean 'beta1'?")]
    [InlineData("--optimizer ftrl --l1 0.1", "--optimizer ftrl:l1=0.1")]
    [InlineData("-b every", "or all expected")]
    public void WhatDoesNotFitIsRefused(string options, string message)
    {
        Rows(60);
        Ran ran = _place.Dl(["fit", "-m", "mlp:8", "rows.csv", "-o", "m", .. options.Split(' ')]);
        Assert.Equal(2, ran.Code);
        Assert.Contains(message, ran.Error);
    }

    [Fact]
    public void TheListNamesArguments()
    {
        Ran ran = _place.Dl("info", "--list", "optimizers");
        Assert.Equal(15, ran.Lines.Length);
        Assert.Contains("lr 0.001, beta1=0.9,beta2=0.999,epsilon=1e-08,amsgrad=false", ran.Out);
    }

    public void Dispose() => _place.Dispose();

    private byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(_place.Folder, name));

    /// <summary>Two numbers, and on which side of a line they lie.</summary>
    private void Rows(int count)
    {
        var text = new StringBuilder("a,b,side\n");
        var random = new Random(5);
        for (int i = 0; i < count; i++)
        {
            double a = random.NextDouble(), b = random.NextDouble();
            text.Append($"{a:0.000},{b:0.000},{(a > b ? "above" : "below")}\n");
        }
        _place.Write("rows.csv", text.ToString());
    }
}
