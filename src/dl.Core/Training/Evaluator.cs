// Loss and metrics of a model on a dataset: forward passes in order, nothing kept for gradients.
using Dl.Data;
using Dl.Layers;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>Loss and metrics of a model on a dataset.</summary>
public sealed record Evaluation(double Loss, Predictions Predictions)
{
    public IReadOnlyDictionary<string, double> Metrics { get; } = Predictions.Compute();
}

/// <summary>Scores a model with whatever weights it has at the time.</summary>
/// <param name="forward">A batch to raw outputs.</param>
internal sealed class Evaluator(
    Device device, Func<Pass, Tensor, Tensor> forward, LearningTask task, TrainerSettings settings)
{
    public Evaluator(Model model, LearningTask task, TrainerSettings settings)
        : this(model.Device, (pass, input) => model.Forward(pass, input), task, settings)
    {
    }

    private float[] _outputs = [];

    /// <summary>Most samples at a time, for what memory there has been.</summary>
    private int _most = int.MaxValue;

    /// <param name="rng">Layers draw nothing in inference; the position stays.</param>
    /// <exception cref="DeviceMemoryException">There is no room for a single sample.</exception>
    public Evaluation Run(IDataset dataset, Rng rng)
    {
        while (true)
        {
            int batch = Math.Min(BatchSize(dataset), _most);
            try
            {
                return Run(dataset, rng, batch);
            }
            catch (Exception error) when (MemoryPlan.IsShortage(error) && batch > 1)
            {
                // Rows do not know of each other: fewer at a time give the same answers.
                _most = batch / 2;
                device.Trim();
            }
        }
    }

    private Evaluation Run(IDataset dataset, Rng rng, int batchSize)
    {
        var predictions = new Predictions(task);
        double lossSum = 0;
        using var tape = new Tape(device, recording: false);
        var pass = new Pass(tape, false, rng);
        using var batches = new Batches(dataset, batchSize, null, settings.Threads);
        foreach (var batch in batches)
        {
            var output = forward(pass, Input(tape, dataset, batch));
            var targets = Targets(dataset, batch);
            var loss = task.BatchLoss(tape, output, targets, batch.Count, settings.Loss);
            predictions.Add(Read(output, ref _outputs), targets, batch.Count);
            lossSum += loss.Device.ReadScalar(loss.Storage) * (double)batch.Count;
            tape.Reset();
        }
        return new Evaluation(lossSum / Math.Max(1, dataset.Count), predictions);
    }

    /// <summary>A batch's features on the device, (batch, feature shape...).</summary>
    public static Tensor Input(Tape tape, IDataset dataset, Batch batch)
    {
        var shape = dataset.FeatureShape.Prepend(batch.Count);
        return tape.Input(shape, batch.Features.AsSpan(0, (int)shape.Count));
    }

    public static ReadOnlySpan<float> Targets(IDataset dataset, Batch batch) =>
        batch.Targets.AsSpan(0, batch.Count * dataset.TargetWidth);

    /// <summary>A tensor's values, in a buffer that is kept while sizes stay.</summary>
    public static float[] Read(Tensor tensor, ref float[] buffer)
    {
        if (buffer.Length != tensor.Shape.Count)
        {
            buffer = new float[tensor.Shape.Count];
        }
        tensor.Device.Read(tensor.Storage, buffer);
        return buffer;
    }

    /// <summary>
    /// Larger than for training where samples are small: nothing is kept for gradients.
    /// </summary>
    private int BatchSize(IDataset dataset) =>
        (int)Math.Clamp(1_000_000 / Math.Max(1, dataset.FeatureShape.Count),
            Math.Min(settings.BatchSize, 256), 1024);
}
