// The samples that a model got most wrong, by their loss, with a picture where they are pictures.
using Dl.Data;
using Dl.Data.Images;
using Dl.Tasks;

namespace Dl.Training.Watching;

/// <summary>One sample that went wrong.</summary>
/// <param name="Where">File and row.</param>
/// <param name="Picture">A PNG file, or null.</param>
internal sealed record WorstSample(
    string Where, string Truth, string Given, double Loss, byte[]? Picture);

internal static class WorstSamples
{
    /// <summary>Small pictures are shown enlarged, large ones as they are, up to this.</summary>
    private const int LargestPicture = 256;

    /// <param name="predictions">Of the whole dataset, in its order.</param>
    public static List<WorstSample> Find(
        IDataset data, Predictions predictions, Preprocessing preprocessing, int count)
    {
        var losses = new double[predictions.Count];
        var order = new int[losses.Length];
        for (int i = 0; i < losses.Length; i++)
        {
            (losses[i], order[i]) = (-Loss(predictions, i), i);
        }
        Array.Sort(losses, order);
        var features = new float[data.FeatureShape.Count];
        var target = new float[data.TargetWidth];
        var worst = new List<WorstSample>();
        foreach (int row in order.Take(count))
        {
            byte[]? picture = null;
            if (preprocessing is ImagePreprocessing images
                && images.Width <= LargestPicture && images.Height <= LargestPicture)
            {
                data.Read(row, features, target);
                picture = PngWriter.Encode(Picture(features, images));
            }
            worst.Add(new WorstSample(
                data.Locate(row), Truth(predictions, row), Given(predictions, row),
                Loss(predictions, row), picture));
        }
        return worst;
    }

    /// <summary>Log loss, or the squared error in standard deviations.</summary>
    private static double Loss(Predictions predictions, int row)
    {
        var target = predictions.Task.Target;
        var values = predictions.Values(row);
        var truth = predictions.Targets(row);
        double sum = 0;
        switch (target.Kind)
        {
            case TargetKind.Classes:
                return -Math.Log(Math.Max(values[(int)truth[0]], 1e-15));
            case TargetKind.MultiLabel:
                for (int i = 0; i < values.Length; i++)
                {
                    double p = truth[i] >= 0.5f ? values[i] : 1 - values[i];
                    sum -= Math.Log(Math.Max(p, 1e-15));
                }
                return sum;
            default:
                for (int i = 0; i < truth.Length; i++)
                {
                    double e = (values[i] - truth[i]) / target.Std[i];
                    sum += e * e;
                }
                return sum;
        }
    }

    private static string Truth(Predictions predictions, int row)
    {
        var target = predictions.Task.Target;
        var truth = predictions.Targets(row).ToArray();
        return target.Kind switch
        {
            TargetKind.Classes => target.Labels[(int)truth[0]],
            TargetKind.MultiLabel => Labels(target, truth),
            _ => string.Join(", ", truth.Select(t => ChartAxes.Number(t))),
        };
    }

    private static string Given(Predictions predictions, int row)
    {
        var target = predictions.Task.Target;
        var values = predictions.Values(row).ToArray();
        return target.Kind switch
        {
            TargetKind.Classes => target.Labels[predictions.Best[row]] + " "
                + ChartAxes.Number(values[predictions.Best[row]]),
            TargetKind.MultiLabel => Labels(target, values),
            _ => string.Join(", ", values.Take(target.Names.Length)
                .Select(v => ChartAxes.Number(v))),
        };
    }

    private static string Labels(TargetSpec target, float[] values)
    {
        var names = target.Labels.Where((_, i) => values[i] >= 0.5f).ToArray();
        return names.Length == 0 ? "none" : string.Join(", ", names);
    }

    /// <summary>Back from standardised floats to pixels.</summary>
    private static Image Picture(float[] features, ImagePreprocessing images)
    {
        int channels = images.Channels;
        var pixels = new byte[features.Length];
        for (int i = 0; i < pixels.Length; i++)
        {
            int c = i % channels;
            float value = ((features[i] * images.Std[c]) + images.Mean[c]) * 255;
            pixels[i] = (byte)Math.Clamp(MathF.Round(value), 0, 255);
        }
        return new Image(images.Width, images.Height, channels, pixels);
    }
}
