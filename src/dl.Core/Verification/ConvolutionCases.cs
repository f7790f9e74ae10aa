// A convolution is a sum over taps (x element, w element, y element); the forward map and both
// gradients are that one loop with the three roles exchanged.
using Dl.Ops;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class ConvolutionCases
{
    private static readonly Size2 One = new(1, 1);

    /// <summary>
    /// Layers of real networks (28x28 and 14x14 images, 32 to 64 channels) and what breaks kernels:
    /// channels beside a vector width, strides beyond the kernel, padding beyond the kernel, uneven
    /// padding, dilation, groups. Rows are batch, height, width, channels, filters, kernel, stride,
    /// padding, dilation, groups.
    /// </summary>
    private static readonly (string Name, ConvShape Shape)[] Shapes =
    [
        ("smallest", Conv(1, 1, 1, 1, 1, One, One, default, One, 1)),
        ("pointwise", Conv(3, 6, 5, 17, 9, One, One, default, One, 1)),
        ("pointwise wide", Conv(2, 7, 7, 64, 128, One, One, default, One, 1)),
        ("first layer", Conv(2, 28, 28, 1, 32, new(3, 3), One, Padding.Even(1, 1), One, 1)),
        ("first layer 5x5", Conv(3, 28, 28, 1, 6, new(5, 5), One, default, One, 1)),
        ("second layer", Conv(2, 14, 14, 32, 64, new(3, 3), One, Padding.Even(1, 1), One, 1)),
        ("deep layer", Conv(2, 7, 7, 128, 256, new(3, 3), One, Padding.Even(1, 1), One, 1)),
        // Where Winograd's tiles are used: whole and torn ones, more tiles than filters and fewer.
        ("whole tiles", Conv(9, 16, 12, 64, 48, new(3, 3), One, Padding.Even(1, 1), One, 1)),
        ("torn tiles", Conv(6, 22, 19, 24, 40, new(3, 3), One, Padding.Even(0, 1), One, 1)),
        ("tiles far outside", Conv(6, 15, 17, 20, 33, new(3, 3), One, new(3, 0, 2, 4), One, 1)),
        ("small and deep", Conv(36, 4, 4, 96, 80, new(3, 3), One, Padding.Even(1, 1), One, 1)),
        ("odd channels", Conv(2, 11, 13, 5, 7, new(3, 3), One, Padding.Even(1, 1), One, 1)),
        ("31 to 33", Conv(1, 5, 6, 31, 33, new(3, 3), One, Padding.Even(1, 1), One, 1)),
        ("many tiles", Conv(3, 18, 21, 33, 70, new(3, 3), One, Padding.Even(1, 1), One, 1)),
        ("many weights", Conv(2, 5, 6, 150, 130, new(3, 3), One, Padding.Even(1, 1), One, 1)),
        ("3x3 bare", Conv(2, 10, 9, 20, 24, new(3, 3), One, default, One, 1)),
        ("3x3 full", Conv(1, 8, 7, 18, 16, new(3, 3), One, Padding.Even(2, 2), One, 1)),
        ("3x3 uneven", Conv(2, 9, 12, 16, 17, new(3, 3), One, new(0, 2, 3, 1), One, 1)),
        ("stride 2", Conv(2, 12, 15, 6, 4, new(3, 3), new(2, 2), Padding.Even(1, 1), One, 1)),
        ("stride 2x3", Conv(1, 13, 17, 4, 16, new(3, 2), new(2, 3), default, One, 1)),
        ("stride over kernel", Conv(1, 12, 12, 3, 8, new(2, 2), new(3, 3), default, One, 1)),
        ("pointwise stride 2", Conv(2, 9, 9, 16, 32, One, new(2, 2), default, One, 1)),
        ("pointwise padded", Conv(1, 4, 5, 3, 8, One, One, Padding.Even(1, 2), One, 1)),
        ("7x7 stride 2", Conv(1, 29, 31, 3, 8, new(7, 7), new(2, 2), Padding.Even(3, 3), One, 1)),
        ("dilated", Conv(2, 14, 14, 3, 5, new(3, 3), One, Padding.Even(2, 2), new(2, 2), 1)),
        ("asymmetric padding", Conv(2, 9, 8, 4, 8, new(4, 3), One, new(1, 2, 0, 2), One, 1)),
        ("row kernel", Conv(2, 1, 31, 6, 7, new(1, 5), new(1, 2), Padding.Even(0, 2), One, 1)),
        ("causal dilated", Conv(2, 1, 30, 6, 7, new(1, 3), One, new(0, 0, 8, 0), new(1, 4), 1)),
        ("grouped", Conv(2, 9, 9, 8, 12, new(3, 3), One, default, One, 2)),
        ("grouped stride", Conv(1, 8, 8, 48, 32, new(3, 3), new(2, 2), new(1, 1, 1, 1), One, 4)),
        ("depthwise", Conv(2, 10, 10, 6, 6, new(3, 3), One, Padding.Even(1, 1), One, 6)),
        ("depthwise wide", Conv(1, 8, 9, 40, 40, new(3, 3), new(2, 2), new(1, 1, 1, 1), One, 40)),
        ("depthwise x2", Conv(1, 6, 7, 5, 10, new(3, 3), One, Padding.Even(1, 1), One, 5)),
        ("depthwise long", Conv(1, 4, 31, 35, 35, new(3, 3), One, Padding.Even(1, 1), One, 35)),
        ("depthwise 5x3", Conv(2, 9, 29, 17, 17, new(5, 3), new(2, 3), new(2, 1, 0, 2), One, 17)),
        ("depthwise dilated", Conv(1, 9, 30, 16, 16, new(3, 3), One, new(2, 2, 4, 4),
            new(2, 4), 16)),
        ("depthwise pointwise", Conv(2, 5, 14, 20, 20, One, One, default, One, 20)),
        ("depthwise beyond", Conv(1, 3, 3, 18, 18, new(7, 7), One, Padding.Even(3, 3), One, 18)),
        ("depthwise with gaps", Conv(1, 11, 13, 16, 16, new(2, 2), new(3, 3), default, One, 16)),
        ("kernel as large as input", Conv(4, 7, 7, 16, 10, new(7, 7), One, default, One, 1)),
        ("padding beyond kernel", Conv(1, 4, 4, 2, 3, new(2, 2), One, Padding.Even(3, 3), One, 1)),
    ];

    /// <summary>The second layer of the course's network, a batch of 16.</summary>
    private static readonly ConvShape Timed =
        Conv(16, 14, 14, 32, 64, new(3, 3), One, Padding.Even(1, 1), One, 1);

    public static IEnumerable<Case> All()
    {
        foreach (var (name, shape) in Shapes)
        {
            yield return Forward(name, shape, true);
            yield return InputGradient(name, shape, 0);
            yield return InputGradient(name, shape, 1);
            yield return WeightGradient(name, shape, 0);
            yield return WeightGradient(name, shape, 1);
        }
        yield return Forward("no bias", Shapes[5].Shape, false);
        double flops = 2.0 * Timed.Patches * Timed.PatchSize * Timed.Filters;
        yield return Forward("timed", Timed, true) with { Flops = flops };
        yield return InputGradient("timed", Timed, 0) with { Flops = flops };
        yield return WeightGradient("timed", Timed, 0) with { Flops = flops };
    }

    private static Case Forward(string name, ConvShape c, bool bias) =>
        new("Convolution", $"{name} {Text(c)}", 2e-6,
            [In(XLength(c)), In(WLength(c)), In(c.Filters), Out(YLength(c))],
            (d, s) => d.Convolution(s[0], s[1], bias ? s[2] : null, s[3], c),
            v =>
            {
                for (int i = 0; bias && i < v[3].Length; i++)
                {
                    v[3][i] = v[2][i % c.Filters];
                }
                VisitTaps(c, (x, w, y) => v[3][y] += v[0][x] * v[1][w]);
            });

    private static Case InputGradient(string name, ConvShape c, float beta) =>
        new("ConvolutionInputGradient", $"{name} {Text(c)} beta {beta}", 2e-6,
            [In(YLength(c)), In(WLength(c)), Out(XLength(c), beta)],
            (d, s) => d.ConvolutionInputGradient(s[0], s[1], s[2], c, beta),
            v => VisitTaps(c, (x, w, y) => v[2][x] += v[0][y] * v[1][w]));

    /// <summary>A sum over all patches of the batch, so its rounding error is larger.</summary>
    private static Case WeightGradient(string name, ConvShape c, float beta) =>
        new("ConvolutionWeightGradient", $"{name} {Text(c)} beta {beta}", 5e-6,
            [In(XLength(c)), In(YLength(c)), Out(WLength(c), beta)],
            (d, s) => d.ConvolutionWeightGradient(s[0], s[1], s[2], c, beta),
            v => VisitTaps(c, (x, w, y) => v[2][w] += v[0][x] * v[1][y]));

    /// <summary>Every (x, w, y) index triple whose product belongs to the convolution.</summary>
    private static void VisitTaps(ConvShape c, Action<int, int, int> tap)
    {
        for (int y = 0; y < c.Batch * c.OutHeight * c.OutWidth; y++)
        {
            int b = y / (c.OutHeight * c.OutWidth);
            int oy = y / c.OutWidth % c.OutHeight, ox = y % c.OutWidth;
            for (int k = 0; k < c.Kernel.Height * c.Kernel.Width; k++)
            {
                int ky = k / c.Kernel.Width, kx = k % c.Kernel.Width;
                int iy = (oy * c.Stride.Height) + (ky * c.Dilation.Height) - c.Padding.Top;
                int ix = (ox * c.Stride.Width) + (kx * c.Dilation.Width) - c.Padding.Left;
                if (iy < 0 || iy >= c.Height || ix < 0 || ix >= c.Width)
                {
                    continue;
                }
                int pixel = ((((b * c.Height) + iy) * c.Width) + ix) * c.Channels;
                for (int f = 0; f < c.Filters; f++)
                {
                    int first = f / c.GroupFilters * c.GroupChannels;
                    for (int i = 0; i < c.GroupChannels; i++)
                    {
                        tap(pixel + first + i,
                            (((k * c.GroupChannels) + i) * c.Filters) + f,
                            (y * c.Filters) + f);
                    }
                }
            }
        }
    }

    private static ConvShape Conv(
        int batch, int height, int width, int channels, int filters, Size2 kernel, Size2 stride,
        Padding padding, Size2 dilation, int groups) =>
        new(batch, height, width, channels, filters, kernel, stride, padding, dilation, groups);

    private static int XLength(ConvShape c) => c.Batch * c.Height * c.Width * c.Channels;

    private static int WLength(ConvShape c) => c.PatchSize * c.Filters;

    private static int YLength(ConvShape c) => c.Patches * c.Filters;

    private static string Text(ConvShape c) =>
        $"{c.Batch}x{c.Height}x{c.Width}x{c.Channels} * {c.Kernel}x{c.GroupChannels}x{c.Filters}";
}
