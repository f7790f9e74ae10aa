// `dl fit`: train a model on data.
using Dl.Cli.Options;
using Dl.Files;
using Dl.Training;
using Microsoft.Extensions.Logging;
using static Dl.Cli.Commands.FitEnsembleOptions;
using static Dl.Cli.Commands.FitOptionSpecs;
using static Dl.Cli.Commands.FitRateOptions;
using static Dl.Cli.Options.CommonOptions;
using DataOptions = Dl.Data.DataOptions;

namespace Dl.Cli.Commands;

internal static class FitCommand
{
    public static readonly CommandSpec Spec = new("fit", "Train a model on data")
    {
        Usage =
        [
            "--model NAME|FILE.json DATA... -o MODEL.dlm [OPTION...]",
            "--model NAME DATA... --variant OPTION=VALUE... [OPTION...]",
            "--members A.dlm,B.dlm... -o MODEL.dlm",
        ],
        Arguments = [FitOptionSpecs.Data],
        Groups =
        [
            new("Model", Model, FitOptionSpecs.Task, Loss, Init, Dropout),
            new("Data", Target, Ignore, Validation, Test, Split, Folds, Repeats, ClassWeights,
                PositiveWeight, ImageSize, Grayscale, CommonOptions.Decimal, OnBadData,
                TableMemory, Scratch),
            new("Training", Epochs, BatchSize, FitOptionSpecs.Optimizer, LearningRate,
                RatePlot, FitRateOptions.Schedule, FitRateOptions.Warmup, Momentum, WeightDecay,
                ClipGradient, ClipValue, L1, LabelSmoothing, Mixup, Cutmix, Accumulate, Ema, Swa,
                SwaRate, FitOptionSpecs.Metric, Patience, Time, Seed, Device, Precision,
                CommonOptions.Memory, Threads),
            new("Comparison", FitVariants.Variant),
            new("Ensembles", Ensemble, FitEnsembleOptions.Members),
            new("Transfer", From, FitRateOptions.Freeze),
            new("Output", Output, Resume, CheckpointEvery, Log, FitOptionSpecs.Curves, Report,
                FitOptionSpecs.Boundary, TensorBoard, DryRun, Json),
            General,
        ],
        Examples =
        [
            new("dl fit --model mlp iris.csv --target species --folds 5",
                "Cross-validates a multi-layer perceptron on a table and writes no model."),
            new("dl fit --model cnn fashion-mnist/ -o fashion.dlm --epochs 12",
                "Trains a convolutional network on IDX files and keeps the best epoch."),
            new("dl fit --model mlp:64,32 houses.csv --target price --val 0.1 -o houses.dlm",
                "Regression with a tenth of the rows held out to choose the best epoch."),
            new("dl fit --model cnn fashion-mnist/ -o fashion.dlm --epochs 12 --resume",
                "Goes on where an interrupted run stopped."),
            new("dl fit --model cnn photos/ --lr find --lr-plot rates.png -o photos.dlm",
                "Looks for the learning rate first, and draws what it saw."),
            new("dl fit --model cnn fruit/ --from photos.dlm --freeze 'conv*' -o fruit.dlm",
                "Starts from another model's weights and trains only the last layers."),
            new("dl fit --model mlp iris.csv --ensemble 5 -o iris.dlm",
                "Trains five networks into one file; predictions are their average."),
            new("dl fit --model mlp digits/ --variant init=zeros --variant init=he_normal",
                "Trains twice and compares: a row each, on the same data, split and seed."),
            new("dl fit --model lenet digits/ --dry-run",
                "Prints the layers and what they cost."),
            new("dl fit -c run.json --lr 0.01",
                "Takes all options from a file but one."),
        ],
        Run = Run,
    };

    private static int Run(Session session)
    {
        if (session.Values.Given(FitVariants.Variant))
        {
            return FitVariants.Run(session);
        }
        if (session.Values.Given(FitEnsembleOptions.Members))
        {
            return Join(session);
        }
        FitOptions options = ToOptions(session.Values);
        FitResult result = FitJob.Run(
            options, Devices.Chooser(session), new FitProgress(session).Events, session.Log);
        if (result.Interrupted)
        {
            session.Log.LogWarning(
                "interrupted in epoch {Epoch}{How}", result.Epochs + 1, GoOn(options, result));
            return CliApp.Interrupted;
        }
        session.Out.Write(session.Values.Flag(Json) ? FitReport.Json(result) + "\n"
            : options.DryRun
                ? ModelReport.DryRun(result.Setup, result.Seconds, result.Device)
                : FitReport.Text(result));
        return 0;
    }

    /// <summary>Runs of --folds and --repeats leave no checkpoint; the one for -o does.</summary>
    private static string GoOn(FitOptions options, FitResult result)
    {
        int runs = options is { Folds: null, Repeats: 1 }
            ? 0 : (options.Folds ?? 1) * options.Repeats;
        return runs == 0 ? "; the same line with --resume goes on"
            : result.Runs.Count < runs ? $" of run {result.Runs.Count + 1}; nothing was written"
            : $" of {options.Output}; --resume in place of --folds and --repeats goes on";
    }

    /// <summary>Finished models into one file.</summary>
    private static int Join(Session session)
    {
        Values values = session.Values;
        string[] members = values.List(FitEnsembleOptions.Members);
        bool trains = values.Given(Model) || values.Arguments(FitOptionSpecs.Data).Length > 0
            || values.Given(Ensemble);
        if (trains)
        {
            throw new UsageException(
                "--members: joins models that are finished; leave out DATA, --model and "
                + "--ensemble");
        }
        if (members.Length < 2)
        {
            throw new UsageException(
                $"--members: {members.Length} model given, expected two or more, separated by "
                + "commas");
        }
        string output = values.Text(Output) ?? throw new UsageException(
            "fit: no -o MODEL.dlm given; say where the model goes");
        session.Out.Write(FitReport.Joined(
            output, EnsembleFile.Join(output, members), values.Flag(Json)));
        return 0;
    }

    /// <exception cref="UsageException">Options are missing or contradict one another.</exception>
    internal static FitOptions ToOptions(Values values)
    {
        if (values.Arguments(FitOptionSpecs.Data).Length == 0)
        {
            throw new UsageException(
                $"fit: no {FitOptionSpecs.Data.Name} given; it is {FitOptionSpecs.Data.Help}");
        }
        string? model = values.Text(Model);
        if (model is null)
        {
            throw new UsageException(
                "fit: no --model given; name an architecture (dl info --list models), "
                + "a graph file or a layer string");
        }
        bool writes = !values.Flag(DryRun) && values.Integer(Folds) is null
            && values.Integer(Repeats) == 1 && !values.Given(FitVariants.Variant);
        if (writes && values.Text(Output) is null)
        {
            throw new UsageException("fit: no -o MODEL.dlm given; say where the model goes");
        }
        bool finds = values.Text(LearningRate) == "find";
        return new FitOptions
        {
            Model = model,
            Data = ToDataOptions(values),
            Output = values.Text(Output),
            Loss = values.Text(Loss),
            Metric = values.Text(FitOptionSpecs.Metric),
            Epochs = values.Integer(Epochs),
            BatchSize = values.Text(BatchSize) == "all"
                ? int.MaxValue : values.Integer(BatchSize),
            Optimizer = values.Text(FitOptionSpecs.Optimizer),
            LearningRate = finds ? null : values.Number(LearningRate),
            FindRate = finds,
            RatePlotFile = values.Text(RatePlot),
            Schedule = values.Text(FitRateOptions.Schedule),
            Warmup = values.Text(FitRateOptions.Warmup),
            Accumulate = values.Integer(Accumulate)!.Value,
            Ema = values.Number(Ema) ?? 0,
            Swa = values.Number(Swa) ?? 0,
            SwaRate = values.Number(SwaRate),
            From = values.Text(From),
            Freeze = values.List(FitRateOptions.Freeze),
            Momentum = values.Number(Momentum),
            WeightDecay = values.Number(WeightDecay),
            Dropout = values.Number(Dropout),
            Init = values.Text(Init),
            ClipGradient = values.Number(ClipGradient),
            ClipValue = values.Number(ClipValue),
            L1 = values.Number(L1)!.Value,
            LabelSmoothing = values.Number(LabelSmoothing)!.Value,
            Mixup = values.Number(Mixup)!.Value,
            Cutmix = values.Number(Cutmix)!.Value,
            ClassWeights = values.List(ClassWeights),
            PositiveWeight = values.Number(PositiveWeight),
            Patience = values.Integer(Patience),
            TimeBudget = values.Seconds(Time),
            Ensemble = values.Integer(Ensemble),
            Folds = values.Integer(Folds),
            Repeats = values.Integer(Repeats)!.Value,
            Resume = values.Flag(Resume),
            CheckpointEvery = values.Integer(CheckpointEvery),
            LogFile = values.Text(FitOptionSpecs.Log),
            CurvesFile = values.Text(FitOptionSpecs.Curves),
            ReportFile = values.Text(Report),
            BoundaryFile = values.Text(FitOptionSpecs.Boundary),
            TensorBoardFolder = values.Text(TensorBoard),
            CommandLine = values.CommandLine,
            DryRun = values.Flag(DryRun),
            Seed = (ulong)values.Long(Seed)!.Value,
            Device = values.Text(CommonOptions.Device)!,
            Threads = values.Integer(Threads),
        };
    }

    private static DataOptions ToDataOptions(Values values)
    {
        double[] split = values.Numbers(Split);
        if (split.Length > 0 && (split.Length is not (2 or 3) || Math.Abs(split.Sum() - 1) > 1e-9))
        {
            throw new UsageException(
                $"--split: {string.Join(",", split)} given, two or three shares that add up "
                + "to 1 expected, such as 0.8,0.1,0.1");
        }
        return new DataOptions
        {
            Inputs = values.Arguments(FitOptionSpecs.Data),
            Validation = values.Text(Validation),
            Test = values.Text(FitOptionSpecs.Test),
            Split = split.Length > 0 ? split : null,
            Target = values.List(Target),
            Ignore = values.List(Ignore),
            Task = values.Text(FitOptionSpecs.Task),
            DecimalComma = values.Text(CommonOptions.Decimal) == "comma",
            SkipBad = values.Text(OnBadData) == "skip",
            ImageSize = values.Integer(ImageSize),
            Grayscale = values.Flag(Grayscale),
            Seed = (ulong)values.Long(Seed)!.Value,
            Storage = Subjects.Storage(values),
        };
    }
}
