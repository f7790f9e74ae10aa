// Optimisers as training uses them: arguments, groups, clipping, state that is taken up again. What
// a step computes is held to PyTorch in Verification/GoldenOptimizers.cs.
using Dl.Cpu;
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Training;

public sealed class OptimizerTests : IDisposable
{
    private readonly CpuDevice _device = new(2);

    /// <summary>Every optimiser, and what its arguments switch on.</summary>
    public static TheoryData<string> Everyone
    {
        get
        {
            var names = new TheoryData<string>();
            foreach (var rule in Optimizers.All)
            {
                names.Add(rule.Name);
            }
            names.Add("sgd:momentum=0.8,dampening=0.1,weight_decay=0.1,decoupled=true");
            names.Add("adagrad:lr_decay=0.1,initial_accumulator_value=0.2");
            names.Add("rmsprop:momentum=0.9");
            names.Add("rmsprop:centered=true");
            names.Add("rmsprop:centered=true,momentum=0.9");
            names.Add("adafactor:beta1=0.9,scale_parameter=true,relative_step=true");
            names.Add("ftrl:l1=0.1,l2=0.1,initial_accumulator_value=0.1");
            return names;
        }
    }

    /// <summary>2k steps are k steps, a checkpoint, and k steps more, to the bit.</summary>
    [Theory]
    [MemberData(nameof(Everyone))]
    public void TakenUpAgainItGoesOnWithTheSameBits(string text) =>
        Assert.Null(Resuming.Fault(_device, text, 12));

    [Theory]
    [MemberData(nameof(Everyone))]
    public void TextIsReadBack(string text)
    {
        var settings = OptimizerSettings.Parse(text);
        Assert.Equal(settings.ToString(), OptimizerSettings.Parse(settings.ToString()).ToString());
        Assert.Equal(
            settings.ToString(), OptimizerSettings.Parse(settings.ToShortString()).ToString());
    }

    [Theory]
    [InlineData("adm", "did you mean 'adam'?")]
    [InlineData("adam:beta3=0.9", "adam has no argument 'beta3'; did you mean 'beta1'?")]
    [InlineData("adam:beta1", "NAME=VALUE expected")]
    [InlineData("adam:", "NAME=VALUE expected")]
    [InlineData("adam:beta1=1", "a number of at least 0 and below 1 expected")]
    [InlineData("adam:epsilon=0", "a number above 0 expected")]
    [InlineData("adam:epsilon=nan", "a number above 0 expected")]
    [InlineData("rmsprop:centered=yes", "true or false expected")]
    [InlineData("sgd:momentum=0.1,momentum=0.2", "momentum is given twice")]
    public void WrongArgumentsAreNamed(string text, string message)
    {
        var error = Assert.Throws<UsageException>(() => OptimizerSettings.Parse(text));
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void AnOptionThatTheRuleCannotUseIsRefused()
    {
        var settings = OptimizerSettings.Parse("adam");
        var error = Assert.Throws<UsageException>(
            () => settings.WithOption("--momentum", "momentum", 0.9));
        Assert.Contains("--momentum: adam has no momentum", error.Message);
        Assert.Equal(0.3, settings.WithOption("-", "weight_decay", 0.3)["weight_decay"]);
    }

    /// <summary>Without gradients only the pull to 0 is left.</summary>
    [Theory]
    [InlineData("sgd:weight_decay=0.5", 0, 0.95f)]
    [InlineData("adamw:weight_decay=0.5", 0, 0.95f)]
    [InlineData("lion:weight_decay=0.5", 0, 0.95f)]
    [InlineData("adafactor:weight_decay=0.5", 0, 0.95f)]
    [InlineData("sgd", 2, 0.8f)]
    [InlineData("sgd", 20, 0f)]
    [InlineData("adam", 2, 0.8f)]
    public void OnlyWeightsThatDecayArePulledToZero(string text, double l1, float expected)
    {
        using var weights = Resuming.MakeWeights(_device);
        weights.Restore(Ones(weights.Length));
        using var optimizer = new Optimizer(OptimizerSettings.Parse(text), weights, _device)
        {
            L1 = l1,
        };
        optimizer.Step(0.1, null);
        foreach (var parameter in weights.All)
        {
            float one = parameter.Tensor.ToArray()[0];
            Assert.Equal(parameter.Spec.Decays && parameter.Spec.Trains ? expected : 1, one, 6);
        }
    }

    [Fact]
    public void ClippingTakesAllWeightsTogether()
    {
        using var weights = Resuming.MakeWeights(_device);
        weights.Restore(new float[weights.Length]);
        using var optimizer = new Optimizer(OptimizerSettings.Parse("sgd"), weights, _device)
        {
            ClipValue = 3,
        };
        Resuming.SetGradients(weights, (_, values) =>
        {
            Array.Clear(values);
            values[0] = 4;
        });
        int count = weights.All.Count(p => p.Spec.Trains);
        optimizer.Step(1, 1);
        // Each 4 was cut to 3, so the norm of all is 3 sqrt(count), which the step then brought
        // to 1.
        Assert.Equal(3 * Math.Sqrt(count), optimizer.GradientNorm(), 5);
        foreach (var parameter in weights.All.Where(p => p.Spec.Trains))
        {
            Assert.Equal(-1 / Math.Sqrt(count), parameter.Tensor.ToArray()[0], 5);
        }
    }

    [Fact]
    public void TheNormIsThereWithoutClippingToo()
    {
        using var weights = Resuming.MakeWeights(_device);
        using var optimizer = new Optimizer(OptimizerSettings.Parse("adam"), weights, _device);
        double sum = 0;
        Resuming.SetGradients(weights, (_, values) =>
        {
            sum += values.Length * 4;
            Array.Fill(values, 2);
        });
        optimizer.Step(1, null);
        Assert.Equal(Math.Sqrt(sum), optimizer.GradientNorm(), 4);
    }

    [Fact]
    public void AdafactorKeepsRowsAndColumnsOnly()
    {
        var settings = OptimizerSettings.Parse("adafactor");
        var method = settings.Rule.Method(settings);
        Assert.Equal(["rows", "columns"], method.State);
        Assert.Equal(3 * 3 * 64, method.StateLength(0, new Shape(3, 3, 64, 32)));
        Assert.Equal(3 * 3 * 32, method.StateLength(1, new Shape(3, 3, 64, 32)));
        Assert.Equal(1, method.StateLength(0, new Shape(100)));
        Assert.Equal(100, method.StateLength(1, new Shape(100)));
    }

    public void Dispose() => _device.Dispose();

    private static float[] Ones(long count)
    {
        var values = new float[count];
        Array.Fill(values, 1);
        return values;
    }
}
