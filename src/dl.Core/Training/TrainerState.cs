using System.Text.Json.Serialization;

namespace Dl.Training;

/// <summary>Where training stands between two steps, apart from weights and optimiser.</summary>
public sealed class TrainerState
{
    /// <summary>Finished epochs.</summary>
    public int Epoch { get; set; }

    /// <summary>Finished steps of the current epoch.</summary>
    public int Step { get; set; }

    /// <summary>Steps of the optimiser, over all epochs.</summary>
    public long OptimizerSteps { get; set; }

    /// <summary>Position of the generator that layers draw from.</summary>
    public ulong RngPosition { get; set; }

    /// <summary>Sums over the samples of the current epoch, for its means.</summary>
    public double LossSum { get; set; }

    public double MetricSum { get; set; }

    /// <summary>Samples of the batches in which the metric was defined.</summary>
    public long MetricSamples { get; set; }

    public long Samples { get; set; }

    /// <summary>The base rate that a range test chose; null: that of the settings.</summary>
    public double? FoundRate { get; set; }

    public PlateauState Plateau { get; set; } = new();

    /// <summary>Updates that the average of the weights has taken in.</summary>
    public long Averaged { get; set; }

    public double? BestMetric { get; set; }

    public double? BestLoss { get; set; }

    public int BestEpoch { get; set; }

    public int EpochsSinceBest { get; set; }

    /// <summary>Seconds of training so far, over all runs.</summary>
    public double Seconds { get; set; }

    public List<EpochRecord> History { get; set; } = [];

    /// <summary>The options that must not change when training goes on.</summary>
    public Dictionary<string, string> Options { get; set; } = [];
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TrainerState))]
internal sealed partial class TrainerStateJson : JsonSerializerContext;
