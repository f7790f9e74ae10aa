// What `dl fit` can be told, in the order of its help. The command itself is in Fit.cs.
using Dl.Cli.Options;

namespace Dl.Cli.Commands;

internal static class FitOptionSpecs
{
    /// <summary>Not needed where finished models are joined.</summary>
    public static readonly ArgumentSpec Data =
        new("DATA", "a table, IDX files or a folder, as dl-data(5) describes", 0, Many: true);

    public static readonly OptionSpec Model = new(
        "model", "architecture, graph file or layer string")
    {
        Alias = 'm', Value = "NAME|FILE.json", Registry = "models",
        More = "A name of `dl info --list models`, with arguments behind a colon where it takes "
            + "some (`mlp:256,128`); a graph in a JSON file; or layers joined by dashes, such as "
            + "`conv32-relu-pool2-conv64-relu-pool2-dense128-relu`, where `conv64x5s2` has 5x5 "
            + "kernels and stride 2; also sepconv64, dwconv3, convt32s2, avgpool2, gap, gmp, up2, "
            + "se16, dropout0.5 and activations, for images as for series and volumes. The output "
            + "layer is added to fit the task.",
    };

    public static readonly OptionSpec Task = new("task", "what the model is for [inferred]")
    {
        Value = "NAME", Registry = "tasks",
        More = "Inferred from the target and printed. Say it where the guess is wrong, for "
            + "example when classes are written as numbers.",
    };

    public static readonly OptionSpec Loss = new(
        "loss", "what training makes small [the task's own]")
    {
        Value = "NAME", Registry = "losses",
        More = "A name of `dl info --list losses`, with numbers behind a colon where it takes "
            + "some: `huber:0.5`, `quantile:0.9`, `focal:2,0.25`. With gaussian_nll, predict "
            + "prints a standard deviation beside each number.",
    };

    public static readonly OptionSpec Target = new("target", "columns to predict [inferred]")
    {
        Kind = ValueKind.List, Value = "COLS",
        More = "Several columns, separated by commas, make a model with several outputs.",
    };

    public static readonly OptionSpec Ignore = new("ignore", "columns that the model must not see")
    {
        Kind = ValueKind.List, Value = "COLS",
        More = "What repeats the target or names the row belongs here.",
    };

    public static readonly OptionSpec Validation = new(
        "val", "validation data: file, folder or share")
    {
        Value = "WHAT",
        More = "A share such as `0.1` is drawn at random from the training data. Without it, a "
            + "`val` part of the data is used where there is one, or else a tenth is held out when "
            + "there are 50 samples or more; `none` holds nothing out.",
    };

    public static readonly OptionSpec Test = new("test", "test data: file, folder or share")
    {
        Value = "WHAT", More = "Scored once, after training; nothing is chosen by it.",
    };

    public static readonly OptionSpec Split = new(
        "split", "shares of training, validation and test")
    {
        Kind = ValueKind.Numbers, Value = "A,B,C", Min = 0, Max = 1,
        More = "Two or three numbers that add up to 1, such as `0.8,0.1,0.1`.",
    };

    public static readonly OptionSpec Folds = new("folds", "cross-validate with N folds")
    {
        Kind = ValueKind.Integer, Value = "N", Min = 2, Max = int.MaxValue,
        More = "Trains N models, each tested on another Nth of the data, and prints mean and "
            + "standard deviation. With `-o` a model is then trained on all data and written.",
    };

    public static readonly OptionSpec Repeats = new("repeats", "train N times, from N seeds")
    {
        Kind = ValueKind.Integer, Value = "N", Default = "1", Min = 1, Max = int.MaxValue,
    };

    public static readonly OptionSpec ClassWeights = new("class-weights", "weigh the classes")
    {
        Kind = ValueKind.List, Value = "HOW", Default = "none",
        More = "`balanced` weighs each class by the inverse of its frequency; `a=2,b=0.5` says how "
            + "much samples of some classes count, the others count 1.",
    };

    public static readonly OptionSpec PositiveWeight = new(
        "pos-weight", "how often a yes counts beside a no [1]")
    {
        Kind = ValueKind.Number, Value = "X", Min = 0, AboveMin = true,
        More = "For two classes (the second is the yes) or several labels, with the loss "
            + "binary_cross_entropy.",
    };

    public static readonly OptionSpec ImageSize = new(
        "image-size", "resize images to N by N [their own]")
    {
        Kind = ValueKind.Integer, Value = "N", Min = 1, Max = 16384,
        More = "Without it, images of one common size keep it; others become 64 by 64.",
    };

    public static readonly OptionSpec Grayscale = new("grayscale", "read images without colour")
    {
        Kind = ValueKind.Flag,
    };

    public static readonly OptionSpec Epochs = new(
        "epochs", "passes over the data [by its size]")
    {
        Kind = ValueKind.Integer, Value = "N", Min = 1, Max = int.MaxValue,
        More = "An upper bound: early stopping may end before. Without it, as many as make about "
            + "4000 steps, from 10 to 200.",
    };

    public static readonly OptionSpec BatchSize = new(
        "batch-size", "samples a step, or all [by data size]")
    {
        Alias = 'b', Kind = ValueKind.Integer, Value = "N|all", Words = ["all"], Min = 1,
        Max = int.MaxValue,
        More = "1 is stochastic gradient descent; `all` takes every step on all of the data.",
    };

    public static readonly OptionSpec Optimizer = new(
        "optimizer", "how weights follow gradients [adam]")
    {
        Value = "NAME[:ARG=X,...]", Registry = "optimizers",
        More = "A name of `dl info --list optimizers`, which also lists the arguments that may "
            + "stand behind a colon: `rmsprop:alpha=0.95,centered=true`, `adam:beta1=0.8`. "
            + "Below 5000 training samples, mlp takes adamw with weight decay 2 unless an "
            + "optimizer or a decay is given: it would learn so little data by heart.",
    };

    public static readonly OptionSpec LearningRate = new(
        "lr", "learning rate [the optimizer's own]")
    {
        Kind = ValueKind.Number, Value = "X|find", Min = 0, AboveMin = true, Words = ["find"],
        More = "`find` tries the rates from 1e-6 to 10 in up to 141 steps, prints the one it takes "
            + "and trains with it from the first weights.",
    };

    public static readonly OptionSpec Momentum = new("momentum", "momentum [the optimizer's own]")
    {
        Kind = ValueKind.Number, Value = "X", Min = 0, Max = 1, BelowMax = true,
        More = "For sgd, momentum, nesterov and rmsprop.",
    };

    public static readonly OptionSpec WeightDecay = new(
        "weight-decay", "pull to zero [the optimizer's own]")
    {
        Kind = ValueKind.Number, Value = "X", Min = 0,
        More = "X times the weight is added to its gradient (L2), or with the argument "
            + "`decoupled`, as adamw, lion and adafactor have it, rate times X times the weight is "
            + "taken from it. Biases, norms and embeddings do not decay.",
    };

    public static readonly OptionSpec Dropout = new(
        "dropout", "share of hidden units left out [by model]")
    {
        Kind = ValueKind.Number, Value = "X", Min = 0, Max = 1, BelowMax = true,
        More = "Only while training, behind hidden dense layers. The architecture cnn has 0.5 of "
            + "its own, the others none.",
    };

    public static readonly OptionSpec Init = new("init", "how weights start [by activation]")
    {
        Value = "NAME", Registry = "initializers",
    };

    public static readonly OptionSpec ClipGradient = new(
        "clip-grad", "longest gradient, as a norm [no limit]")
    {
        Kind = ValueKind.Number, Value = "X", Min = 0, AboveMin = true,
        More = "The norm over all weights; a longer gradient is shortened to it.",
    };

    public static readonly OptionSpec ClipValue = new(
        "clip-value", "largest element of a gradient [no limit]")
    {
        Kind = ValueKind.Number, Value = "X", Min = 0, AboveMin = true,
        More = "Every element is cut off at plus and minus X, before its norm is clipped.",
    };

    public static readonly OptionSpec L1 = new("l1", "pull to zero, by steps of one size")
    {
        Kind = ValueKind.Number, Value = "X", Default = "0", Min = 0,
        More = "After a step every weight that decays is moved to 0 by X times the rate, and stays "
            + "there when it arrives: weights become exactly 0 (a proximal step). ftrl has an "
            + "argument `l1` instead.",
    };

    public static readonly OptionSpec LabelSmoothing = new(
        "label-smoothing", "share of a label spread evenly")
    {
        Kind = ValueKind.Number, Value = "X", Default = "0", Min = 0, Max = 1, BelowMax = true,
    };

    public static readonly OptionSpec Patience = new(
        "patience", "epochs without gain before it stops")
    {
        Kind = ValueKind.Integer, Value = "N", Min = 0, Max = int.MaxValue,
        More = "Early stopping is on where there is validation data: by default after a tenth of "
            + "the epochs, at least 5. `0` turns it off.",
    };

    public static readonly OptionSpec Metric = new(
        "metric", "what decides the best epoch [the task's own]")
    {
        Value = "NAME", Registry = "metrics",
        More = "A metric of the validation data, such as `roc_auc`, `f1_macro`, `log_loss` or "
            + "`top_5_accuracy`; `loss` takes the validation loss. Without it: accuracy for "
            + "classes, f1_micro for sets of labels, rmse for numbers. The figures of every epoch "
            + "show it too.",
    };

    public static readonly OptionSpec Time = new("time", "stop after this time, such as 10m")
    {
        Kind = ValueKind.Duration, Value = "TIME",
        More = "Seconds, or a number with `s`, `m`, `h`, `d`: `90`, `10m`, `1h30m`. The epoch that "
            + "runs is ended and the best model is kept.",
    };

    public static readonly OptionSpec Resume = new("resume", "go on from the checkpoint of -o")
    {
        Kind = ValueKind.Flag,
        More = "Ends with the same bits as if training had never stopped. Give the same data and "
            + "options; `--epochs` may be larger.",
    };

    public static readonly OptionSpec CheckpointEvery = new(
        "checkpoint-every", "epochs between checkpoints [by time]")
    {
        Kind = ValueKind.Integer, Value = "N", Min = 1, Max = int.MaxValue,
        More = "Without it, at the end of an epoch when ten seconds have passed since the last.",
    };

    public static readonly OptionSpec Output = new("output", "the model file to write")
    {
        Alias = 'o', Kind = ValueKind.Path, Value = "MODEL.dlm",
        More = "Written in one go, so an interrupted run leaves the old file as it was. It holds "
            + "the epoch that was best on validation data. Beside it, while training runs, lies "
            + "the checkpoint MODEL.dlm.checkpoint.",
    };

    public static readonly OptionSpec Log = new("log", "write a line an epoch to a CSV file")
    {
        Kind = ValueKind.Path, Value = "FILE.csv",
    };

    public static readonly OptionSpec Curves = new(
        "curves", "draw losses and metrics to a PNG file")
    {
        Kind = ValueKind.Path, Value = "FILE.png",
    };

    public static readonly OptionSpec Report = new("report", "write an HTML page on the run")
    {
        Kind = ValueKind.Path, Value = "FILE.html",
        More = "One page that needs nothing beside it: curves, confusion matrix, calibration, the "
            + "worst errors with their pictures, layers, histograms of weights and gradients, and "
            + "the settings that repeat the run.",
    };

    public static readonly OptionSpec Boundary = new(
        "boundary", "draw the decision boundary to a PNG file")
    {
        Kind = ValueKind.Path, Value = "FILE.png",
        More = "For tables of two numeric columns and labels: how the model divides the plane at "
            + "six stages of its training.",
    };

    public static readonly OptionSpec TensorBoard = new(
        "tensorboard", "write event files for TensorBoard")
    {
        Kind = ValueKind.Path, Value = "DIR",
        More = "Losses, the main metric and the learning rate by epoch, and histograms of weights "
            + "and gradients. A folder for each run: `tensorboard --logdir` compares them.",
    };

    public static readonly OptionSpec DryRun = new("dry-run", "print the layers and stop")
    {
        Kind = ValueKind.Flag,
        More = "Layers with their output shapes and parameters, and what memory training needs.",
    };
}
