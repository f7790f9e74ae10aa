// `dl fit --variant`: the same data, split and seed, trained once for each variant of the options.
// What a variant gives is, to the bit, what `dl fit` with its options gives alone. A variant that
// breaks down (its loss became NaN) is part of the answer; the others are trained all the same.
using Dl.Data;
using Dl.Files;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

/// <summary>One way to train: what people call it, and all of its options.</summary>
public sealed record Variant(string Name, FitOptions Options);

/// <summary>What became of a variant.</summary>
/// <param name="History">The epochs it came to.</param>
/// <param name="Result">Null: it broke down.</param>
/// <param name="Failure">Why it broke down; null: it did not.</param>
public sealed record VariantResult(
    string Name, FitSetup Setup, IReadOnlyList<EpochRecord> History, FitResult? Result,
    string? Failure);

/// <summary>What a comparison gave; ComparisonReport prints it.</summary>
/// <param name="Best">By validation; null: nothing was held out.</param>
/// <param name="Output">The model file of the best variant; null: none was asked for.</param>
/// <param name="Interrupted">Only the variants before the interruption are there.</param>
public sealed record ComparisonResult(
    IReadOnlyList<VariantResult> Variants, VariantResult? Best, string? Output, bool Interrupted)
{
    /// <summary>Name of the main metric.</summary>
    public string Metric => Variants[0].Setup.Task.Metrics[0].Name;
}

public static class ComparisonJob
{
    /// <summary>Trains each variant; they differ in nothing that concerns the data.</summary>
    /// <exception cref="UsageException">A variant cannot be; names it.</exception>
    /// <exception cref="DlException">None of them could be trained.</exception>
    public static ComparisonResult Run(
        IReadOnlyList<Variant> variants, DeviceChooser devices, FitEvents events, ILogger log)
    {
        Check(variants);
        var common = variants[0].Options;
        using var data = TrainingData.Open(FitJob.DataFor(common), log, events.Cancel);
        var setups = SetUp(variants, data.Split(), log);
        var results = new List<VariantResult>();
        VariantResult? best = null;
        try
        {
            for (int i = 0; i < setups.Length; i++)
            {
                string name = variants[i].Name;
                log.LogInformation(
                    "training variant {Number} of {Count}: {Name}", i + 1, setups.Length, name);
                var result = Train(name, setups[i], devices, data.Fingerprint, events, log);
                if (result.Result is { Interrupted: true })
                {
                    return new ComparisonResult(results, null, null, true);
                }
                results.Add(result);
                best = Better(result, best) ? result : best;
                DropOthers(setups, best);
            }
            if (results.TrueForAll(r => r.Result is null))
            {
                throw new DlException($"--variant '{results[0].Name}': {results[0].Failure}");
            }
            Write(common, results, best);
            return new ComparisonResult(results, best, common.Output, false);
        }
        finally
        {
            DropOthers(setups, null);
        }
    }

    private static void Check(IReadOnlyList<Variant> variants)
    {
        CheckAlone(variants[0].Options);
        var names = new HashSet<string>();
        foreach (var variant in variants)
        {
            if (!names.Add(variant.Name))
            {
                throw new UsageException($"--variant '{variant.Name}': is given twice");
            }
            Named(variant, () =>
            {
                FitJob.CheckSettings(variant.Options);
                return FitJob.DataFor(variant.Options).Counts
                        == FitJob.DataFor(variants[0].Options).Counts
                    ? true
                    : throw new UsageException(
                        "--loss: some variants read the target as counts and some do not; "
                        + "compare losses of one kind");
            });
        }
    }

    /// <exception cref="UsageException">
    /// The options that are common to all ask for more, or less, than a training.
    /// </exception>
    private static void CheckAlone(FitOptions options)
    {
        foreach (var (given, option) in new[]
        {
            (options.Folds is not null, "--folds"), (options.Repeats > 1, "--repeats"),
            (options.Ensemble is not null, "--ensemble"), (options.Resume, "--resume"),
            (options.DryRun, "--dry-run"),
        })
        {
            if (given)
            {
                throw new UsageException($"{option}: does not go with --variant; leave one out");
            }
        }
    }

    /// <summary>All of them before the first is trained, so that none is wrong later on.</summary>
    private static FitSetup[] SetUp(
        IReadOnlyList<Variant> variants, DataSplits split, ILogger log)
    {
        var setups = new FitSetup[variants.Count];
        for (int i = 0; i < setups.Length; i++)
        {
            var variant = variants[i];
            log.LogInformation("variant {Name}:", variant.Name);
            var options = variant.Options.Numbered(i) with
            {
                Output = variant.Options.Output is { } output ? $"{output}.variant{i + 1}" : null,
                CurvesFile = null,
                CheckpointEvery = int.MaxValue,
            };
            setups[i] = Named(
                variant, () => FitSetup.Create(options, split, options.Seed, log));
            (setups[i] with { Options = variant.Options with { CheckpointEvery = null } })
                .WarnOfNoEffect(log);
        }
        return setups[0].Data.Validation is not null || setups[0].Options.Output is null
            ? setups
            : throw new UsageException(
                "--variant: nothing is held out to choose the model for -o by; give --val");
    }

    private static VariantResult Train(
        string name, FitSetup setup, DeviceChooser devices, string fingerprint, FitEvents events,
        ILogger log)
    {
        var history = new List<EpochRecord>();
        var heard = events with
        {
            EpochDone = (record, metric) =>
            {
                history.Add(record);
                events.EpochDone(record, metric);
            },
        };
        using var device = devices.Open(
            setup.Options.Device, setup.Work, setup.Options.Threads);
        log.LogInformation("device {Device}: {Description}", device.Name, device.Description);
        try
        {
            var result = FitJob.Train(setup, device, fingerprint, heard, log);
            return new VariantResult(name, setup, history, result, null);
        }
        catch (DlException e) when (e.GetType() == typeof(DlException))
        {
            // Not a wrong option, damaged data or a device that failed: the training itself.
            log.LogWarning("variant {Name}: {Message}", name, e.Message);
            return new VariantResult(name, setup, history, null, e.Message);
        }
    }

    /// <summary>By the validation metric, as epochs are; the first of equals.</summary>
    private static bool Better(VariantResult result, VariantResult? best)
    {
        if (result.Result?.Validation is not { } scores)
        {
            return false;
        }
        if (best?.Result?.Validation is not { } before)
        {
            return true;
        }
        var metric = result.Setup.Task.Metrics[0];
        double gain = metric.HigherIsBetter
            ? scores.Metrics[metric.Name] - before.Metrics[metric.Name]
            : before.Metrics[metric.Name] - scores.Metrics[metric.Name];
        return result.Setup.Settings.BestByLoss || gain == 0 || double.IsNaN(gain)
            ? scores.Loss < before.Loss
            : gain > 0;
    }

    private static void Write(
        FitOptions common, List<VariantResult> results, VariantResult? best)
    {
        if (common.Output is { } output && best?.Setup.Options.Output is { } own)
        {
            using var model = File.OpenRead(own);
            AtomicFile.Write(output, model.CopyTo);
        }
        if (common.CurvesFile is { } curves)
        {
            ComparisonCurves.Write(curves, common.Model, results);
        }
    }

    /// <summary>Deletes the files of all variants but one.</summary>
    private static void DropOthers(FitSetup[] setups, VariantResult? kept)
    {
        foreach (var setup in setups)
        {
            if (setup.Options.Output is { } path && setup != kept?.Setup)
            {
                AtomicFile.Delete(path);
                AtomicFile.Delete(FitRun.CheckpointPath(path));
            }
        }
    }

    private static T Named<T>(Variant variant, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (UsageException e)
        {
            throw new UsageException($"--variant '{variant.Name}': {e.Message}", e);
        }
    }
}
