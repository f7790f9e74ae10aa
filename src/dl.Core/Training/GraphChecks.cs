// What a graph cannot do although its shapes fit, told before the first step.
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;

namespace Dl.Training;

internal static class GraphChecks
{
    /// <exception cref="UsageException">Something could never learn, or would fail.</exception>
    public static void Check(GraphPlan plan, int samples, int batch)
    {
        CheckGradients(plan);
        CheckStatistics(plan, samples, batch);
    }

    /// <summary>Weights before a function with gradient 0 get no gradient.</summary>
    private static void CheckGradients(GraphPlan plan)
    {
        var learns = new bool[plan.Steps.Count];
        for (int i = 0; i < learns.Length; i++)
        {
            var step = plan.Steps[i];
            learns[i] = step.Parameters.Any(p => p.Trains)
                || step.Sources.Any(source => source >= 0 && learns[source]);
            if (learns[i] && step.Layer is IActivated activated
                && Activations.Find(activated.Activation) is { StopsGradient: true } function)
            {
                throw new UsageException(
                    $"layer '{step.Layer.Name}': the gradient of {function.Name} is 0 everywhere, "
                    + "so the weights before it cannot learn; use sigmoid, tanh or hard_sigmoid, "
                    + "or --model perceptron, which learns by Rosenblatt's rule");
            }
        }
    }

    /// <summary>Batch norm of vectors needs two samples in every batch, the last one too.</summary>
    private static void CheckStatistics(GraphPlan plan, int samples, int batch)
    {
        int last = batch == 1 ? 1 : samples % batch;
        if (last != 1)
        {
            return;
        }
        foreach (var step in plan.Steps)
        {
            if (step.Layer is BatchNorm && step.Output.Count == step.Output.Last)
            {
                throw new UsageException(
                    $"layer '{step.Layer.Name}': batch norm needs 2 samples in every batch, but "
                    + $"{samples} samples in batches of {batch} leave one with 1; choose another "
                    + "--batch-size, or layer_norm");
            }
        }
    }
}
