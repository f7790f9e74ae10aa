// Everything about a training run that follows from options and data: task, graph, optimiser, and
// the defaults that nobody gave. What was inferred is said in the log.
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Dl.Data;
using Dl.Layers;
using Dl.Models;
using Dl.Tasks;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

/// <summary>A resolved training run on one split of the data.</summary>
public sealed record FitSetup(
    FitOptions Options, DataSplits Data, LearningTask Task, Graph Graph, GraphPlan Plan,
    OptimizerSettings Optimizer, TrainerSettings Settings)
{
    /// <summary>Training samples below which Architecture.SmallDataDecay applies.</summary>
    private const int SmallData = 5000;

    /// <summary>Multiply-adds of one training step: forward, and twice that backward.</summary>
    public double Work => 3.0 * Plan.MultiplyAdds * Settings.BatchSize;

    /// <exception cref="UsageException">An option is unknown or does not suit the data.</exception>
    public static FitSetup Create(FitOptions options, DataSplits data, ulong seed, ILogger log)
    {
        var target = data.Preprocessing.Target;
        int colon = options.Model.IndexOf(':');
        var named = Zoo.Find(colon < 0 ? options.Model : options.Model[..colon]);
        string? loss = options.Loss
            ?? (target.Kind == TargetKind.Classes ? named?.Loss : null);
        bool byLoss = options.Metric == Metrics.Loss;
        var task = LearningTask.Create(target, loss, byLoss ? null : options.Metric);
        if (options.LabelSmoothing > 0
            && task.Loss.Form is (TargetForm.Values or TargetForm.Signs))
        {
            throw new UsageException(
                $"--label-smoothing: spreads the probability of a label, and the loss "
                + $"{task.Loss.Text} knows none; leave it out, or give another --loss");
        }
        if (named is { NeedsClasses: true } && target.Kind != TargetKind.Classes)
        {
            throw new UsageException(
                $"model '{named.Name}': tells classes apart, but the task is {task.Kind} of "
                + $"{string.Join(", ", target.Names)}; use linear or mlp, or "
                + "--task classification");
        }
        var (graph, architecture) = Zoo.Resolve(
            options.Model, data.Preprocessing.FeatureShape, task.Outputs, (float?)options.Dropout);
        int count = data.Train.Count;
        if (count < SmallData && architecture?.SmallDataDecay is { } decay
            && options is { Optimizer: null, WeightDecay: null })
        {
            options = options with { Optimizer = "adamw", WeightDecay = decay };
        }
        var optimizer = ChooseOptimizer(options, architecture);
        int batch = Math.Min(
            options.BatchSize ?? architecture?.BatchSize ?? DefaultBatch(count), count);
        CheckBatch(batch, data.Preprocessing.FeatureShape.Count);
        int epochs = options.Epochs ?? DefaultEpochs(count, batch);
        var schedule = Schedules.Find(options.Schedule ?? architecture?.Schedule ?? "cosine");
        var settings = new TrainerSettings(
            epochs, batch, Rate(options, architecture, optimizer.Rule), options.ClipGradient,
            options.Patience ?? DefaultPatience(options, schedule, epochs), seed,
            new LossSettings
            {
                LabelSmoothing = (float)options.LabelSmoothing,
                ClassWeights = ClassWeights.Resolve(options.ClassWeights, data.Train, target),
                PositiveWeight = PositiveWeight(options, task),
            },
            options.Threads ?? Math.Max(1, Environment.ProcessorCount))
        {
            Schedule = schedule,
            Warmup = RateCurve.Choose(schedule, options.Warmup),
            Accumulate = options.Accumulate,
            Averaging = new AveragingSettings(options.Ema, options.Swa, options.SwaRate),
            BestByLoss = byLoss,
            Mixing = new MixingSettings(options.Mixup, options.Cutmix),
        };
        CheckWarmup(settings, count);
        settings.Mixing.Check(data.Train.FeatureShape);
        log.LogInformation(
            "{Task} of {Target}, {Outputs} output(s)", task.Kind, string.Join(", ", target.Names),
            task.Outputs);
        if (options.Metric is not null && data.Validation is null)
        {
            log.LogWarning(
                "--metric {Metric}: nothing is held out to choose by, the last epoch is kept",
                options.Metric);
        }
        WarnOfNoValidation(options, settings, data, log);
        var plan = graph.Plan().Freeze(options.Freeze);
        GraphChecks.Check(plan, count, batch);
        log.LogInformation(
            "model {Model}: {Parameters} parameters; loss {Loss}, {Optimizer} at rate {Rate} "
            + "({Schedule}), batch {Batch}, at most {Epochs} epochs",
            options.Model, plan.ParameterCount, task.Loss.Text, optimizer.ToShortString(),
            options.FindRate ? "to be found"
                : settings.LearningRate.ToString(CultureInfo.InvariantCulture),
            settings.Schedule.Text, batch, epochs);
        return new FitSetup(options, data, task, graph, plan, optimizer, settings);
    }

    /// <summary>What is asked for and waits for validation that there will not be.</summary>
    private static void WarnOfNoValidation(
        FitOptions options, TrainerSettings settings, DataSplits data, ILogger log)
    {
        if (data.Validation is not null)
        {
            return;
        }
        if (options.Patience > 0)
        {
            log.LogWarning("--patience: nothing is held out, so training does not stop early");
        }
        if (settings.Schedule.Plateau is not null)
        {
            log.LogWarning(
                "--schedule {Schedule}: nothing is held out, so the rate follows the training data",
                settings.Schedule.Text);
        }
    }

    /// <summary>Options that are given and change nothing here.</summary>
    public void WarnOfNoEffect(ILogger log)
    {
        bool pictures = Data.Preprocessing is ImagePreprocessing;
        bool folders = pictures && Array.TrueForAll(Options.Data.Inputs, Directory.Exists);
        foreach (var (given, option, why) in new[]
        {
            (Options.Dropout > 0 && !Plan.Steps.Any(step => step.Layer is Dropout), "--dropout",
                $"{Options.Model} has no hidden dense layer whose units could be left out"),
            (!pictures && Options.Data.ImageSize is not null, "--image-size",
                "the data are no pictures"),
            (!pictures && Options.Data.Grayscale, "--grayscale", "the data are no pictures"),
            (folders && Options.Data.Target.Length > 0, "--target",
                "the labels are the names of folders"),
            (folders && Options.Data.Ignore.Length > 0, "--ignore",
                "folders of pictures have no columns"),
            (folders && Options.Data.DecimalComma, "--decimal",
                "folders of pictures have no numbers"),
            (Options is { CheckpointEvery: not null, Output: null }, "--checkpoint-every",
                "checkpoints lie beside the model of -o, which is not given"),
        })
        {
            if (given)
            {
                log.LogWarning("{Option}: has no effect, {Why}", option, why);
            }
        }
    }

    /// <summary>Does the course of the rate depend on the number of epochs?</summary>
    private bool KnowsItsEnd => Settings.Schedule.KnowsItsEnd || Options.Swa > 0
        || Settings.Warmup?.Length.Unit == SpanUnit.Share;

    /// <summary>The options that decide the bits of the result, as text.</summary>
    public Dictionary<string, string> Fingerprint(string data)
    {
        static string Text(IFormattable? value) =>
            value?.ToString(null, CultureInfo.InvariantCulture) ?? "";
        return new Dictionary<string, string>
        {
            ["model"] = Options.Model,
            // The file behind the name may have changed since.
            ["graph"] = Convert.ToHexStringLower(SHA256.HashData(
                JsonSerializer.SerializeToUtf8Bytes(Graph, GraphJson.Default.Graph)).AsSpan(0, 8)),
            ["data"] = data,
            ["task"] = Task.Kind,
            ["loss"] = Task.Loss.Text,
            ["optimizer"] = Optimizer.ToString(),
            ["l1"] = Text(Options.L1),
            ["batch_size"] = Text(Settings.BatchSize),
            ["lr"] = Options.FindRate ? "find" : Text(Settings.LearningRate),
            ["schedule"] = Settings.Schedule.Text,
            ["warmup"] = Settings.Warmup?.Text ?? "",
            ["epochs"] = KnowsItsEnd ? Text(Settings.Epochs) : "",
            ["accumulate"] = Text(Settings.Accumulate),
            ["ema"] = Text(Options.Ema),
            ["swa"] = Text(Options.Swa),
            ["swa_lr"] = Text(Options.SwaRate),
            ["from"] = Options.From is { } path ? Transfer.Fingerprint(path) : "",
            ["freeze"] = string.Join(",", Options.Freeze),
            ["dropout"] = Text(Options.Dropout),
            ["init"] = Options.Init ?? "",
            ["metric"] = Options.Metric ?? "",
            ["clip_grad"] = Text(Options.ClipGradient),
            ["clip_value"] = Text(Options.ClipValue),
            ["label_smoothing"] = Text(Options.LabelSmoothing),
            ["mixup"] = Text(Options.Mixup),
            ["cutmix"] = Text(Options.Cutmix),
            ["class_weights"] = string.Join(",", Options.ClassWeights),
            ["pos_weight"] = Text(Options.PositiveWeight),
            ["seed"] = Text(Settings.Seed),
            ["shuffling"] = Data.Train.Shuffling,
        };
    }

    /// <exception cref="UsageException">The loss knows no positive targets.</exception>
    private static float PositiveWeight(FitOptions options, LearningTask task) =>
        options.PositiveWeight is null || task.Loss.Name == "binary_cross_entropy"
            ? (float)(options.PositiveWeight ?? 1)
            : throw new UsageException(
                $"--pos-weight: goes with the loss binary_cross_entropy, here it is "
                + $"{task.Loss.Text}; for classes use --class-weights");

    /// <summary>The optimiser with its arguments; --momentum and --weight-decay are such.</summary>
    /// <exception cref="UsageException">It does not take what is given.</exception>
    private static OptimizerSettings ChooseOptimizer(
        FitOptions options, Architecture? architecture)
    {
        var settings = OptimizerSettings
            .Parse(options.Optimizer ?? architecture?.Optimizer ?? "adam")
            .WithOption("--momentum", "momentum", options.Momentum)
            .WithOption("--weight-decay", "weight_decay", options.WeightDecay);
        if (settings.Is("nesterov") && (settings["momentum"] == 0 || settings["dampening"] != 0))
        {
            throw new UsageException(
                $"--optimizer: {settings.ToShortString()} has Nesterov's momentum, which needs "
                + "momentum above 0 and no dampening; give momentum=0.9");
        }
        if (options.L1 > 0 && settings.Has("l1"))
        {
            throw new UsageException(
                $"--l1: {settings.Rule.Name} has an l1 of its own; give --optimizer "
                + $"{settings.Rule.Name}:l1={options.L1.ToString(CultureInfo.InvariantCulture)}");
        }
        return settings;
    }

    /// <summary>The architecture's rate goes with the optimiser that it would get.</summary>
    private static double Rate(
        FitOptions options, Architecture? architecture, OptimizerRule rule) =>
        options.LearningRate
        ?? (options.Optimizer is null ? architecture?.LearningRate : null)
        ?? rule.LearningRate;

    /// <summary>
    /// A tenth of the epochs, at least 5. A plateau gets the time to lower the rate twice; an
    /// average over the end of training needs that end.
    /// </summary>
    private static int DefaultPatience(FitOptions options, Schedule schedule, int epochs)
    {
        int patience = Math.Max(5, epochs / 10);
        return options.Swa > 0 ? 0
            : Math.Max(patience, schedule.Plateau is { } rule ? 3 * (rule.Patience + 1) : 0);
    }

    private static void CheckWarmup(TrainerSettings settings, int samples)
    {
        if (settings.Warmup is not { } warmup)
        {
            return;
        }
        double batches = Math.Ceiling((double)samples / settings.BatchSize);
        double updates = Math.Ceiling(batches / settings.Accumulate);
        double all = updates * settings.Epochs, length = warmup.Length.In(all, updates);
        if (length > all)
        {
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture,
                $"--warmup: {warmup.Text} are {length:0} steps, the whole training has {all:0} "
                + $"({settings.Epochs} epochs of {updates:0}); give fewer"));
        }
    }

    /// <exception cref="UsageException">A batch is more than one array can hold.</exception>
    private static void CheckBatch(int batch, long features)
    {
        // As many as fit into a GiB, to be gathered for an update of about as many samples.
        long room = Math.Max(1, (1L << 28) / Math.Max(1, features));
        if (batch * (double)features > Array.MaxLength)
        {
            throw new UsageException(
                $"--batch-size: {batch} samples of {features} numbers are more than "
                + $"{Array.MaxLength}; give --batch-size {room} --accumulate "
                + $"{(batch + room - 1) / room}");
        }
    }

    /// <summary>Small data wants small batches: 16 below 500 samples, 128 from 50,000.</summary>
    private static int DefaultBatch(int samples) => samples switch
    {
        < 500 => 16,
        < 5_000 => 32,
        < 50_000 => 64,
        _ => 128,
    };

    /// <summary>About 4,000 steps, within 10 to 200 epochs.</summary>
    private static int DefaultEpochs(int samples, int batch) =>
        Math.Clamp(4000 * batch / Math.Max(1, samples), 10, 200);
}
