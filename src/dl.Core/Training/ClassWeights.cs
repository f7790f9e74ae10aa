// `--class-weights`: how much a sample counts by its class. `balanced` gives every class the same
// say, samples / (classes * samples of the class); `a=2,b=0.5` says it for some, the others
// count 1.
using System.Globalization;
using Dl.Data;

namespace Dl.Training;

internal static class ClassWeights
{
    private const string Option = "--class-weights";
    private const string Balanced = "balanced";
    private const string None = "none";

    /// <summary>What can be told to be wrong before the data is read.</summary>
    /// <exception cref="UsageException">Neither a known word nor LABEL=WEIGHT.</exception>
    public static void Check(string[] items)
    {
        if (items is [] or [None] or [Balanced])
        {
            return;
        }
        foreach (string item in items)
        {
            Split(item);
        }
    }

    /// <summary>A weight a label; null: all count 1.</summary>
    /// <exception cref="UsageException">The data have no such classes.</exception>
    public static float[]? Resolve(string[] items, IDataset data, TargetSpec target)
    {
        if (items is [] or [None])
        {
            return null;
        }
        if (target.Kind != TargetKind.Classes)
        {
            throw new UsageException(
                $"{Option}: needs a classification with one label a sample"
                + (target.Kind == TargetKind.MultiLabel ? "; --pos-weight weighs labels" : ""));
        }
        return items is [Balanced] ? Balance(data, target) : Explicit(items, target);
    }

    private static float[] Explicit(string[] items, TargetSpec target)
    {
        var weights = new float[target.Labels.Length];
        Array.Fill(weights, 1);
        foreach (string item in items)
        {
            var (label, weight) = Split(item);
            int index = Array.IndexOf(target.Labels, label);
            weights[index >= 0 ? index : throw new UsageException(
                $"{Option}: " + Nearest.Unknown("label", label, target.Labels))] = weight;
        }
        return weights;
    }

    /// <summary>At the last `=`: labels may hold one.</summary>
    private static (string Label, float Weight) Split(string item)
    {
        int at = item.LastIndexOf('=');
        if (at > 0 && float.TryParse(
                item.AsSpan(at + 1), NumberStyles.Float, CultureInfo.InvariantCulture,
                out float weight) && weight > 0 && float.IsFinite(weight))
        {
            return (item[..at], weight);
        }
        string? near = at < 0 ? Nearest.Find(item, [Balanced, None]) : null;
        throw new UsageException(
            $"{Option}: '{item}' given, expected {Balanced}, {None} or LABEL=WEIGHT,... with "
            + "weights above 0" + (near is null ? "" : $"; did you mean '{near}'?"));
    }

    private static float[] Balance(IDataset data, TargetSpec target)
    {
        var counts = new int[target.Labels.Length];
        var label = new float[data.TargetWidth];
        for (int i = 0; i < data.Count; i++)
        {
            data.ReadTarget(i, label);
            counts[(int)label[0]]++;
        }
        var weights = new float[counts.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = counts[i] == 0 ? 0 : (float)data.Count / (counts.Length * counts[i]);
        }
        return weights;
    }
}
