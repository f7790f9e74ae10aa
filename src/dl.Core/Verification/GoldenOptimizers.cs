// Reference trajectories of optimisers: weights after each of some steps, through the optimiser
// that training uses (Training/Optimizer.cs). A case's arguments are those of torch.optim; what the
// rule has no argument for leaves the case `not built`.
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Verification;

internal static class GoldenOptimizers
{
    /// <summary>Ways in which PyTorch computes; the numbers are the same.</summary>
    private static readonly string[] Means =
        ["foreach", "differentiable", "capturable", "fused"];

    public static readonly GoldenRow[] Rows =
    [
        .. Optimizers.All.Select(rule => new GoldenRow(
            rule.Name, "w0 gradients w_after_each_step", test => Trajectory(test, rule))),
        new("clip_grad_norm", "g0 clipped0", ClipNorm),
        new("clip_grad_value", "g0 clipped0", ClipValue),
    ];

    /// <summary>Steps with given gradients (steps, ...); compares the weights after each.</summary>
    private static void Trajectory(GoldenCase test, OptimizerRule rule)
    {
        double rate = test.Number("lr", rule.LearningRate);
        var settings = Settings(test, rule);
        var start = test.Raw("w0");
        var w0 = Numbers(start);
        var gradients = Numbers(test.Raw("gradients"));
        using var weights = MakeWeights(test.Tape.Device, [start.Extents], decays: true);
        var w = weights.All[0].Tensor;
        test.Tape.Device.Write(w.Storage, w0);
        using var optimizer = new Optimizer(settings, weights, test.Tape.Device)
        {
            L1 = settings.Has("l1") ? 0 : test.Number("l1", 0),
        };
        int n = w0.Length, steps = gradients.Length / n;
        var trajectory = new float[steps * n];
        for (int t = 0; t < steps; t++)
        {
            weights.CompleteGradients();
            test.Tape.Device.Write(w.Gradient!, gradients.AsSpan(t * n, n));
            optimizer.Step(rate, null);
            test.Tape.Device.Read(w.Storage, trajectory.AsSpan(t * n, n));
        }
        test.FinishValues("w_after_each_step", trajectory);
    }

    /// <summary>The rule with the case's arguments; PyTorch has betas and eps.</summary>
    private static OptimizerSettings Settings(GoldenCase test, OptimizerRule rule)
    {
        var settings = OptimizerSettings.Of(rule);
        double[]? betas = test.Numbers("betas");
        foreach (var (argument, otherwise) in settings.Values)
        {
            double value = argument.Name switch
            {
                "beta1" when betas is not null => betas[0],
                "beta2" when betas is not null => betas[1],
                "epsilon" => test.Number("eps", test.Number("epsilon", otherwise)),
                _ when argument.IsSwitch => test.Flag(argument.Name, otherwise != 0) ? 1 : 0,
                _ => test.Number(argument.Name, otherwise),
            };
            settings = settings.With(argument.Name, value);
        }
        foreach (string name in Means)
        {
            test.Flag(name, false);
        }
        return settings;
    }

    /// <summary>Gradients g0, g1, ... of several weights, clipped together.</summary>
    private static void ClipNorm(GoldenCase test)
    {
        double limit = test.Number("max_norm", 1);
        if (test.Number("norm_type", 2) != 2)
        {
            throw new NotBuiltException("norms other than the Euclidean");
        }
        Clip(test, limit, null);
    }

    private static void ClipValue(GoldenCase test) =>
        Clip(test, null, test.Number("clip_value", 1));

    private static void Clip(GoldenCase test, double? norm, double? value)
    {
        var gradients = new List<GoldenTensor>();
        while (test.Tensors.Contains($"g{gradients.Count}"))
        {
            gradients.Add(test.Raw($"g{gradients.Count}"));
        }
        var device = test.Tape.Device;
        using var weights = MakeWeights(
            device, [.. gradients.Select(g => g.Extents)], decays: false);
        using var optimizer = new Optimizer(
            OptimizerSettings.Of(Optimizers.Find("sgd")), weights, device)
        { ClipValue = value };
        weights.CompleteGradients();
        var stored = weights.All.Select(w => w.Tensor.Gradient!).ToArray();
        for (int i = 0; i < stored.Length; i++)
        {
            device.Write(stored[i], Numbers(gradients[i]));
        }
        optimizer.Step(0, norm);
        if (test.Tensors.Contains("norm"))
        {
            test.Also("norm", [(float)optimizer.GradientNorm()]);
        }
        for (int i = 0; i < gradients.Count; i++)
        {
            var clipped = new float[Numbers(gradients[i]).Length];
            device.Read(stored[i], clipped);
            if (i < gradients.Count - 1)
            {
                test.Also($"clipped{i}", clipped);
            }
            else
            {
                test.FinishValues($"clipped{i}", clipped);
            }
        }
    }

    private static Weights MakeWeights(Device device, int[][] extents, bool decays) => new(
        device,
        [.. extents.Select((e, i) => ($"w{i}", new ParameterSpec(
            "weight", new Shape(e), "zeros", 1, 1, decays)))]);

    private static float[] Numbers(GoldenTensor tensor) => tensor.Floats
        ?? throw new NotBuiltException("integers where numbers were expected");
}
