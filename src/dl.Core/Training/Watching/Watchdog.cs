// Finds out where a loss that is NaN or infinite came from: the data, weights that an update has
// spoilt, or the first layer whose output is not finite; and for which sample. It runs the batch
// again layer by layer, so it costs nothing until it is needed.
using System.Globalization;
using Dl.Data;
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;

namespace Dl.Training.Watching;

/// <summary>Ends a training whose loss is not finite, and says why.</summary>
internal sealed class Watchdog(IDataset data, LossAdvice advice) : ITrainingObserver
{
    /// <summary>Standardised values beyond this are no ordinary data.</summary>
    private const float Absurd = 1e4f;

    public void LossKnown(in TrainingMoment moment, Tensor output, float loss)
    {
        if (float.IsFinite(loss))
        {
            return;
        }
        string cause = BadInput(moment) ?? BadWeight(moment) ?? BadLayer(moment)
            ?? "every layer's output is finite, so the loss itself overflowed: the outputs reach "
                + Number(Largest(output.ToArray()).Size) + "; " + advice.SmallerSteps(moment.Rate);
        throw new DlException(string.Create(
            CultureInfo.InvariantCulture,
            $"training: the loss became {loss} in epoch {moment.Epoch}, step {moment.Step} "
            + $"(samples {Where(moment, 0)} and {moment.Batch.Count - 1} more): {cause}"));
    }

    /// <summary>Input or target of a sample that is not finite, or far out of range.</summary>
    private string? BadInput(in TrainingMoment moment)
    {
        int count = moment.Batch.Count, width = (int)data.FeatureShape.Count;
        var features = moment.Batch.Features.AsSpan(0, count * width);
        var (size, at) = Largest(features);
        if (!float.IsFinite(size))
        {
            return $"{Where(moment, at / width)} has a feature (number {at % width + 1}) that is "
                + $"{features[at]}; look at it with `dl check`";
        }
        int targetWidth = data.TargetWidth;
        var targets = moment.Batch.Targets.AsSpan(0, count * targetWidth);
        var (targetSize, targetAt) = Largest(targets);
        if (!float.IsFinite(targetSize))
        {
            return $"the target of {Where(moment, targetAt / targetWidth)} is "
                + $"{targets[targetAt]}; look at it with `dl check`";
        }
        if (size > Absurd)
        {
            return $"{Where(moment, at / width)} has a feature (number {at % width + 1}) of "
                + $"{Number(size)} standard deviations, which the model cannot stand; mend or "
                + "leave out the row, or --clip-grad 1";
        }
        return null;
    }

    private string? BadWeight(in TrainingMoment moment)
    {
        foreach (var parameter in moment.Model.Weights.All)
        {
            var values = parameter.Tensor.ToArray();
            var (size, at) = Largest(values);
            if (!float.IsFinite(size))
            {
                return $"'{parameter.Name}' holds {values[at]} since the update before, whose "
                    + "gradient was too large; " + advice.SmallerSteps(moment.Rate);
            }
        }
        return null;
    }

    private string? BadLayer(in TrainingMoment moment)
    {
        using var tape = new Tape(moment.Model.Device, recording: false);
        float before = 0;
        int samples = moment.Batch.Count;
        // In the first step no rate has moved anything yet.
        string rateAdvice = moment is { Epoch: 1, Step: 1 }
            ? "no step has been taken yet, so look at --init or --from, or at the model"
            : advice.SmallerSteps(moment.Rate);
        (string Layer, string Kind, int Sample, float Value)? bad = null;
        moment.Model.Forward(
            new Pass(tape, true, new Rng(0)), Evaluator.Input(tape, data, moment.Batch),
            (layer, output) =>
            {
                if (bad is not null || output.Storage.Type != DType.F32)
                {
                    return;
                }
                var values = output.ToArray();
                var (size, at) = Largest(values);
                if (!float.IsFinite(size))
                {
                    int perSample = Math.Max(1, values.Length / samples);
                    bad = (layer.Name!, LayerJson.KindOf(layer), at / perSample, values[at]);
                    return;
                }
                before = size;
            });
        return bad is { } first
            ? $"layer '{first.Layer}' ({first.Kind}) is the first to give {first.Value}, for "
                + $"{Where(moment, first.Sample)}; the layer before reaches {Number(before)}; "
                + rateAdvice
            : null;
    }

    private string Where(in TrainingMoment moment, int row) =>
        data.Locate(moment.Order[moment.Batch.First + row]);

    /// <summary>The largest magnitude, or the first value that is not finite.</summary>
    private static (float Size, int At) Largest(ReadOnlySpan<float> values)
    {
        (float size, int at) = (0, 0);
        for (int i = 0; i < values.Length; i++)
        {
            float magnitude = Math.Abs(values[i]);
            if (!float.IsFinite(magnitude))
            {
                return (magnitude, i);
            }
            if (magnitude > size)
            {
                (size, at) = (magnitude, i);
            }
        }
        return (size, at);
    }

    private static string Number(float value) =>
        value.ToString("0.##e0", CultureInfo.InvariantCulture);
}

/// <summary>What to try, by what has been tried already.</summary>
internal readonly record struct LossAdvice(bool Clips)
{
    /// <summary>A rate that no optimiser gets along with is no point to start from.</summary>
    private const double Sane = 1, Usual = 1e-3;

    public string SmallerSteps(double rate) => string.Create(
        CultureInfo.InvariantCulture,
        $"try --lr {(rate > Sane ? Usual : rate / 10):0.##e0}"
        + $"{(Clips ? "" : ", or --clip-grad 1")}, or --warmup");
}
