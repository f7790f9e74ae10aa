// Running statistics that fit averaged weights: one pass over the training data in training mode,
// in which the statistics become the plain mean over all batches (Izmailov et al. 2018).
using Dl.Data;
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;

namespace Dl.Training;

internal static class RunningStatistics
{
    private const ulong Stream = 0x5374_6174;

    /// <summary>Does the model keep any?</summary>
    public static bool In(Model model)
    {
        foreach (var step in model.Plan.Steps)
        {
            foreach (var spec in step.Parameters)
            {
                if (!spec.Trains && !step.Frozen)
                {
                    return true;
                }
            }
        }
        return false;
    }

    /// <summary>Measures them for the weights that are in the model.</summary>
    public static void Measure(Model model, IDataset data, TrainerSettings settings)
    {
        for (int batch = settings.BatchSize; ; batch /= 2)
        {
            try
            {
                Measure(model, data, settings, batch);
                return;
            }
            catch (Exception error) when (MemoryPlan.IsShortage(error) && batch > 1)
            {
                model.Device.Trim();
            }
        }
    }

    private static void Measure(
        Model model, IDataset data, TrainerSettings settings, int batchSize)
    {
        // A generator of its own: dropout draws, but the training's numbers stay where they are.
        var rng = new Rng(settings.Seed, Stream);
        using var tape = new Tape(model.Device, recording: false);
        using var batches = new Batches(data, batchSize, null, settings.Threads);
        int seen = 0;
        foreach (var batch in batches)
        {
            seen++;
            model.Forward(
                new Pass(tape, true, rng) { StatisticsMomentum = 1f / seen },
                Evaluator.Input(tape, data, batch));
            tape.Reset();
        }
    }
}
