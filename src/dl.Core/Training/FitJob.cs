// `dl fit`, whole: data, task, model, device, training, the model file, and the figures at the end.
using Dl.Data;
using Dl.Files;
using Dl.Layers;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;
using Dl.Training.Watching;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

/// <summary>What a fit gave; FitReport prints it.</summary>
/// <param name="Epochs">Epochs trained, which may be fewer than asked for.</param>
/// <param name="Runs">With folds or repeats: the scores of each held-out part.</param>
/// <param name="Interrupted">The state was saved; nothing else is complete.</param>
public sealed record FitResult(
    string Model, int Epochs, int BestEpoch, double Seconds, string Device, Scores? Train,
    Scores? Validation, Scores? Test, IReadOnlyList<Scores> Runs, bool Interrupted,
    string? Output, FitSetup Setup, IReadOnlyList<EpochRecord> History)
{
    /// <summary>Of an ensemble, what the file of each member said; else empty.</summary>
    public IReadOnlyList<ModelDocument> Members { get; init; } = [];
}

public static class FitJob
{
    /// <summary>Trains as the options say.</summary>
    /// <exception cref="DlException">Anything that keeps it from working; says what to
    /// do.</exception>
    public static FitResult Run(
        FitOptions options, DeviceChooser devices, FitEvents events, ILogger log)
    {
        Check(options);
        using var data = TrainingData.Open(DataFor(options), log, events.Cancel);
        if (options.Folds is not null || (options.Repeats > 1 && !options.DryRun))
        {
            return CrossValidate(options, data, devices, events, log);
        }
        var setup = FitSetup.Create(options, data.Split(), options.Seed, log);
        setup.WarnOfNoEffect(log);
        if (options.DryRun)
        {
            return DryRun(setup, devices);
        }
        using var device = devices.Open(options.Device, setup.Work, options.Threads);
        log.LogInformation("device {Device}: {Description}", device.Name, device.Description);
        return options.Ensemble is null
            ? Train(setup, device, data.Fingerprint, events, log)
            : EnsembleJob.Run(setup, device, data.Fingerprint, events, log);
    }

    /// <summary>
    /// Nothing is trained; Seconds is an estimate for one epoch: its multiply-adds at half the
    /// speed
    /// that the device shows in a matrix product.
    /// </summary>
    private static FitResult DryRun(FitSetup setup, DeviceChooser devices)
    {
        using var device = devices.Open(
            setup.Options.Device, setup.Work, setup.Options.Threads);
        double work = setup.Work / setup.Settings.BatchSize * setup.Data.Train.Count;
        return new FitResult(
            setup.Options.Model, 0, 0, work / (0.5 * DeviceChooser.MeasureSpeed(device)),
            device.Name, null, null, null, [], false, null, setup, []);
    }

    private static void Check(FitOptions options)
    {
        if (options.Output is null && !options.DryRun && options.Folds is null
            && options.Repeats == 1)
        {
            throw new UsageException(
                "fit: no model file; give -o MODEL.dlm (or --folds K, or --dry-run)");
        }
        if (options.Resume && (options.Folds is not null || options.Repeats > 1))
        {
            throw new UsageException("--resume: does not go with --folds or --repeats");
        }
        if (options.Ensemble is not null && (options.Folds is not null || options.Repeats > 1))
        {
            throw new UsageException("--ensemble: does not go with --folds or --repeats");
        }
        CheckSettings(options);
    }

    /// <summary>What can be told from the options of one training alone.</summary>
    internal static void CheckSettings(FitOptions options)
    {
        CheckNames(options);
        CheckAveraging(options);
        CheckFiles(options);
    }

    /// <summary>Refused before training, not after.</summary>
    private static void CheckFiles(FitOptions options)
    {
        FileRole[] beside =
        [
            new("--log", options.LogFile), new("--curves", options.CurvesFile),
            new("--report", options.ReportFile), new("--boundary", options.BoundaryFile),
            new("--lr-plot", options.RatePlotFile),
        ];
        bool several = options.Folds is not null || options.Repeats > 1;
        if (several && options.Output is null && !options.DryRun)
        {
            FileRole[] named = [.. beside, new("--tensorboard", options.TensorBoardFolder)];
            if (Array.Find(named, file => file.Path is not null) is { Path: not null } lost)
            {
                throw new UsageException(
                    $"{lost.Role}: is about the model of -o, and --folds and --repeats alone make "
                    + "none; give -o MODEL.dlm");
            }
        }
        var data = options.Data;
        // -o may be the file of --from: what it held goes on in what is written.
        FileRoles.Check(
            [
                .. data.Inputs.Select(path => new FileRole("data", path)),
                new("--val", data.Validation), new("--test", data.Test),
                new("--model", options.Model),
            ],
            [new("-o", options.Output), .. beside]);
        FileRoles.Check([new("--from", options.From)], beside);
        foreach (var (_, path) in (FileRole[])[new("-o", options.Output), .. beside])
        {
            if (path is not null)
            {
                AtomicFile.CheckWritable(path);
            }
        }
        if (options.Output is { } output and not "-" && !AtomicFile.IsDevice(output))
        {
            AtomicFile.CheckWritable(FitRun.CheckpointPath(output));
        }
        if (options.TensorBoardFolder is { } folder)
        {
            EventFile.CreateFolder(folder);
        }
    }

    /// <summary>A loss for counts says that the targets are some.</summary>
    internal static DataOptions DataFor(FitOptions options) =>
        options.Loss is { } loss && Losses.Find(loss).Counts
            ? options.Data with { Counts = true, Task = options.Data.Task ?? "regression" }
            : options.Data;

    /// <summary>Misspelt names are refused before the data is read.</summary>
    private static void CheckNames(FitOptions options)
    {
        Zoo.CheckName(options.Model);
        _ = options.Optimizer is null ? null : OptimizerSettings.Parse(options.Optimizer);
        _ = options.Schedule is null ? null : Schedules.Find(options.Schedule);
        _ = options.Warmup is null ? null : Warmup.Parse(options.Warmup);
        if (options.From is { } path)
        {
            ModelFile.Load(path).Dispose();
        }
        _ = options.Loss is null ? null : Losses.Find(options.Loss);
        ClassWeights.Check(options.ClassWeights);
        _ = options.Init is null ? null : Initializers.Find(options.Init);
        if (options.Metric is { } metric)
        {
            Metrics.CheckName(metric);
        }
        if (options.Data.Target.Intersect(options.Data.Ignore).FirstOrDefault() is { } both)
        {
            throw new UsageException($"--ignore: '{both}' is also the --target; name it once");
        }
    }

    private static void CheckAveraging(FitOptions options)
    {
        if (options.Ema > 0 && options.Swa > 0)
        {
            throw new UsageException("--swa: does not go with --ema; give one of the two averages");
        }
        if (options.SwaRate is not null && options.Swa == 0)
        {
            throw new UsageException("--swa-lr: is the rate of --swa SHARE, which is not given");
        }
        if (options.RatePlotFile is not null && !options.FindRate)
        {
            throw new UsageException("--lr-plot: draws what --lr find does, which is not given");
        }
    }

    /// <summary>One run, its best weights in the model file.</summary>
    internal static FitResult Train(
        FitSetup setup, Device device, string fingerprint, FitEvents events, ILogger log)
    {
        var options = setup.Options;
        using var run = new FitRun(setup, device, fingerprint, log);
        run.Start(events.Cancel);
        using var epochLog = options.LogFile is { } path
            ? new EpochLog(path, setup.Task.Metrics[0].Name, run.Trainer.State.History)
            : null;
        using var watch = Watch(options, setup);
        var boundary = options.BoundaryFile is null
            ? null : new Boundary(setup.Task, setup.Data);
        Observe(run.Trainer, setup, watch, boundary);
        bool done = run.Train(events, record =>
        {
            if (epochLog?.Add(record) is { } failure)
            {
                log.LogWarning("{Failure}; training goes on without it", failure.Message);
            }
        });
        var state = run.Trainer.State;
        if (!done)
        {
            return new FitResult(
                options.Model, state.Epoch, state.BestEpoch, run.Seconds, device.Name, null, null,
                null, [], true, options.Output, setup, state.History);
        }
        run.Finish();
        var result = new FitResult(
            options.Model, state.Epoch, state.BestEpoch, run.Seconds, device.Name,
            Scores.Of(run.Trainer, setup.Data.Scored ?? setup.Data.Train),
            Scores.Of(run.Trainer, setup.Data.Validation),
            Scores.Of(run.Trainer, setup.Data.Test), [], false, options.Output, setup,
            state.History);
        var document = FitDocument.Create(setup, state, fingerprint, result);
        run.Save(document);
        // The model is safe; only now may a file beside it fail.
        epochLog?.Close();
        watch?.Close();
        WriteBeside(new ReportSource(run.Trainer, watch, boundary), result, document);
        return result;
    }

    private sealed record ReportSource(Trainer Trainer, TrainingWatch? Watch, Boundary? Boundary);

    /// <summary>Pictures and the report, which show the finished training.</summary>
    private static void WriteBeside(
        ReportSource source, FitResult result, ModelDocument document)
    {
        var setup = result.Setup;
        var options = setup.Options;
        if (options.CurvesFile is { } curves)
        {
            Curves.Write(
                curves, options.Model, result.History, setup.Task.Metrics[0].Name,
                result.BestEpoch);
        }
        if (options.BoundaryFile is { } plane)
        {
            source.Boundary!.Write(plane);
        }
        if (options.ReportFile is { } report)
        {
            var (part, data) = setup.Data switch
            {
                { Test: { Count: > 0 } test } => ("test", test),
                { Validation: { Count: > 0 } validation } => ("validation", validation),
                _ => ("training", setup.Data.Scored ?? setup.Data.Train),
            };
            HtmlReport.Write(report, new ReportData(
                result, source.Watch!, part, data, source.Trainer.Evaluate(data),
                document.DataFingerprint!, document));
        }
    }

    private static TrainingWatch? Watch(FitOptions options, FitSetup setup) =>
        options.ReportFile is null && options.TensorBoardFolder is null
            ? null
            : new TrainingWatch(options.TensorBoardFolder, setup.Task.Metrics[0].Name);

    private static void Observe(
        Trainer trainer, FitSetup setup, TrainingWatch? watch, Boundary? boundary)
    {
        trainer.Observers.Add(new Watchdog(
            setup.Data.Train, new LossAdvice(setup.Settings.ClipNorm is not null)));
        if (watch is not null)
        {
            watch.Describe(setup.Options.CommandLine is { } line
                ? $"`{line}`" : setup.Options.Model);
            trainer.Observers.Add(watch);
        }
        if (boundary is not null)
        {
            trainer.Observers.Add(boundary);
        }
    }

    /// <summary>
    /// Every fold is trained afresh and scored on its held-out part; with an output, a model is
    /// then trained on all of the data.
    /// </summary>
    private static FitResult CrossValidate(
        FitOptions options, TrainingData data, DeviceChooser devices, FitEvents events, ILogger log)
    {
        var runs = new List<Scores>();
        FitSetup? setup = null;
        double seconds = 0;
        Device? device = null;
        try
        {
            foreach (var split in Splits(options, data))
            {
                // Each run starts from other weights and another order.
                ulong seed = options.Seed + (ulong)runs.Count;
                setup = FitSetup.Create(
                    options with { Output = null }, split, seed, log);
                if (device is null)
                {
                    (setup with { Options = options }).WarnOfNoEffect(log);
                    device = devices.Open(options.Device, setup.Work, options.Threads);
                }
                using var run = new FitRun(setup, device, data.Fingerprint, log);
                run.Start(events.Cancel);
                if (!run.Train(events, _ => { }))
                {
                    return new FitResult(
                        options.Model, run.Trainer.State.Epoch, 0, seconds, device.Name, null, null,
                        null, runs, true,
                        null, setup, []);
                }
                run.Finish();
                seconds += run.Seconds;
                var held = Scores.Of(run.Trainer, split.Test ?? split.Validation)
                    ?? throw new UsageException(
                        "--repeats: nothing is held out to score; give --folds, --test or --val");
                runs.Add(held);
                string metric = setup.Task.Metrics[0].Name;
                log.LogInformation(
                    "run {Run}: {Metric} {Value:0.####}", runs.Count, metric, held.Metrics[metric]);
            }
            var last = setup!;
            if (options.Output is null)
            {
                return new FitResult(
                    options.Model, last.Settings.Epochs, 0, seconds, device!.Name, null, null, null,
                    runs, false, null, last, []);
            }
            log.LogInformation("training on all of the data for {Output}", options.Output);
            var all = FitSetup.Create(options, data.Split(), options.Seed, log);
            var result = Train(all, device!, data.Fingerprint, events, log);
            return result with { Runs = runs, Seconds = seconds + result.Seconds };
        }
        finally
        {
            device?.Dispose();
        }
    }

    private static IEnumerable<DataSplits> Splits(FitOptions options, TrainingData data)
    {
        if (options.Folds is { } folds)
        {
            return data.Folds(folds, options.Repeats);
        }
        var split = data.Split();
        return Enumerable.Repeat(split, options.Repeats);
    }
}
