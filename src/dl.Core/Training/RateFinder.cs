// `--lr find`: a range test (Smith 2017, section 3.3). A short training from the first weights in
// which the rate grows evenly on a logarithmic scale, and what the loss makes of it. It stops where
// the loss runs away; weights and random numbers are then as they were. How the rate is read off
// the course is in RateChoice.cs.
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
    private const int Updates = 141;

    /// <summary>Runs the test; the model's weights are afterwards as before.</summary>
    /// <param name="createOptimizer">One with empty state; the test disposes it.</param>
    /// <exception cref="DlException">The loss is not finite from the start.</exception>
    public static RateSearch Run(
        Model model, LearningTask task, Func<Optimizer> createOptimizer, TrainerSettings settings,
        DataSplits data, CancellationToken cancel)
    {
        float[] before = model.Weights.Snapshot();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var recorder = new Recorder(stop);
        using (var optimizer = createOptimizer())
        using (var trainer = new Trainer(
            model, task, optimizer, Sweep(settings), data with { Validation = null }))
        {
            trainer.Observers.Add(recorder);
            try
            {
                while (!stop.IsCancellationRequested && !trainer.Done)
                {
                    trainer.RunEpoch(_ => { }, stop.Token);
                }
            }
            catch (DlException) when (recorder.RanAway)
            {
                // The loss is infinite: that is the end of the sweep, not of the training.
            }
        }
        model.Weights.Restore(before);
        model.Weights.ClearGradients();
        cancel.ThrowIfCancellationRequested();
        return RateChoice.Read(recorder.Points);
    }

    private static TrainerSettings Sweep(TrainerSettings settings)
    {
        double ratio = Highest / Lowest;
        return settings with
        {
            Epochs = int.MaxValue,
            LearningRate = 1,
            Schedule = new Schedule(
                "sweep", "sweep", t => Lowest * Math.Pow(ratio, t.Step / (Updates - 1))),
            Warmup = null,
            Averaging = AveragingSettings.None,
        };
    }

    /// <summary>Gathers the losses by update, and ends the sweep.</summary>
    private sealed class Recorder(CancellationTokenSource stop) : ITrainingObserver
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
            if (Points.Count == Updates || _average > 4 * _lowest)
            {
                stop.Cancel();
            }
        }
    }
}
