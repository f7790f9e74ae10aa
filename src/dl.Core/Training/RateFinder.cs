// `--lr find`: a range test (Smith 2017, section 3.3), a short training from the first weights in
// which the rate grows evenly on a logarithmic scale until the loss runs away. Its course gives a
// rate at which learning is well under way (RateChoice.cs); how far beyond it a training can go
// depends on the optimiser, so a few short trainings, each with its rate falling to 0, decide.
// Weights and random numbers are then as they were.
using Dl.Data;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>Loss of one update at one rate.</summary>
public readonly record struct RatePoint(double Rate, double Loss);

/// <summary>What a range test gave.</summary>
/// <param name="Smooth">The losses without their noise, at the same rates.</param>
public sealed record RateSearch(
    IReadOnlyList<RatePoint> Points, IReadOnlyList<double> Smooth, double Rate);

internal static class RateFinder
{
    private const double Lowest = 1e-6;
    private const double Highest = 10;

    /// <summary>Updates of a whole sweep: 20 a decade.</summary>
    private const int SweepUpdates = 141;

    private const int TrialUpdates = 100;

    /// <summary>Quarter decades from the sweep's rate.</summary>
    private static readonly double[] Trials = [1, 1.78, 3.16];

    /// <summary>Runs the test; the model's weights are afterwards as before.</summary>
    /// <param name="createOptimizer">One with empty state; the test disposes it.</param>
    /// <exception cref="DlException">The loss is not finite from the start.</exception>
    public static RateSearch Run(
        Model model, LearningTask task, Func<Optimizer> createOptimizer, TrainerSettings settings,
        DataSplits data, CancellationToken cancel)
    {
        float[] before = model.Weights.Snapshot();
        List<RatePoint> Course(int updates, Func<double, double> rate)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var recorder = new Recorder(stop, updates);
            using (var optimizer = createOptimizer())
            using (var trainer = new Trainer(
                model, task, optimizer, Short(settings, rate), data with { Validation = null }))
            {
                trainer.Observers.Add(recorder);
                Train(trainer, recorder, stop.Token);
            }
            model.Weights.Restore(before);
            model.Weights.ClearGradients();
            cancel.ThrowIfCancellationRequested();
            return recorder.Points;
        }
        double ratio = Highest / Lowest;
        var sweep = Course(
            SweepUpdates, step => Lowest * Math.Pow(ratio, step / (SweepUpdates - 1)));
        var search = RateChoice.Read(sweep);
        var losses = Array.ConvertAll(Trials, times => RateChoice.Outcome(Course(
            TrialUpdates,
            step => search.Rate * times * (1 + Math.Cos(Math.PI * step / TrialUpdates)) / 2),
            TrialUpdates));
        double rate = search.Rate * Trials[RateChoice.Best(losses)];
        return search with { Rate = RateChoice.Rounded(rate) };
    }

    private static void Train(Trainer trainer, Recorder recorder, CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested && !trainer.Done)
            {
                trainer.RunEpoch(_ => { }, stop);
            }
        }
        catch (DlException) when (recorder.RanAway)
        {
            // The loss is infinite: that is the end of the sweep, not of the training.
        }
    }

    private static TrainerSettings Short(TrainerSettings settings, Func<double, double> rate) =>
        settings with
        {
            Epochs = int.MaxValue,
            LearningRate = 1,
            Schedule = new Schedule("", "", t => rate(t.Step)),
            Warmup = null,
            Averaging = AveragingSettings.None,
        };

    /// <summary>Gathers the losses by update, and ends the course.</summary>
    private sealed class Recorder(CancellationTokenSource stop, int updates) : ITrainingObserver
    {
        private double _sum;
        private int _batches;
        private double _lowest = double.MaxValue;
        private double _average;

        public List<RatePoint> Points { get; } = [];

        /// <summary>The loss is no number any more, and once was one.</summary>
        public bool RanAway { get; private set; }

        public void LossKnown(in TrainingMoment moment, Tensor output, float loss)
        {
            if (!float.IsFinite(loss))
            {
                RanAway = Points.Count > 0;
                stop.Cancel();
                return;
            }
            _sum += loss;
            _batches++;
        }

        public void Updated(in TrainingMoment moment)
        {
            double loss = _sum / _batches;
            (_sum, _batches) = (0, 0);
            Points.Add(new RatePoint(moment.Rate, loss));
            // Four times the best is beyond coming back; three in ten takes out the noise.
            _average += Points.Count == 1 ? loss : 0.3 * (loss - _average);
            _lowest = Math.Min(_lowest, _average);
            if (Points.Count == updates || _average > 4 * _lowest)
            {
                stop.Cancel();
            }
        }
    }
}
