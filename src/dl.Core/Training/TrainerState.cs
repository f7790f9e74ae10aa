using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dl.Training;

/// <summary>Where training stands between two steps, apart from weights and optimiser.</summary>
public sealed class TrainerState
{
    /// <summary>Finished epochs.</summary>
    public int Epoch { get; set; }

    /// <summary>Finished steps of the current epoch.</summary>
    public int Step { get; set; }

    /// <summary>Parts in which a batch is computed, for lack of memory.</summary>
    public int Parts { get; set; } = 1;

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

    /// <summary>Reads what a checkpoint holds of it.</summary>
    /// <exception cref="DataException">Damaged; names the file.</exception>
    public static TrainerState Parse(string json, string path)
    {
        TrainerState? state = null;
        try
        {
            state = JsonSerializer.Deserialize(json, TrainerStateJson.Default.TrainerState);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half a surrogate pair.
            throw Damaged(path, error);
        }
        return state is { Epoch: >= 0, Step: >= 0, OptimizerSteps: >= 0, Samples: >= 0 }
            and { Parts: >= 1, MetricSamples: >= 0, Averaged: >= 0 }
            and { BestEpoch: >= 0, EpochsSinceBest: >= 0 }
            and { Plateau: not null, History: not null, Options: not null }
            && state.BestEpoch <= state.Epoch && state.History.Count == state.Epoch
            && !state.History.Contains(null!)
            ? state
            : throw Damaged(path, null);
    }

    private static DataException Damaged(string path, Exception? error) => new(
        $"{path}: its state of training cannot be understood, the file is damaged; remove it to "
        + "start again", error);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(TrainerState))]
internal sealed partial class TrainerStateJson : JsonSerializerContext;
