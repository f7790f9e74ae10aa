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
        new("global_avg_pool2d", "x y", GlobalAveragePool),
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

    private static void GlobalAveragePool(GoldenCase test)
    {
        var layout = Layout.Image(test.Raw("x").Extents.Length);
        var mean = test.Tape.Mean(test.Leaf("x", layout), 1, 3);
        test.Finish(mean.Reshape(new Shape(mean.Shape[0], 1, 1, mean.Shape[1])), layout);
    }
}
