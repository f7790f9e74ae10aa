// Reference cases of matrix products and convolutions.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal static class GoldenConvolutions
{
    private static readonly Size2 One = new(1, 1);

    public static readonly GoldenRow[] Rows =
    [
        new("linear", "x w y", Linear),
        new("matmul", "a b y", test =>
            test.Finish(test.Tape.MatMul(test.Leaf("a"), test.Leaf("b")))),
        new("conv2d", "x w y", Convolution),
        new("conv1d", "x w y", Convolution),
        new("conv3d", "x w y", Convolution3d),
        new("conv_transpose2d", "x w y", ConvolutionTransposed),
        new("conv_transpose1d", "x w y", ConvolutionTransposed),
    ];

    private static void Linear(GoldenCase test) =>
        test.Finish(test.Tape.Linear(
            test.Leaf("x"), test.Leaf("w", Layout.Transposed), test.OptionalLeaf("b")));

    private static void Convolution(GoldenCase test)
    {
        int rank = test.Raw("x").Extents.Length;
        var x = test.Leaf("x", Layout.Image(rank));
        var w = test.Leaf("w", Layout.Filter(rank));
        var b = test.OptionalLeaf("b");
        int? height = rank == 3 ? 1 : null;
        var stride = test.Pair("stride", One, height);
        var dilation = test.Pair("dilation", One, height);
        var even = test.Pair("padding", default, rank == 3 ? 0 : null);
        int left = test.Integer("left_pad", 0);
        var padding = Padding.Even(even.Height, even.Width) with { Left = even.Width + left };
        test.Finish(
            test.Tape.Convolution(x, w, b, stride, padding, dilation, test.Integer("groups", 1)),
            Layout.Image(rank));
    }

    private static void Convolution3d(GoldenCase test)
    {
        var each = new Size3(1, 1, 1);
        var padding = test.Triple("padding", default);
        test.Finish(
            test.Tape.Convolution3d(
                test.Leaf("x", Layout.Image(5)), test.Leaf("w", Layout.Filter(5)),
                test.OptionalLeaf("b"), test.Triple("stride", each),
                Padding3.Even(padding.Depth, padding.Height, padding.Width),
                test.Triple("dilation", each), test.Integer("groups", 1)),
            Layout.Image(5));
    }

    private static void ConvolutionTransposed(GoldenCase test)
    {
        int rank = test.Raw("x").Extents.Length;
        var x = test.Leaf("x", Layout.Image(rank));
        var w = test.Leaf("w", Layout.Filter(rank));
        var b = test.OptionalLeaf("b");
        int? height = rank == 3 ? 1 : null;
        int? none = rank == 3 ? 0 : null;
        var stride = test.Pair("stride", One, height);
        var dilation = test.Pair("dilation", One, height);
        var padding = test.Pair("padding", default, none);
        var extra = test.Pair("output_padding", default, none);
        var output = new Size2(
            Grown(x.Shape[1], w.Shape[0], stride.Height, dilation.Height, padding.Height)
                + extra.Height,
            Grown(x.Shape[2], w.Shape[1], stride.Width, dilation.Width, padding.Width)
                + extra.Width);
        test.Finish(
            test.Tape.ConvolutionTransposed(
                x, w, b, output, stride, Padding.Even(padding.Height, padding.Width), dilation,
                test.Integer("groups", 1)),
            Layout.Image(rank));
    }

    private static int Grown(int extent, int kernel, int stride, int dilation, int padding) =>
        ((extent - 1) * stride) + ((kernel - 1) * dilation) + 1 - (2 * padding);
}
