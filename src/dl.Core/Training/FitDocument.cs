// From a training run to the document in its model file. Nothing in it depends on the clock or on
// where files lie, so that the same training gives the same bytes.
using System.Globalization;
using System.Text.Json;
using Dl.Files;

namespace Dl.Training;

internal static class FitDocument
{
    /// <param name="result">Scores of the finished run; null for a checkpoint.</param>
    public static ModelDocument Create(
        FitSetup setup, TrainerState state, string fingerprint, FitResult? result = null) => new()
        {
            Task = setup.Task.Kind,
            Loss = setup.Task.Loss.Text,
            Architecture = setup.Options.Model.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
                ? null
                : setup.Options.Model,
            Graph = setup.Graph,
            Preprocessing = setup.Data.Preprocessing,
            Hyperparameters = Hyperparameters(setup, state),
            Seed = setup.Settings.Seed,
            DataFingerprint = fingerprint,
            Metrics = Metrics(result),
            Epochs = state.Epoch,
            BestEpoch = state.BestEpoch,
            History = [.. state.History.Select(r => new HistoryEntry(
                r.Epoch, r.TrainLoss, r.ValLoss, r.TrainMetric, r.ValMetric, r.LearningRate))],
        };

    /// <param name="result">Null: nothing is known yet.</param>
    public static ModelMetrics Metrics(FitResult? result) => new()
    {
        Train = Values(result?.Train),
        Val = Values(result?.Validation),
        Test = Values(result?.Test),
    };

    private static Dictionary<string, double>? Values(Scores? scores)
    {
        if (scores is null)
        {
            return null;
        }
        var values = new Dictionary<string, double> { ["loss"] = scores.Loss };
        foreach (var (name, value) in scores.Metrics)
        {
            values[name] = value;
        }
        return values;
    }

    private static SortedDictionary<string, JsonElement> Hyperparameters(
        FitSetup setup, TrainerState state)
    {
        var (options, settings) = (setup.Options, setup.Settings);
        var result = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal)
        {
            ["optimizer"] = Text(setup.Optimizer.Rule.Name),
            ["optimizer_arguments"] = Arguments(setup.Optimizer),
            ["lr"] = Number(state.FoundRate ?? settings.LearningRate),
            ["schedule"] = Text(settings.Schedule.Text),
            ["batch_size"] = Number(settings.BatchSize),
            ["epochs"] = Number(settings.Epochs),
            ["patience"] = Number(settings.Patience),
        };
        Add(result, "dropout", options.Dropout ?? 0);
        Add(result, "label_smoothing", options.LabelSmoothing);
        Add(result, "mixup", options.Mixup);
        Add(result, "cutmix", options.Cutmix);
        Add(result, "clip_grad", options.ClipGradient ?? 0);
        Add(result, "clip_value", options.ClipValue ?? 0);
        Add(result, "l1", options.L1);
        Add(result, "accumulate", settings.Accumulate == 1 ? 0 : settings.Accumulate);
        Add(result, "ema", options.Ema);
        Add(result, "swa", options.Swa);
        Add(result, "swa_lr", options.SwaRate ?? 0);
        if (settings.Warmup is { } warmup)
        {
            result["warmup"] = Text(warmup.Text);
        }
        if (options.From is { } from)
        {
            result["from"] = Text(Transfer.Fingerprint(from));
        }
        if (options.Freeze.Count > 0)
        {
            result["freeze"] = Text(string.Join(",", options.Freeze));
        }
        if (options.Init is { } init)
        {
            result["init"] = Text(init);
        }
        if (options.Metric is { } metric)
        {
            result["metric"] = Text(metric);
        }
        if (options.ClassWeights is not ([] or ["none"]))
        {
            result["class_weights"] = Text(string.Join(",", options.ClassWeights));
        }
        Add(result, "pos_weight", options.PositiveWeight ?? 0);
        return result;
    }

    private static void Add(SortedDictionary<string, JsonElement> to, string name, double value)
    {
        if (value != 0)
        {
            to[name] = Number(value);
        }
    }

    /// <summary>`{"beta1":0.9,...,"amsgrad":false}`.</summary>
    private static JsonElement Arguments(OptimizerSettings settings) => JsonElement.Parse(
        "{" + string.Join(',', settings.Values.Select(
            v => $"\"{v.Argument.Name}\":{v.Argument.Text(v.Value)}")) + "}");

    private static JsonElement Number(double value) =>
        JsonElement.Parse(value.ToString("R", CultureInfo.InvariantCulture));

    private static JsonElement Text(string value) =>
        JsonElement.Parse($"\"{JsonEncodedText.Encode(value)}\"");
}
