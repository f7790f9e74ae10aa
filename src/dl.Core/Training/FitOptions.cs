using System.Globalization;
using Dl.Data;

namespace Dl.Training;

/// <summary>
/// Everything that `dl fit` can be told; the command fills it, training reads it.
/// </summary>
public sealed record FitOptions
{
    /// <summary>
    /// An architecture with arguments (`mlp:256,128`), a graph file or a layer string.
    /// </summary>
    public required string Model { get; init; }

    public required DataOptions Data { get; init; }

    /// <summary>Path of the model file; null only with <see cref="DryRun"/> or folds.</summary>
    public string? Output { get; init; }

    /// <summary>Loss by name with its arguments (`huber:0.5`); null: the task's own.</summary>
    public string? Loss { get; init; }

    /// <summary>
    /// What decides which epoch is the best: a metric, or `loss`; null: the task's own.
    /// </summary>
    public string? Metric { get; init; }

    /// <summary>Passes over the data; null: about 4000 steps, 10 to 200 epochs.</summary>
    public int? Epochs { get; init; }

    /// <summary>Samples a step; null: chosen by the number of samples.</summary>
    public int? BatchSize { get; init; }

    /// <summary>
    /// With arguments behind a colon (`rmsprop:alpha=0.95`); null: the architecture's own, or adam.
    /// </summary>
    public string? Optimizer { get; init; }

    /// <summary>Null: the optimiser's own default.</summary>
    public double? LearningRate { get; init; }

    /// <summary>A range test chooses the rate.</summary>
    public bool FindRate { get; init; }

    /// <summary>PNG picture of the range test; null: none.</summary>
    public string? RatePlotFile { get; init; }

    /// <summary>Linear warm-up as Warmup.Parse reads it; null: the schedule's own.</summary>
    public string? Warmup { get; init; }

    /// <summary>Batches whose gradients make one update.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Decay of the exponential average of the weights; 0: none.</summary>
    public double Ema { get; init; }

    /// <summary>Share of training whose weights are averaged evenly; 0: none.</summary>
    public double Swa { get; init; }

    /// <summary>Learning rate of that share; null: where the schedule has come to.</summary>
    public double? SwaRate { get; init; }

    /// <summary>Model file whose weights training starts from; null: none.</summary>
    public string? From { get; init; }

    /// <summary>Layers, or patterns of them, whose weights stay.</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>How the rate runs, by name; null: the architecture's own, or cosine.</summary>
    public string? Schedule { get; init; }

    /// <summary>Null: the optimiser's own.</summary>
    public double? Momentum { get; init; }

    /// <summary>Null: the optimiser's own.</summary>
    public double? WeightDecay { get; init; }

    /// <summary>
    /// Share of hidden dense units left out in training; null: the architecture's own.
    /// </summary>
    public double? Dropout { get; init; }

    /// <summary>Initialiser by name; null: by activation.</summary>
    public string? Init { get; init; }

    /// <summary>Longest gradient, as a norm over all weights; null: no limit.</summary>
    public double? ClipGradient { get; init; }

    /// <summary>Largest element of a gradient; null: no limit.</summary>
    public double? ClipValue { get; init; }

    /// <summary>By this times the rate every step moves weights to 0.</summary>
    public double L1 { get; init; }

    public double LabelSmoothing { get; init; }

    /// <summary>Alpha of mixup; 0: none.</summary>
    public double Mixup { get; init; }

    /// <summary>Alpha of cutmix; 0: none.</summary>
    public double Cutmix { get; init; }

    /// <summary>`balanced`, or `LABEL=WEIGHT` items; empty: all classes count alike.</summary>
    public string[] ClassWeights { get; init; } = [];

    /// <summary>How often a target of 1 counts beside one of 0; null: once.</summary>
    public double? PositiveWeight { get; init; }

    /// <summary>
    /// Epochs without improvement after which training stops; null: 10 % of epochs, at least 5; 0:
    /// never.
    /// </summary>
    public int? Patience { get; init; }

    /// <summary>Wall-clock budget in seconds; null: none.</summary>
    public double? TimeBudget { get; init; }

    /// <summary>Members of an ensemble, trained from seeds in a row; null: one model.</summary>
    public int? Ensemble { get; init; }

    public int? Folds { get; init; }

    public int Repeats { get; init; } = 1;

    public bool Resume { get; init; }

    /// <summary>
    /// Epochs between checkpoints; null: at the end of an epoch, each 10 seconds.
    /// </summary>
    public int? CheckpointEvery { get; init; }

    /// <summary>CSV file with one line an epoch; null: none.</summary>
    public string? LogFile { get; init; }

    /// <summary>PNG picture of the loss and metric curves; null: none.</summary>
    public string? CurvesFile { get; init; }

    /// <summary>HTML page on the run; null: none.</summary>
    public string? ReportFile { get; init; }

    /// <summary>PNG picture of the decision boundary at stages; null: none.</summary>
    public string? BoundaryFile { get; init; }

    /// <summary>Folder for TensorBoard's event files; null: none.</summary>
    public string? TensorBoardFolder { get; init; }

    /// <summary>The command as it was typed, for the report.</summary>
    public string? CommandLine { get; init; }

    public bool DryRun { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>`auto`, `cpu`, `opencl` or `opencl:N`.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// Worker threads of the managed device and of data loading; null: all cores.
    /// </summary>
    public int? Threads { get; init; }

    /// <summary>
    /// For one of several trainings: the files beside the model get its number, but for the first.
    /// </summary>
    /// <param name="index">Counts from 0.</param>
    internal FitOptions Numbered(int index) => this with
    {
        LogFile = Numbered(LogFile, index),
        CurvesFile = Numbered(CurvesFile, index),
        ReportFile = Numbered(ReportFile, index),
        BoundaryFile = Numbered(BoundaryFile, index),
        RatePlotFile = Numbered(RatePlotFile, index),
        TensorBoardFolder = Numbered(TensorBoardFolder, index),
    };

    /// <summary>`run.csv`, `run-2.csv`, ...</summary>
    private static string? Numbered(string? path, int index)
    {
        if (path is null || index == 0)
        {
            return path;
        }
        string ending = Path.GetExtension(path);
        return string.Create(
            CultureInfo.InvariantCulture, $"{path[..^ending.Length]}-{index + 1}{ending}");
    }
}
