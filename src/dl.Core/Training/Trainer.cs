// The training loop: batches forward, loss backward, optimiser step; after each epoch validation,
// the best weights so far, early stopping. All of its state can be saved between any two steps and
// taken up again, to the same bits: the order of samples depends on seed and epoch alone, and
// random numbers are counted (Tensors/Rng.cs).
using System.Diagnostics;
using Dl.Data;
using Dl.Layers;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>Trains one model on one split of the data.</summary>
public sealed class Trainer(
    Model model, LearningTask task, Optimizer optimizer, TrainerSettings settings, DataSplits data)
{
    private const ulong LayerStream = 0x4C61_7972;
    private readonly Rng _rng = new(settings.Seed, LayerStream);
    private readonly Evaluator _evaluator = new(model, task, settings);
    private readonly Predictions _predictions = new(task);
    private float[] _outputs = [];

    /// <summary>Where training stands.</summary>
    public TrainerState State { get; private set; } = new();

    /// <summary>The arena of the best epoch; null before the first epoch has ended.</summary>
    public float[]? BestWeights { get; private set; }

    /// <summary>Who looks on, in the order in which they are told.</summary>
    public IList<ITrainingObserver> Observers { get; } = [];

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
        using var tape = new Tape(model.Device);
        using var batches = new Batches(
            data.Train, settings.BatchSize, order, settings.Threads, skip: State.Step);
        long samples = 0;
        foreach (var batch in batches)
        {
            Step(tape, batch, order);
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
    public Evaluation Evaluate(IDataset dataset) => _evaluator.Run(dataset, _rng);

    /// <summary>Puts the best weights in place of the last ones.</summary>
    public void UseBest()
    {
        if (BestWeights is not null)
        {
            model.Weights.Restore(BestWeights);
        }
    }

    /// <summary>One batch: forward, loss, backward, update, and the books.</summary>
    private void Step(Tape tape, Batch batch, int[] order)
    {
        var moment = new TrainingMoment(
            model, tape, batch, order, State.Epoch + 1, State.Step + 1, Rate());
        var input = Prepare(tape, batch);
        var output = model.Forward(new Pass(tape, true, _rng), input);
        var loss = Loss(tape, output, batch);
        tape.Backward(loss);
        float value = loss.Device.ReadScalar(loss.Storage);
        CheckLoss(moment, output, value);
        Update(moment);
        Book(batch, output, value);
        tape.Reset();
    }

    /// <summary>The input of a training step on the device.</summary>
    private Tensor Prepare(Tape tape, Batch batch) => Evaluator.Input(tape, data.Train, batch);

    /// <summary>Mean loss of a training batch, a scalar.</summary>
    private Tensor Loss(Tape tape, Tensor output, Batch batch) => task.BatchLoss(
        tape, output, Evaluator.Targets(data.Train, batch), batch.Count, settings.Loss);

    private void CheckLoss(in TrainingMoment moment, Tensor output, float value)
    {
        foreach (var observer in Observers)
        {
            observer.LossKnown(moment, output, value);
        }
        if (!float.IsFinite(value))
        {
            string first = data.Train.Locate(moment.Order[moment.Batch.First]);
            throw new DlException(
                $"training: the loss became {value} in epoch {moment.Epoch}, step "
                + $"{moment.Step} (its first sample: {first}); try a smaller --lr, "
                + "--clip-grad 1, or look for absurd values with `dl check DATA`");
        }
    }

    private void Update(in TrainingMoment moment)
    {
        foreach (var observer in Observers)
        {
            observer.GradientsReady(moment);
        }
        optimizer.Step(moment.Rate, settings.ClipNorm);
        foreach (var observer in Observers)
        {
            observer.Updated(moment);
        }
    }

    /// <summary>Adds the step to the epoch's sums.</summary>
    private void Book(Batch batch, Tensor output, float loss)
    {
        _predictions.Clear();
        _predictions.Add(
            Evaluator.Read(output, ref _outputs), Evaluator.Targets(data.Train, batch),
            batch.Count);
        // A batch of one class has no ROC AUC; it does not count.
        double metric = _predictions.Compute(task.Metrics[0]);
        bool defined = !double.IsNaN(metric);
        State.MetricSum += defined ? metric * batch.Count : 0;
        State.MetricSamples += defined ? batch.Count : 0;
        State.LossSum += loss * (double)batch.Count;
        State.Samples += batch.Count;
        State.Step++;
        State.RngPosition = _rng.Position;
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
            State.Epoch, State.LossSum / State.Samples, valLoss, State.MetricSum / State.MetricSamples,
            valMetric, watch.Elapsed.TotalSeconds, rate);
        KeepBest(record);
        State.History.Add(record);
        (State.LossSum, State.MetricSum, State.Samples, State.MetricSamples) = (0, 0, 0, 0);
        foreach (var observer in Observers)
        {
            observer.EpochEnded(model, record);
        }
        return record;
    }

    private void KeepBest(EpochRecord record)
    {
        bool better = Better(record);
        State.EpochsSinceBest++;
        if (better)
        {
            // Without validation every epoch counts as better, so the last one is kept.
            (State.BestMetric, State.BestLoss) = (record.ValMetric, record.ValLoss);
            (State.BestEpoch, State.EpochsSinceBest) = (record.Epoch, 0);
            BestWeights = model.Weights.Snapshot();
        }
    }

    /// <summary>
    /// By the validation metric, on a tie (or where it is not defined) by the validation loss.
    /// </summary>
    private bool Better(EpochRecord record)
    {
        if (record.ValMetric is not { } metric || State.BestMetric is not { } best)
        {
            return true;
        }
        double gain = task.Metrics[0].HigherIsBetter ? metric - best : best - metric;
        if (settings.BestByLoss || double.IsNaN(gain) || gain == 0)
        {
            bool only = !settings.BestByLoss && double.IsNaN(best) && !double.IsNaN(metric);
            return only || record.ValLoss < State.BestLoss;
        }
        return gain > 0;
    }
}
