// Options of `dl fit` about the course of a training: rate, averages, accumulation, transfer.
using Dl.Cli.Options;

namespace Dl.Cli.Commands;

internal static class FitRateOptions
{
    public static readonly OptionSpec RatePlot = new("lr-plot", "draw what --lr find saw")
    {
        Kind = ValueKind.Path, Value = "FILE.png",
    };

    public static readonly OptionSpec Schedule = new(
        "schedule", "how the rate runs over the training [cosine]")
    {
        Value = "NAME[:ARGS]", Registry = "schedules",
        More = "With arguments behind a colon, such as `step:every=10,gamma=0.5`, "
            + "`multistep:at=0.5,0.75` or `cosine:floor=0.01`; `dl info --list schedules` shows "
            + "them all with their defaults. A length below 1, a percentage or a fraction is a "
            + "share of training; a larger number counts epochs; `500steps` says what it is. With "
            + "cosine the rate falls to 0 at the last of --epochs. The perceptron keeps its rate "
            + "unless told otherwise.",
    };

    public static readonly OptionSpec Warmup = new("warmup", "let the rate rise first [none]")
    {
        Value = "N|SHARE",
        More = "A straight rise over N steps, a share of training such as `0.05`, or `2epochs`, "
            + "from near 0 or from a factor: `500:from=0.1`. What is left is for the schedule; "
            + "positions of `step` and `multistep` are those of the whole training.",
    };

    public static readonly OptionSpec Accumulate = new(
        "accumulate", "batches whose gradients make one step")
    {
        Kind = ValueKind.Integer, Value = "N", Default = "1", Min = 1, Max = int.MaxValue,
        More = "The step is that of a batch N times as large, in the memory of a small one. Batch "
            + "normalization still sees the small batches.",
    };

    public static readonly OptionSpec Ema = new("ema", "keep a moving average of the weights")
    {
        Kind = ValueKind.Number, Value = "DECAY", Min = 0, Max = 1, AboveMin = true,
        BelowMax = true,
        More = "Such as `0.999`; the decay is smaller during the first steps. Validation, the best "
            + "epoch and the model written use the average; running statistics of normalization "
            + "are averaged too.",
    };

    public static readonly OptionSpec Swa = new("swa", "average the weights of the last SHARE")
    {
        Kind = ValueKind.Number, Value = "SHARE", Min = 0, Max = 1, AboveMin = true,
        BelowMax = true,
        More = "Stochastic weight averaging: over the last share of training, such as `0.25`, the "
            + "rate stays and the model is the mean of all weights on the way; running "
            + "statistics of normalization are measured again for it. Early stopping is off "
            + "unless --patience is given.",
    };

    public static readonly OptionSpec SwaRate = new(
        "swa-lr", "rate while averaging [where it stands]")
    {
        Kind = ValueKind.Number, Value = "X", Min = 0, AboveMin = true,
    };

    public static readonly OptionSpec From = new("from", "start from the weights of a model")
    {
        Kind = ValueKind.Path, Value = "BASE.dlm",
        More = "Weights of the same name and shape are taken, the others start afresh; the log "
            + "says which. Preprocessing and labels are those of the new data.",
    };

    public static readonly OptionSpec Freeze = new("freeze", "layers whose weights stay")
    {
        Kind = ValueKind.List, Value = "LAYERS",
        More = "Names as `--dry-run` prints them, or patterns such as `conv*`. A frozen layer runs "
            + "as in use: without dropout, with the statistics it has.",
    };
}
