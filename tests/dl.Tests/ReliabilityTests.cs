// Kills, bad inputs, memory that is short, two that write the same file: through the program.
using System.Diagnostics;
using System.Globalization;

namespace Dl.Tests;

public sealed class ReliabilityTests : IDisposable
{
    private readonly Workplace _place = new();

    public ReliabilityTests() => Assert.Equal(
        0, _place.Dl("gen", "--toy", "moons", "-n", "400", "--seed", "1", "-o", "moons.csv").Code);

    public void Dispose() => _place.Dispose();

    /// <summary>Twenty of the 200 of `make accept`; the table of what was found is in the
    /// message.</summary>
    [SkippableFact]
    public void KilledAtRandomMomentsNothingIsLost()
    {
        Ran ran = Script("kill.sh", "COUNT=20 SEED=1");
        Assert.True(ran.Code == 0, ran.Error + ran.Out);
        Assert.Contains("20 trainings killed, 0 failures", ran.Out);
    }

    /// <summary>Each row of the script states what has to come.</summary>
    [SkippableFact]
    public void EveryBadInputHasItsMessageAndExitCode()
    {
        Ran ran = Script("bad-inputs.sh", "");
        Assert.True(ran.Code == 0, ran.Error + ran.Out);
        Assert.InRange(ran.Lines.Count(line => line.StartsWith("| ")), 50, 1000);
    }

    /// <summary>A batch that does not fit is computed in parts, to the same figures.</summary>
    [SkippableTheory]
    [InlineData("cpu")]
    [InlineData("opencl")]
    public void ALimitOfMemoryChangesFiguresByRoundingAlone(string device)
    {
        Skip.If(
            device != "cpu" && !_place.Dl("info", "--devices").Out.Contains("opencl:"),
            "no OpenCL device here");
        string[] line = ["fit", "-m", "mlp:512,512", "moons.csv", "--epochs", "4", "-b", "256",
            "--patience", "0", "--device", device];
        Ran whole = _place.Dl([.. line, "-o", "w.dlm", "--log", "w.csv"]);
        Ran gathered = _place.Dl(
            [.. line, "-o", "g.dlm", "--log", "g.csv", "-b", "64", "--accumulate", "4"]);
        Ran cut = _place.Dl([.. line, "-o", "c.dlm", "--log", "c.csv", "--memory", "5M"]);
        Assert.Equal((0, 0, 0), (whole.Code, gathered.Code, cut.Code));
        Assert.DoesNotContain("parts of", whole.Error);
        Assert.Matches("a batch of 256 needs about .* computed in [248] parts of", cut.Error);
        double[] expected = Losses("w.csv"), actual = Losses("c.csv"), sums = Losses("g.csv");
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-4);
            Assert.Equal(sums[i], actual[i], 1e-4);
        }
        Ran refused = _place.Dl([.. line, "-o", "x.dlm", "--memory", "2M"]);
        Assert.Equal(4, refused.Code);
        Assert.Matches("dl: model mlp:512,512: needs about .* and 2.0 MiB may be used on",
            refused.Error);
        Assert.False(File.Exists(Path.Combine(_place.Folder, "x.dlm")));
        string answers = _place.Dl("predict", "w.dlm", "moons.csv", "--device", device).Out;
        Assert.Equal(answers, _place.Dl(
            "predict", "w.dlm", "moons.csv", "--device", device, "--memory", "2600K").Out);
    }

    /// <summary>Whoever ends last has its model there; nobody's is damaged.</summary>
    [Fact]
    public void TwoThatWriteTheSameFileDoNotDisturbEachOther()
    {
        string[] line = ["fit", "-m", "mlp:32", "moons.csv", "--epochs", "30", "--patience", "0",
            "--checkpoint-every", "1", "-q"];
        Assert.Equal(0, _place.Dl([.. line, "-o", "one.dlm", "--seed", "1"]).Code);
        Assert.Equal(0, _place.Dl([.. line, "-o", "two.dlm", "--seed", "2"]).Code);
        using (Process first = _place.Start([.. line, "-o", "both.dlm", "--seed", "1"]))
        using (Process second = _place.Start([.. line, "-o", "both.dlm", "--seed", "2"]))
        {
            Assert.Equal(0, End(first));
            Assert.Equal(0, End(second));
        }
        Assert.Contains(Bytes("both.dlm"), new[] { Bytes("one.dlm"), Bytes("two.dlm") });
        // Resumed while the first still trains: both end with the same bits.
        using (Process first = _place.Start([.. line, "-o", "same.dlm", "--seed", "1"]))
        using (Process second = _place.Start(
            [.. line, "-o", "same.dlm", "--seed", "1", "--resume"]))
        {
            Assert.Equal(0, End(first));
            Assert.Equal(0, End(second));
        }
        Assert.Equal(Bytes("one.dlm"), Bytes("same.dlm"));
        Assert.Equal(
            ["both.dlm", "moons.csv", "one.dlm", "same.dlm", "two.dlm"],
            Directory.GetFiles(_place.Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void AnEarlierCheckpointIsPointedOut()
    {
        _place.Write("m.dlm.checkpoint", "of an earlier run");
        Ran ran = _place.Dl("fit", "-m", "linear", "moons.csv", "--epochs", "1", "-o", "m.dlm");
        Assert.Equal(0, ran.Code);
        Assert.Contains("m.dlm.checkpoint: is of ", ran.Error);
        _place.Write("m.dlm.checkpoint", "of an earlier run");
        ran = _place.Dl(
            "fit", "-m", "linear", "moons.csv", "--epochs", "1", "-o", "m.dlm", "--resume");
        Assert.Equal(3, ran.Code);
        Assert.StartsWith("dl: m.dlm.checkpoint: ", ran.Error.Split('\n')[^2]);
    }

    [Theory]
    [InlineData("--dropout 0.5", "--dropout: has no effect, linear has no hidden")]
    [InlineData("--image-size 32", "--image-size: has no effect, the data are no pictures")]
    [InlineData("--grayscale --folds 3", "--grayscale: has no effect, the data are no pictures")]
    public void OptionsWithoutEffectAreWarnedOfOnce(string option, string says)
    {
        Ran ran = _place.Dl(
            ["fit", "-m", "linear", "moons.csv", "--epochs", "1", "-o", "m.dlm",
                .. option.Split(' ')]);
        Assert.Equal(0, ran.Code);
        Assert.Equal(2, ran.Error.Split(says).Length);
    }

    private double[] Losses(string log) =>
    [
        .. File.ReadLines(Path.Combine(_place.Folder, log)).Skip(1).Select(
            row => double.Parse(row.Split(',')[1], CultureInfo.InvariantCulture)),
    ];

    private static int End(Process process)
    {
        process.StandardError.ReadToEnd();
        Assert.True(process.WaitForExit(60_000), "it did not end");
        return process.ExitCode;
    }

    /// <summary>A script of the repository, run with the program that is tested.</summary>
    private Ran Script(string name, string settings)
    {
        string? program = Environment.GetEnvironmentVariable("DL_BIN");
        Skip.If(OperatingSystem.IsWindows(), "the scripts are Unix's");
        Skip.If(program is null || !File.Exists(program), "DL_BIN names no program");
        Skip.If(Repository.Root is null, "the repository is not here");
        return _place.Shell(
            $"DL_BIN='{Path.GetFullPath(program!)}' {settings} "
            + $"bash '{Path.Combine(Repository.Root!, "scripts", name)}'");
    }

    private byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(_place.Folder, name));
}
