using Dl.Data;
using Dl.Tensors;

namespace Dl.Tests.Training;

/// <summary>Samples from two functions of the index.</summary>
internal sealed class MemoryDataset(
    int count, Shape shape, int targetWidth, Action<int, float[]> features,
    Action<int, float[]> target) : IDataset
{
    public int Count => count;

    public Shape FeatureShape => shape;

    public int TargetWidth => targetWidth;

    public void Read(int index, Span<float> x, Span<float> y)
    {
        var (a, b) = (new float[x.Length], new float[y.Length]);
        features(index, a);
        target(index, b);
        a.CopyTo(x);
        b.CopyTo(y);
    }

    public string Locate(int index) => $"memory:{index}";

    /// <summary>Two interleaved spirals, classes 0 and 1.</summary>
    public static MemoryDataset Spiral(int count, ulong seed) => new(
        count, new Shape(2), 1,
        (i, x) =>
        {
            var rng = new Rng(seed, (ulong)i);
            double t = 0.5 + (2.5 * rng.NextFloat()), turn = (i % 2 * Math.PI) + (t * 2);
            x[0] = (float)(t * Math.Cos(turn) / 2) + (0.03f * rng.NextNormal());
            x[1] = (float)(t * Math.Sin(turn) / 2) + (0.03f * rng.NextNormal());
        },
        (i, y) => y[0] = i % 2);

    /// <summary>y = x . (1, 2, 3) + 0.5.</summary>
    public static MemoryDataset Line(int count, ulong seed) => new(
        count, new Shape(3), 1,
        (i, x) =>
        {
            var rng = new Rng(seed, (ulong)i);
            for (int j = 0; j < 3; j++)
            {
                x[j] = rng.NextNormal();
            }
        },
        (i, y) =>
        {
            var rng = new Rng(seed, (ulong)i);
            y[0] = 0.5f;
            for (int j = 0; j < 3; j++)
            {
                y[0] += (j + 1) * rng.NextNormal();
            }
        });

    public static TargetSpec Classes(params string[] labels) =>
        new() { Kind = TargetKind.Classes, Names = ["label"], Labels = labels };

    public static TargetSpec Number() =>
        new() { Kind = TargetKind.Numeric, Names = ["y"], Mean = [0], Std = [1] };
}
