// The training loop: batches forward, loss backward, optimiser step; after each epoch validation,
// the best weights so far, early stopping. All of its state can be saved between any two steps and
// taken up again, to the same bits: the order of samples depends on seed and epoch alone, and
// random
// numbers are counted (Tensors/Rng.cs).
using System.Diagnostics;
using Dl.Data;
using Dl.Layers;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>The numbers of a training run, all defaults resolved.</summary>
/// <param name="Patience">Epochs without improvement before stopping; 0: never stop early.</param>
/// <param name="Threads">Threads that prepare batches.</param>
public sealed record TrainerSettings(
    int Epochs, int BatchSize, double LearningRate, double? ClipNorm, int Patience, ulong Seed,
    LossSettings Loss, int Threads)
{
    /// <summary>How <see cref="LearningRate"/> runs over all steps.</summary>
    public Schedule Schedule { get; init; } = Schedules.Find("constant");
}

/// <summary>A sign of life during an epoch.</summary>
public readonly record struct TrainingProgress(
    int Epoch, int Epochs, int Step, int StepsPerEpoch, double Loss, double SamplesPerSecond,
    double EpochSecondsLeft);

/// <summary>Loss and metrics of a model on a dataset.</summary>
public sealed record Evaluation(double Loss, Predictions Predictions)
{
    public IReadOnlyDictionary<string, double> Metrics { get; } = Predictions.Compute();
}

/// <summary>Trains one model on one split of the data.</summary>
public sealed class Trainer(
    Model model, LearningTask task, Optimizer optimizer, TrainerSettings settings, DataSplits data)
{
    private const ulong LayerStream = 0x4C61_7972;
    private readonly Rng _rng = new(settings.Seed, LayerStream);
    private float[] _outputs = [];

    /// <summary>Where training stands.</summary>
    public TrainerState State { get; private set; } = new();

    /// <summary>The arena of the best epoch; null before the first epoch has ended.</summary>
    public float[]? BestWeights { get; private set; }

    public int StepsPerEpoch =>
        (data.Train.Count + settings.BatchSize - 1) / settings.BatchSize;

    /// <summary>Is there nothing left to do?</summary>
    public bool Done =>
        State.Epoch >= settings.Epochs
        || (settings.Patience > 0 && data.Validation is not null
            && State.EpochsSinceBest >= settings.Patience);

    /// <summary>Takes up a saved state; the weights and the optimiser are restored apart.</summary>
    public void Restore(TrainerState state, float[]? bestWeights)
    {
        State = state;
        BestWeights = bestWeights;
        _rng.Position = state.RngPosition;
    }

    /// <summary>
    /// Trains to the end of the current epoch, or until cancelled: then the state stands between
    /// two steps, and null is returned.
    /// </summary>
    /// <exception cref="DlException">The loss became NaN or infinite.</exception>
    public EpochRecord? RunEpoch(Action<TrainingProgress> progress, CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        var order = Batches.Order(data.Train.Count, settings.Seed, State.Epoch);
        var predictions = new Predictions(task);
        using var tape = new Tape(model.Device);
        using var batches = new Batches(
            data.Train, settings.BatchSize, order, settings.Threads, skip: State.Step);
        long samples = 0;
        foreach (var batch in batches)
        {
            Step(tape, batch, predictions, order);
            samples += batch.Count;
            double seconds = watch.Elapsed.TotalSeconds;
            progress(new TrainingProgress(
                State.Epoch + 1, settings.Epochs, State.Step, StepsPerEpoch,
                State.LossSum / State.Samples, samples / seconds,
                seconds / samples * (data.Train.Count - State.Samples)));
            if (cancel.IsCancellationRequested && State.Step < StepsPerEpoch)
            {
                return null;
            }
        }
        return EndEpoch(watch);
    }

    /// <summary>Loss and metrics of the current weights on a dataset.</summary>
    public Evaluation Evaluate(IDataset dataset)
    {
        var predictions = new Predictions(task);
        double lossSum = 0;
        using var tape = new Tape(model.Device, recording: false);
        var pass = new Pass(tape, false, _rng);
        var outputs = Array.Empty<float>();
        using var batches = new Batches(dataset, EvaluationBatch(), null, settings.Threads);
        foreach (var batch in batches)
        {
            var output = Forward(pass, batch);
            var loss = task.BatchLoss(
                tape, output, Targets(batch), batch.Count, settings.Loss);
            Read(output, ref outputs);
            predictions.Add(outputs, Targets(batch), batch.Count);
            lossSum += loss.Device.ReadScalar(loss.Storage) * (double)batch.Count;
            tape.Reset();
        }
        return new Evaluation(lossSum / Math.Max(1, dataset.Count), predictions);
    }

    /// <summary>Puts the best weights in place of the last ones.</summary>
    public void UseBest()
    {
        if (BestWeights is not null)
        {
            model.Weights.Restore(BestWeights);
        }
    }

    private void Step(Tape tape, Batch batch, Predictions predictions, int[] order)
    {
        var pass = new Pass(tape, true, _rng);
        var output = Forward(pass, batch);
        var loss = task.BatchLoss(tape, output, Targets(batch), batch.Count, settings.Loss);
        tape.Backward(loss);
        optimizer.Step(Rate(), settings.ClipNorm);
        float value = loss.Device.ReadScalar(loss.Storage);
        if (!float.IsFinite(value))
        {
            string first = data.Train.Locate(order[batch.First]);
            throw new DlException(
                $"training: the loss became {value} in epoch {State.Epoch + 1}, step "
                + $"{State.Step + 1} (its first sample: {first}); try a smaller --lr, "
                + "--clip-grad 1, or look for absurd values with `dl check DATA`");
        }
        Read(output, ref _outputs);
        predictions.Clear();
        predictions.Add(_outputs, Targets(batch), batch.Count);
        State.MetricSum += predictions.Compute(task.Metrics[0]) * batch.Count;
        State.LossSum += value * (double)batch.Count;
        State.Samples += batch.Count;
        State.Step++;
        State.RngPosition = _rng.Position;
        tape.Reset();
    }

    /// <summary>The learning rate of the next step.</summary>
    private double Rate()
    {
        double done = ((double)State.Epoch * StepsPerEpoch) + State.Step;
        double all = (double)settings.Epochs * StepsPerEpoch;
        return settings.LearningRate * settings.Schedule.Factor(done / all);
    }

    private EpochRecord EndEpoch(Stopwatch watch)
    {
        State.Step--;
        double rate = Rate();
        State.Epoch++;
        State.Step = 0;
        double? valLoss = null, valMetric = null;
        if (data.Validation is { } validation)
        {
            var evaluation = Evaluate(validation);
            (valLoss, valMetric) = (evaluation.Loss, evaluation.Metrics[task.Metrics[0].Name]);
        }
        var record = new EpochRecord(
            State.Epoch, State.LossSum / State.Samples, valLoss, State.MetricSum / State.Samples,
            valMetric, watch.Elapsed.TotalSeconds, rate);
        KeepBest(record);
        State.History.Add(record);
        (State.LossSum, State.MetricSum, State.Samples) = (0, 0, 0);
        return record;
    }

    /// <summary>Better: by the validation metric, on a tie by the validation loss.</summary>
    private void KeepBest(EpochRecord record)
    {
        bool higher = task.Metrics[0].HigherIsBetter;
        bool better = true;
        if (record.ValMetric is { } metric && State.BestMetric is { } best)
        {
            double gain = higher ? metric - best : best - metric;
            better = gain > 0 || (gain == 0 && record.ValLoss < State.BestLoss);
        }
        State.EpochsSinceBest++;
        if (better)
        {
            // Without validation every epoch counts as better, so the last one is kept.
            (State.BestMetric, State.BestLoss) = (record.ValMetric, record.ValLoss);
            (State.BestEpoch, State.EpochsSinceBest) = (record.Epoch, 0);
            BestWeights = model.Weights.Snapshot();
        }
    }

    private ReadOnlySpan<float> Targets(Batch batch) =>
        batch.Targets.AsSpan(0, batch.Count * data.Train.TargetWidth);

    private Tensor Forward(Pass pass, Batch batch)
    {
        var shape = data.Train.FeatureShape.Prepend(batch.Count);
        var input = pass.Tape.Input(shape, batch.Features.AsSpan(0, (int)shape.Count));
        return model.Forward(pass, input);
    }

    /// <summary>
    /// Larger than for training where samples are small: nothing is kept for gradients.
    /// </summary>
    private int EvaluationBatch() =>
        (int)Math.Clamp(1_000_000 / Math.Max(1, data.Train.FeatureShape.Count),
            Math.Min(settings.BatchSize, 256), 1024);

    private static void Read(Tensor output, ref float[] buffer)
    {
        if (buffer.Length != output.Shape.Count)
        {
            buffer = new float[output.Shape.Count];
        }
        output.Device.Read(output.Storage, buffer);
    }
}
