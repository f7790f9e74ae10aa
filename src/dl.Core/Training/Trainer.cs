// The training loop: batches forward, loss backward, optimiser step; after each epoch validation,
// the best weights so far, early stopping. All of its state can be saved between any two updates
// and taken up again, to the same bits: the order of samples depends on seed and epoch alone, and
// random numbers are counted (Tensors/Rng.cs). Where memory is short, a batch is computed in parts
// (MemoryPlan.cs); a step that found out half-way begins again from the last update.
using System.Diagnostics;
using Dl.Data;
using Dl.Layers;
using Dl.Models;
using Dl.Ops;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>Trains one model on one split of the data.</summary>
public sealed class Trainer(
    Model model, LearningTask task, Optimizer optimizer, TrainerSettings settings, DataSplits data)
    : IDisposable
{
    private const ulong LayerStream = 0x4C61_7972;
    private readonly Rng _rng = new(settings.Seed, LayerStream);
    private readonly Evaluator _evaluator = new(model, task, settings);
    private readonly Predictions _predictions = new(task);
    private readonly WeightAverage? _average =
        settings.Averaging.Any ? new WeightAverage(model, settings.Averaging) : null;

    private readonly Mixing? _mixing = settings.Mixing.Any
        ? new Mixing(
            settings.Mixing, data.Train.FeatureShape, data.Train.TargetWidth, settings.Seed)
        : null;

    private readonly Readback _lossRead = model.Device.CreateReadback(1);
    private readonly BatchParts _parts =
        new((int)data.Train.FeatureShape.Count, data.Train.TargetWidth);

    private Readback? _outputRead;
    private float[] _outputs = [];
    private int _outputWidth;
    private RateCurve? _curve;
    private double _rate;

    /// <summary>Where the books stood after the last update; null: within one.</summary>
    private Books? _lastUpdate;

    /// <summary>Samples of the batches whose gradients wait for the update, in batches.</summary>
    private double _gathered;

    /// <summary>Where training stands.</summary>
    public TrainerState State { get; private set; } = new() { Parts = settings.Parts };

    /// <summary>Told when batches are cut into parts for lack of memory, and why.</summary>
    public Action<int, Exception>? Cut { get; set; }

    /// <summary>The arena of the best epoch; null before the first epoch has ended.</summary>
    public float[]? BestWeights { get; private set; }

    /// <summary>Who looks on, in the order in which they are told.</summary>
    public List<ITrainingObserver> Observers { get; } = [];

    public int StepsPerEpoch =>
        (data.Train.Count + settings.BatchSize - 1) / settings.BatchSize;

    /// <summary>Updates of the weights in an epoch; its last may have fewer batches.</summary>
    public int UpdatesPerEpoch =>
        (StepsPerEpoch + settings.Accumulate - 1) / settings.Accumulate;

    /// <summary>The average of the weights, for a checkpoint; null: none yet.</summary>
    public float[]? AverageWeights => State.Averaged > 0 ? _average?.Snapshot() : null;

    /// <summary>Is there nothing left to do?</summary>
    public bool Done =>
        State.Epoch >= settings.Epochs
        || (settings.Patience > 0 && data.Validation is not null
            && State.EpochsSinceBest >= settings.Patience);

    /// <summary>Takes up a saved state; the weights and the optimiser are restored apart.</summary>
    public void Restore(
        TrainerState state, float[]? bestWeights, float[]? averageWeights = null)
    {
        State = state;
        State.Parts = Math.Max(state.Parts, settings.Parts);
        BestWeights = bestWeights;
        if (averageWeights is not null)
        {
            _average?.Restore(averageWeights);
        }
        _rng.Position = state.RngPosition;
    }

    /// <summary>Time that steps of the last epoch waited for data, and all their time.</summary>
    public TimeSpan Waited { get; private set; }

    public TimeSpan Stepped { get; private set; }

    /// <summary>
    /// Trains to the end of the current epoch, or until cancelled: then the state stands between
    /// two updates, and null is returned.
    /// </summary>
    /// <exception cref="DlException">The loss became NaN or infinite.</exception>
    /// <exception cref="DeviceMemoryException">There is no room for a single sample.</exception>
    public EpochRecord? RunEpoch(Action<TrainingProgress> progress, CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        var order = data.Train.Order(settings.Seed, State.Epoch);
        for (bool ended = false; !ended;)
        {
            _lastUpdate = Books.Of(State, _rng);
            try
            {
                ended = RunSteps(order, watch, progress, cancel);
                if (!ended)
                {
                    return null;
                }
            }
            catch (Exception error) when (MemoryPlan.IsShortage(error)
                && _lastUpdate is not null && State.Parts < settings.BatchSize)
            {
                GoBack(error);
            }
        }
        return EndEpoch(watch);
    }

    /// <summary>Smaller parts, from where the weights last moved.</summary>
    private void GoBack(Exception why)
    {
        _lastUpdate!.Value.Restore(State, _rng);
        _gathered = 0;
        model.Weights.ClearGradients();
        model.Device.Trim();
        State.Parts = Math.Min(settings.BatchSize, 2 * State.Parts);
        Cut?.Invoke(State.Parts, why);
    }

    /// <summary>False: cancelled before the end of the epoch.</summary>
    private bool RunSteps(
        int[] order, Stopwatch watch, Action<TrainingProgress> progress, CancellationToken cancel)
    {
        using var tape = new Tape(model.Device) { FreesEarly = true };
        var pass = new Pass(tape, true, _rng);
        using var batches = new Batches(
            data.Train, settings.BatchSize, order, settings.Threads, skip: State.Step);
        long samples = 0;
        foreach (var batch in batches)
        {
            Step(pass, batch, order);
            samples += batch.Count;
            double seconds = watch.Elapsed.TotalSeconds;
            progress(new TrainingProgress(
                State.Epoch + 1, settings.Epochs, State.Step, StepsPerEpoch,
                State.LossSum / State.Samples, samples / seconds,
                seconds / samples * (data.Train.Count - State.Samples)));
            if (cancel.IsCancellationRequested && State.Step < StepsPerEpoch && _gathered == 0)
            {
                return false;
            }
        }
        (Waited, Stepped) = (batches.Waited, watch.Elapsed);
        return true;
    }

    /// <summary>Loss and metrics of the current weights on a dataset.</summary>
    public Evaluation Evaluate(IDataset dataset) => _evaluator.Run(dataset, _rng);

    public void Dispose()
    {
        _average?.Dispose();
        _lossRead.Dispose();
        _outputRead?.Dispose();
    }

    /// <summary>Puts the best weights in place of the last ones.</summary>
    public void UseBest()
    {
        if (BestWeights is not null)
        {
            model.Weights.Restore(BestWeights);
        }
    }

    /// <summary>
    /// One batch: forward, loss, backward, update, and the books. Loss and output come to the host
    /// while the device works on the backward pass, so it need not wait for anybody.
    /// </summary>
    private void Step(Pass pass, Batch batch, int[] order)
    {
        _rate = Rate();
        var moment = new TrainingMoment(
            model, pass.Tape, batch, order, State.Epoch + 1, State.Step + 1, _rate);
        var input = Prepare(batch);
        int parts = Math.Min(State.Parts, batch.Count);
        double loss = 0;
        for (int i = 0; i < parts; i++)
        {
            var (from, count) = BatchParts.Range(batch.Count, parts, i);
            var part = parts == 1 ? batch : _parts.Take(batch, from, count);
            pass.Tape.Reset();
            loss += RunPart(pass, moment with { Batch = part }, input, from, parts > 1);
        }
        loss /= parts == 1 ? 1 : Weight(batch);
        State.Step++;
        if (State.Step % settings.Accumulate == 0 || State.Step == StepsPerEpoch)
        {
            // From here on the weights move; there is no way back.
            _lastUpdate = null;
            Update(moment);
        }
        Book(batch, _outputs.AsSpan(0, batch.Count * _outputWidth), (float)loss);
        if (_gathered == 0)
        {
            _lastUpdate = Books.Of(State, _rng);
        }
        pass.Tape.Reset();
    }

    /// <summary>Forward and backward for a batch, or a part of one.</summary>
    /// <param name="input">Features of the whole batch.</param>
    /// <param name="from">The first sample of the part within the batch.</param>
    /// <returns>The loss; of a part, times its weight in the batch.</returns>
    private double RunPart(
        Pass pass, in TrainingMoment moment, ReadOnlySpan<float> input, int from, bool isPart)
    {
        var (tape, part) = (pass.Tape, moment.Batch);
        int width = (int)data.Train.FeatureShape.Count;
        var output = model.Forward(pass, tape.Input(
            data.Train.FeatureShape.Prepend(part.Count),
            input.Slice(from * width, part.Count * width)));
        var loss = Loss(tape, output, part, from);
        var outputs = BeginRead(loss, output);
        // Observers may look at it.
        tape.Keep(output);
        Backward(tape, loss, part, isPart);
        float value = _lossRead.Wait()[0];
        CheckLoss(moment, output, value);
        _outputWidth = (int)(output.Shape.Count / part.Count);
        int end = (from + part.Count) * _outputWidth;
        if (_outputs.Length < end)
        {
            Array.Resize(ref _outputs, Math.Max(settings.BatchSize * _outputWidth, end));
        }
        outputs.Wait().CopyTo(_outputs.AsSpan(from * _outputWidth));
        return isPart ? value * Weight(part) : value;
    }

    /// <summary>Sends loss and output on their way; returns where the output will be.</summary>
    private Readback BeginRead(Tensor loss, Tensor output)
    {
        if (_outputRead is null || _outputRead.Capacity < output.Shape.Count)
        {
            _outputRead?.Dispose();
            _outputRead = model.Device.CreateReadback((int)output.Shape.Count);
        }
        model.Device.BeginRead(loss.Storage, _lossRead);
        model.Device.BeginRead(output.Storage, _outputRead);
        return _outputRead;
    }

    /// <summary>The features of a training step.</summary>
    private ReadOnlySpan<float> Prepare(Batch batch) => _mixing is null
        ? batch.Features.AsSpan(0, batch.Count * (int)data.Train.FeatureShape.Count)
        : _mixing.Mix(batch, State.Epoch, State.Step);

    /// <summary>Mean loss of a training batch, a scalar; of a mixed one, of both targets.</summary>
    /// <param name="from">Where the batch begins in the one that was mixed.</param>
    private Tensor Loss(Tape tape, Tensor output, Batch batch, int from)
    {
        var own = task.BatchLoss(
            tape, output, Evaluator.Targets(data.Train, batch), batch.Count, settings.Loss);
        if (_mixing is not { Share: < 1 })
        {
            return own;
        }
        int skip = from * data.Train.TargetWidth;
        var other = task.BatchLoss(
            tape, output, _mixing.Others(from + batch.Count)[skip..], batch.Count, settings.Loss);
        return tape.Add(
            tape.Multiply(own, tape.Input(own.Shape, [_mixing.Share])),
            tape.Multiply(other, tape.Input(other.Shape, [1 - _mixing.Share])));
    }

    /// <summary>
    /// Gradients of the mean over all samples of an update: each batch adds its own by its share
    /// of them, and <see cref="Update"/> divides by the sum.
    /// </summary>
    private void Backward(Tape tape, Tensor loss, Batch batch, bool isPart)
    {
        if (settings.Accumulate == 1 && !isPart)
        {
            tape.Backward(loss);
            return;
        }
        double share = Weight(batch) / settings.BatchSize;
        tape.Backward(loss, [(float)share]);
        _gathered += share;
    }

    /// <summary>What the mean loss of a batch was divided by: samples, or their weights.</summary>
    private double Weight(Batch batch)
    {
        if (settings.Loss.ClassWeights is not { } weights)
        {
            return batch.Count;
        }
        double sum = 0;
        foreach (float label in Evaluator.Targets(data.Train, batch))
        {
            sum += weights[(int)label];
        }
        return sum;
    }

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
        model.Weights.CompleteGradients();
        if (_gathered > 0)
        {
            model.Weights.ScaleGradients((float)(1 / _gathered));
            _gathered = 0;
        }
        foreach (var observer in Observers)
        {
            observer.GradientsReady(moment);
        }
        optimizer.Step(moment.Rate, settings.ClipNorm);
        if (_average is not null && UpdatesDone > AveragesFrom)
        {
            _average.Add(State.Averaged++);
        }
        foreach (var observer in Observers)
        {
            observer.Updated(moment);
        }
    }

    /// <summary>Adds the step to the epoch's sums.</summary>
    private void Book(Batch batch, ReadOnlySpan<float> outputs, float loss)
    {
        _predictions.Clear();
        // Of a mixture, the sample with the larger share is what a prediction should name.
        var targets = _mixing is { Share: < 0.5f }
            ? _mixing.Others(batch.Count)
            : Evaluator.Targets(data.Train, batch);
        _predictions.Add(outputs, targets, batch.Count);
        // A batch of one class has no ROC AUC; it does not count.
        double metric = _predictions.Compute(task.Metrics[0]);
        bool defined = !double.IsNaN(metric);
        State.MetricSum += defined ? metric * batch.Count : 0;
        State.MetricSamples += defined ? batch.Count : 0;
        State.LossSum += loss * (double)batch.Count;
        State.Samples += batch.Count;
        State.RngPosition = _rng.Position;
    }

    /// <summary>Updates over all epochs, an unfinished one counted.</summary>
    private double UpdatesDone => ((double)State.Epoch * UpdatesPerEpoch)
        + ((State.Step + settings.Accumulate - 1) / settings.Accumulate);

    /// <summary>The update after which the average begins.</summary>
    private double AveragesFrom => settings.Averaging.SwaShare > 0
        ? Math.Floor((1 - settings.Averaging.SwaShare) * settings.Epochs * UpdatesPerEpoch) : 0;

    /// <summary>The learning rate of the update that the next step belongs to.</summary>
    private double Rate()
    {
        double update = ((double)State.Epoch * UpdatesPerEpoch)
            + (State.Step / settings.Accumulate);
        bool swa = settings.Averaging.SwaShare > 0;
        if (swa && update >= AveragesFrom && settings.Averaging.SwaRate is { } rate)
        {
            return rate;
        }
        var curve = _curve ??= new RateCurve(
            settings.Schedule, settings.Warmup, (double)settings.Epochs * UpdatesPerEpoch,
            UpdatesPerEpoch, swa ? AveragesFrom : null);
        return (State.FoundRate ?? settings.LearningRate)
            * curve.Factor(update, State.Plateau.Reductions);
    }

    private EpochRecord EndEpoch(Stopwatch watch)
    {
        State.Epoch++;
        State.Step = 0;
        bool averaged = State.Averaged > 0;
        if (averaged)
        {
            _average!.PutIn();
        }
        var record = Judge(watch);
        if (averaged)
        {
            _average!.PutBack();
        }
        if (settings.Schedule.Plateau is { } rule)
        {
            double value = rule.ByLoss ? record.ValLoss ?? record.TrainLoss
                : record.ValMetric ?? record.TrainMetric!.Value;
            State.Plateau.Observe(rule, value, !rule.ByLoss && task.Metrics[0].HigherIsBetter);
        }
        State.History.Add(record);
        (State.LossSum, State.MetricSum) = (0, 0);
        (State.Samples, State.MetricSamples) = (0, 0);
        foreach (var observer in Observers)
        {
            observer.EpochEnded(model, record);
        }
        return record;
    }

    /// <summary>Validates what is in the model, and keeps it if it is the best so far.</summary>
    private EpochRecord Judge(Stopwatch watch)
    {
        bool swa = settings.Averaging.SwaShare > 0 && State.Averaged > 0;
        if (swa && RunningStatistics.In(model))
        {
            RunningStatistics.Measure(model, data.Train, settings);
        }
        double? valLoss = null, valMetric = null;
        if (data.Validation is { } validation)
        {
            var evaluation = Evaluate(validation);
            (valLoss, valMetric) = (evaluation.Loss, evaluation.Metrics[task.Metrics[0].Name]);
        }
        var record = new EpochRecord(
            State.Epoch, State.LossSum / State.Samples, valLoss,
            State.MetricSum / State.MetricSamples, valMetric, watch.Elapsed.TotalSeconds, _rate);
        if (swa && (State.Epoch - 1) * (double)UpdatesPerEpoch <= AveragesFrom)
        {
            // From here on averages compete with each other, not with what went before.
            State.BestMetric = null;
        }
        KeepBest(record);
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

    /// <summary>What a step adds to, as it stands between two updates.</summary>
    private readonly record struct Books(
        int Step, double LossSum, double MetricSum, long MetricSamples, long Samples, ulong Rng)
    {
        public static Books Of(TrainerState state, Rng rng) => new(
            state.Step, state.LossSum, state.MetricSum, state.MetricSamples, state.Samples,
            rng.Position);

        public void Restore(TrainerState state, Rng rng)
        {
            (state.Step, state.LossSum, state.MetricSum) = (Step, LossSum, MetricSum);
            (state.MetricSamples, state.Samples) = (MetricSamples, Samples);
            state.RngPosition = rng.Position = Rng;
        }
    }
}
