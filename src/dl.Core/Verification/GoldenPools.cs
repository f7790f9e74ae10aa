// Reference cases of pooling and resizing.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal static class GoldenPools
{
    private static readonly Size2 One = new(1, 1);

    public static readonly GoldenRow[] Rows =
    [
        new("max_pool2d", "x y", MaxPool),
        new("max_pool1d", "x y", MaxPool),
        new("avg_pool2d", "x y", AveragePool),
        new("avg_pool1d", "x y", AveragePool),
        new("max_pool3d", "x y", test => Pool3d(test, largest: true)),
        new("avg_pool3d", "x y", test => Pool3d(test, largest: false)),
        new("max_unpool2d", "x y", MaxUnpool),
        new("max_unpool1d", "x y", MaxUnpool),
        new("global_avg_pool2d", "x y", test => GlobalPool(test, largest: false)),
        new("global_avg_pool1d", "x y", test => GlobalPool(test, largest: false)),
        new("global_avg_pool3d", "x y", test => GlobalPool(test, largest: false)),
        new("global_max_pool2d", "x y", test => GlobalPool(test, largest: true)),
        new("global_max_pool1d", "x y", test => GlobalPool(test, largest: true)),
        new("global_max_pool3d", "x y", test => GlobalPool(test, largest: true)),
        new("upsample_nearest", "x y", test => Resize(test, Interpolation.Nearest)),
        new("upsample_linear", "x y", test => Resize(test, Interpolation.Linear)),
        new("upsample_bilinear", "x y", test => Resize(test, Interpolation.Linear)),
        new("upsample_trilinear", "x y", test => Resize(test, Interpolation.Linear)),
        new("pixel_shuffle", "x y", test => Shuffle(test, back: false)),
        new("pixel_unshuffle", "x y", test => Shuffle(test, back: true)),
    ];

    private static void MaxPool(GoldenCase test)
    {
        var (x, window, stride, padding, layout) = Pool(test);
        test.Finish(test.Tape.MaxPool(x, window, stride, padding), layout);
    }

    private static void AveragePool(GoldenCase test)
    {
        var (x, window, stride, padding, layout) = Pool(test);
        bool count = test.Flag("count_include_pad", true);
        test.Finish(test.Tape.AveragePool(x, window, stride, padding, count), layout);
    }

    private static (Tensor X, Size2 Window, Size2 Stride, Padding Padding, Layout Layout) Pool(
        GoldenCase test)
    {
        int rank = test.Raw("x").Extents.Length;
        int? height = rank == 3 ? 1 : null;
        var layout = Layout.Image(rank);
        var window = test.Pair("kernel", One, height);
        var stride = test.Pair("stride", window, height);
        var padding = test.Pair("padding", default, rank == 3 ? 0 : null);
        return (test.Leaf("x", layout), window, stride,
            Padding.Even(padding.Height, padding.Width), layout);
    }

    private static void Pool3d(GoldenCase test, bool largest)
    {
        var window = test.Triple("kernel", new Size3(1, 1, 1));
        var stride = test.Triple("stride", window);
        var even = test.Triple("padding", default);
        var padding = Padding3.Even(even.Depth, even.Height, even.Width);
        var x = test.Leaf("x", Layout.Image(5));
        test.Finish(
            largest
                ? test.Tape.MaxPool3d(x, window, stride, padding)
                : test.Tape.AveragePool3d(
                    x, window, stride, padding, test.Flag("count_include_pad", true)),
            Layout.Image(5));
    }

    /// <summary>What max pooling of x gave, put back where it was.</summary>
    private static void MaxUnpool(GoldenCase test)
    {
        var (x, window, stride, padding, layout) = Pool(test);
        var y = test.Tape.MaxPool(x, window, stride, padding, out var switches);
        test.Finish(test.Tape.MaxUnpool(y, switches), layout);
    }

    private static void GlobalPool(GoldenCase test, bool largest)
    {
        int rank = test.Raw("x").Extents.Length;
        var layout = Layout.Spatial(rank);
        var x = test.Leaf("x", layout);
        var y = largest ? test.Tape.GlobalMax(x) : test.Tape.Mean(x, 1, rank - 1);
        var extents = new int[rank];
        Array.Fill(extents, 1);
        (extents[0], extents[^1]) = (y.Shape[0], y.Shape[1]);
        test.Finish(y.Reshape(new Shape(extents)), layout);
    }

    /// <summary>To a `size`, or by a `scale`: one number or one a dimension.</summary>
    private static void Resize(GoldenCase test, Interpolation by)
    {
        int rank = test.Raw("x").Extents.Length;
        var layout = Layout.Spatial(rank);
        var x = test.Leaf("x", layout);
        double[] factors = test.Spread("scale", rank - 2) ?? [];
        double[]? size = test.Spread("size", rank - 2);
        var extents = new int[rank - 2];
        for (int i = 0; i < extents.Length; i++)
        {
            extents[i] = size is not null ? (int)size[i]
                : factors.Length > 0 ? (int)Math.Floor(x.Shape[i + 1] * factors[i])
                : throw new NotBuiltException("neither scale nor size");
        }
        bool aligned = test.Flag("align_corners", false);
        test.Finish(
            test.Tape.Resize(x, extents, size is null ? factors : [],
                aligned ? Interpolation.AlignedLinear : by),
            layout);
    }

    private static void Shuffle(GoldenCase test, bool back)
    {
        var x = test.Leaf("x", Layout.Image(4));
        int factor = test.Integer("factor", 1);
        test.Finish(
            back ? test.Tape.PixelUnshuffle(x, factor) : test.Tape.PixelShuffle(x, factor),
            Layout.Image(4));
    }
}
