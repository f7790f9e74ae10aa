// Training on mixtures of two samples of a batch, with the losses of both targets mixed alike:
//   mixup   x = l x_i + (1 - l) x_j                       (Zhang et al., ICLR 2018)
//   cutmix  x = x_i, but a box of it from x_j; l = 1 - box / image    (Yun et al., ICCV 2019)
//   loss = l loss(y_i) + (1 - l) loss(y_j),  l ~ Beta(alpha, alpha) a batch,  j a permutation of i
// With both, each batch is mixed by one of the two, as a coin falls. What is drawn depends on seed,
// epoch and step alone, so a resumed training goes on with the same bits.
using Dl.Data;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>How batches are mixed; 0: not in this way.</summary>
public readonly record struct MixingSettings(double Mixup, double Cutmix)
{
    public bool Any => Mixup > 0 || Cutmix > 0;

    /// <exception cref="UsageException">Boxes are to be cut, but not from images.</exception>
    public void Check(Shape features)
    {
        if (Cutmix > 0 && features.Rank != 3)
        {
            throw new UsageException(
                $"--cutmix: cuts boxes from images, the input is {features}; use --mixup");
        }
    }
}

/// <summary>Mixes one batch after the other in buffers of its own.</summary>
internal sealed class Mixing(MixingSettings settings, Shape features, int width, ulong seed)
{
    private const ulong Stream = 0x4D69_7869;
    private float[] _features = [];
    private float[] _targets = [];
    private int[] _order = [];

    /// <summary>Weight of the batch's own targets in the loss; the others have the rest.</summary>
    public float Share { get; private set; } = 1;

    /// <summary>Targets of the samples that were mixed in.</summary>
    public ReadOnlySpan<float> Others(int rows) => _targets.AsSpan(0, rows * width);

    /// <summary>The mixed features of a batch, as many floats as it has.</summary>
    public ReadOnlySpan<float> Mix(Batch batch, int epoch, int step)
    {
        int rows = batch.Count, n = (int)features.Count;
        if (_features.Length < rows * n)
        {
            _features = new float[rows * n];
            _targets = new float[rows * width];
        }
        _order = _order.Length == rows ? _order : new int[rows];
        for (int i = 0; i < rows; i++)
        {
            _order[i] = i;
        }
        var rng = new Rng(seed, Stream).Fork((ulong)epoch).Fork((ulong)step);
        bool cut = settings.Mixup == 0 || (settings.Cutmix > 0 && rng.NextInt(2) == 1);
        double alpha = cut ? settings.Cutmix : settings.Mixup;
        float share = (float)Beta(rng, alpha);
        rng.Shuffle(_order.AsSpan());
        for (int i = 0; i < rows; i++)
        {
            batch.Targets.AsSpan(_order[i] * width, width).CopyTo(_targets.AsSpan(i * width));
        }
        Share = cut ? Cut(batch, rng, share) : Blend(batch, n, share);
        return _features.AsSpan(0, rows * n);
    }

    private float Blend(Batch batch, int n, float share)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            ReadOnlySpan<float> own = batch.Features.AsSpan(i * n, n);
            ReadOnlySpan<float> other = batch.Features.AsSpan(_order[i] * n, n);
            var mixed = _features.AsSpan(i * n, n);
            for (int j = 0; j < n; j++)
            {
                mixed[j] = (share * own[j]) + ((1 - share) * other[j]);
            }
        }
        return share;
    }

    /// <summary>
    /// A box of the shape of the image and of 1 - share of its area, around a point drawn from all
    /// of the image and cut off at its edges: the share that is left is counted in pixels.
    /// </summary>
    private float Cut(Batch batch, Rng rng, float share)
    {
        int height = features[0], width = features[1], channels = features[2];
        double side = Math.Sqrt(1 - share);
        int halfHeight = (int)(height * side) / 2, halfWidth = (int)(width * side) / 2;
        int y = rng.NextInt(height), x = rng.NextInt(width);
        int top = Math.Max(0, y - halfHeight), bottom = Math.Min(height, y + halfHeight);
        int left = Math.Max(0, x - halfWidth), right = Math.Min(width, x + halfWidth);
        int n = (int)features.Count, run = (right - left) * channels;
        batch.Features.AsSpan(0, batch.Count * n).CopyTo(_features);
        for (int i = 0; i < batch.Count && run > 0; i++)
        {
            for (int row = top; row < bottom; row++)
            {
                int at = ((row * width) + left) * channels;
                batch.Features.AsSpan((_order[i] * n) + at, run)
                    .CopyTo(_features.AsSpan((i * n) + at));
            }
        }
        return 1 - ((float)((bottom - top) * (right - left)) / (height * width));
    }

    /// <summary>Beta(alpha, alpha) as g / (g + h) of two gamma variates, by their logarithms:
    /// with a small alpha both may be too small for a double.</summary>
    internal static double Beta(Rng rng, double alpha)
    {
        double g = LogGamma(rng, alpha), h = LogGamma(rng, alpha);
        return 1 / (1 + Math.Exp(h - g));
    }

    /// <summary>
    /// ln of a Gamma(alpha, 1) variate: Marsaglia and Tsang (2000) for alpha + 1, times
    /// u^(1/alpha).
    /// </summary>
    private static double LogGamma(Rng rng, double alpha)
    {
        double d = alpha + 1 - (1.0 / 3), c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double z = rng.NextNormal(), root = 1 + (c * z);
            if (root <= 0)
            {
                continue;
            }
            double v = root * root * root, u = 1.0 - rng.NextFloat();
            if (Math.Log(u) < (0.5 * z * z) + d - (d * v) + (d * Math.Log(v)))
            {
                return Math.Log(d * v) + (Math.Log(1.0 - rng.NextFloat()) / alpha);
            }
        }
    }
}
