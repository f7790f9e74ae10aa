// Does an optimiser go on with the same bits after a checkpoint? Tests of all devices share this.
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Training;

public static class Resuming
{
    /// <summary>
    /// Null: 2k steps gave the same weights, bit for bit, as k steps, a snapshot into a new
    /// optimiser, and k steps more; and both moved every weight that trains. Else what went wrong.
    /// </summary>
    public static string? Fault(Device device, string optimizer, int steps)
    {
        var settings = OptimizerSettings.Parse(optimizer);
        int live = device.LiveBuffers;
        float[] whole, start, resumed;
        using (var weights = MakeWeights(device))
        using (var one = new Optimizer(settings, weights, device))
        {
            start = weights.Snapshot();
            Run(one, weights, 0, 2 * steps);
            whole = weights.Snapshot();
        }
        using (var weights = MakeWeights(device))
        using (var second = MakeWeights(device))
        {
            using var first = new Optimizer(settings, weights, device);
            Run(first, weights, 0, steps);
            var state = first.Snapshot().ToDictionary(s => s.Name, s => s.Values);
            second.Restore(weights.Snapshot());
            using var other = new Optimizer(settings, second, device) { Steps = first.Steps };
            other.Restore(name => state[name]);
            Run(other, second, steps, 2 * steps);
            resumed = second.Snapshot();
        }
        return !Same(whole, resumed) ? "other bits after resuming"
            : Same(whole, start) ? "no weight moved"
            : Array.Exists(whole, w => !float.IsFinite(w)) ? "not finite"
            : device.LiveBuffers != live ? "kept buffers" : null;
    }

    /// <summary>A convolution, a dense layer with bias, a norm, a running mean.</summary>
    public static Weights MakeWeights(Device device)
    {
        var weights = new Weights(device,
        [
            ("conv.weight", Spec(new Shape(3, 3, 2, 5), true)),
            ("conv.bias", Spec(new Shape(5), false)),
            ("dense.weight", Spec(new Shape(40, 33), true)),
            ("dense.bias", Spec(new Shape(33), false)),
            ("norm.mean", Spec(new Shape(33), false) with { Trains = false }),
        ]);
        weights.Initialize(new Rng(3, 4));
        return weights;
    }

    /// <summary>Gives every weight that trains a gradient.</summary>
    public static void SetGradients(Weights weights, Action<Parameter, float[]> fill)
    {
        weights.CompleteGradients();
        foreach (var parameter in weights.All.Where(p => p.Spec.Trains))
        {
            var values = new float[parameter.Spec.Shape.Count];
            fill(parameter, values);
            parameter.Tensor.Device.Write(parameter.Tensor.Gradient!, values);
        }
    }

    /// <summary>Steps [from, to), each with its own gradients, at a falling rate.</summary>
    private static void Run(Optimizer optimizer, Weights weights, int from, int to)
    {
        for (int step = from; step < to; step++)
        {
            var rng = new Rng(11, (ulong)step);
            SetGradients(weights, (_, values) =>
            {
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = rng.NextNormal();
                }
            });
            optimizer.Step(0.01 / (1 + (0.1 * step)), step % 2 == 0 ? 5.0 : null);
        }
    }

    private static ParameterSpec Spec(Shape shape, bool decays) =>
        new("weight", shape, "he_normal", 8, 8, decays);

    private static bool Same(float[] a, float[] b) => a.AsSpan().SequenceEqual(b);
}
