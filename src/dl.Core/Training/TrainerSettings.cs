using Dl.Tasks;

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

    /// <summary>The validation loss decides which epoch is the best, not the metric.</summary>
    public bool BestByLoss { get; init; }

    /// <summary>Training on mixtures of samples.</summary>
    public MixingSettings Mixing { get; init; }

    /// <summary>What goes before the schedule; null: nothing.</summary>
    public Warmup? Warmup { get; init; }

    /// <summary>Batches whose gradients make one update, as one large batch would.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Into how many parts batches are cut for lack of memory, to begin with.</summary>
    public int Parts { get; init; } = 1;

    public AveragingSettings Averaging { get; init; } = AveragingSettings.None;
}

/// <summary>A sign of life during an epoch.</summary>
public readonly record struct TrainingProgress(
    int Epoch, int Epochs, int Step, int StepsPerEpoch, double Loss, double SamplesPerSecond,
    double EpochSecondsLeft);
