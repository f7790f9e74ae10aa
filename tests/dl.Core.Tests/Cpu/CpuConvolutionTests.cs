// Convolution and both gradients against loops over their definition in double.
using Dl.Ops;

namespace Dl.Core.Tests.Cpu;

public class CpuConvolutionTests
{
    public static TheoryData<string> Names()
    {
        var names = new TheoryData<string>();
        foreach (string name in Cases.Keys)
        {
            names.Add(name);
        }
        return names;
    }

    private static readonly Dictionary<string, ConvShape> Cases = new()
    {
        ["one channel"] = Shape(2, 9, 8, 1, 5, 3, 3, 1, 1, 1, 1),
        ["three channels"] = Shape(2, 7, 11, 3, 33, 3, 3, 1, 1, 1, 1),
        ["many pixels"] = Shape(3, 28, 28, 1, 32, 3, 3, 1, 1, 1, 1),
        ["deep"] = Shape(1, 6, 5, 40, 70, 3, 3, 1, 1, 1, 1),
        ["many tiles"] = Shape(4, 22, 19, 24, 40, 3, 3, 1, 1, 1, 1),
        ["fewer tiles than filters"] = Shape(24, 4, 4, 96, 64, 3, 3, 1, 1, 1, 1),
        ["deeper than a block"] = Shape(1, 5, 5, 350, 17, 3, 3, 1, 1, 1, 1),
        ["stride 2"] = Shape(2, 9, 10, 5, 6, 3, 3, 2, 1, 1, 1),
        ["stride 2, even kernel"] = Shape(2, 8, 8, 16, 12, 2, 2, 2, 0, 1, 1),
        ["stride 3 beyond the kernel"] = Shape(1, 11, 9, 4, 5, 2, 2, 3, 0, 1, 1),
        ["pointwise, stride 2"] = Shape(2, 6, 7, 8, 9, 1, 1, 2, 0, 1, 1),
        ["pointwise"] = Shape(2, 6, 7, 18, 19, 1, 1, 1, 0, 1, 1),
        ["dilated"] = Shape(1, 12, 12, 6, 7, 3, 3, 1, 2, 2, 1),
        ["dilated with stride"] = Shape(1, 12, 13, 6, 7, 3, 2, 2, 2, 3, 1),
        ["groups"] = Shape(2, 6, 6, 12, 8, 3, 3, 1, 1, 1, 4),
        ["groups with stride"] = Shape(1, 7, 7, 6, 9, 3, 3, 2, 1, 1, 3),
        ["depthwise"] = Shape(2, 7, 6, 20, 20, 3, 3, 1, 1, 1, 20),
        ["depthwise, stride 2"] = Shape(2, 7, 6, 20, 20, 3, 3, 2, 1, 1, 20),
        ["depthwise, two filters each"] = Shape(2, 6, 6, 5, 10, 3, 3, 1, 1, 1, 5),
        ["one row"] = Shape(2, 1, 30, 4, 6, 1, 5, 1, 0, 1, 1),
        ["large kernel"] = Shape(1, 15, 15, 3, 16, 7, 7, 2, 3, 1, 1),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Forward(string name)
    {
        var s = Cases[name];
        var (x, w, bias, _) = Values(s);
        var expected = new double[s.Patches * s.Filters];
        Each(s, (pixel, weight, output) => expected[output] += (double)x[pixel] * w[weight]);
        for (int i = 0; i < expected.Length; i++)
        {
            expected[i] += bias[i % s.Filters];
        }
        float[]? first = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using var device = new Guarded(threads);
            var y = device.Of(Guarded.Before(expected.Length, 0));
            device.Device.Convolution(device.Of(x), device.Of(w), device.Of(bias), y, s);
            var values = device.Read(y);
            Guarded.Near(expected, values, 2e-7 * (s.PatchSize + 8));
            first ??= values;
            Assert.True(first.AsSpan().SequenceEqual(values), "threads show");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradient_of_the_input(string name)
    {
        var s = Cases[name];
        var (x, w, _, dy) = Values(s);
        foreach (var (threads, beta) in new[] { (1, 0f), (2, 1f), (3, 0f) })
        {
            var before = Guarded.Before(x.Length, beta);
            var expected = Start(before, beta);
            Each(s, (pixel, weight, output) => expected[pixel] += (double)dy[output] * w[weight]);
            using var device = new Guarded(threads);
            var dx = device.Of(before);
            device.Device.ConvolutionInputGradient(device.Of(dy), device.Of(w), dx, s, beta);
            Guarded.Near(expected, device.Read(dx), 2e-7 * ((s.PatchSize / s.GroupChannels
                * s.GroupFilters) + 8));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradient_of_the_weights(string name)
    {
        var s = Cases[name];
        var (x, w, _, dy) = Values(s);
        float[]? first = null;
        foreach (var (threads, beta) in new[] { (1, 0f), (2, 1f), (3, 0f) })
        {
            var before = Guarded.Before(w.Length, beta);
            var expected = Start(before, beta);
            Each(s, (pixel, weight, output) => expected[weight] += (double)dy[output] * x[pixel]);
            using var device = new Guarded(threads);
            var dw = device.Of(before);
            device.Device.ConvolutionWeightGradient(device.Of(x), device.Of(dy), dw, s, beta);
            var values = device.Read(dw);
            // Winograd's sums are of numbers some times as large as the result.
            Guarded.Near(expected, values, 3e-7 * (s.Patches + 20));
            first ??= values;
            Assert.True(beta != 0 || first.AsSpan().SequenceEqual(values), "threads show");
        }
    }

    private static double[] Start(float[] before, float beta) =>
        before.Select(v => beta == 0 ? 0.0 : v * beta).ToArray();

    private static (float[] X, float[] W, float[] Bias, float[] Dy) Values(ConvShape s) => (
        Guarded.Numbers(s.Batch * s.Height * s.Width * s.Channels, 1),
        Guarded.Numbers(s.PatchSize * s.Filters, 2),
        Guarded.Numbers(s.Filters, 3),
        Guarded.Numbers(s.Patches * s.Filters, 4));

    /// <summary>Every (pixel, weight, output) that the definition multiplies.</summary>
    private static void Each(ConvShape s, Action<int, int, int> visit)
    {
        for (int output = 0; output < s.Patches * s.Filters; output++)
        {
            int f = output % s.Filters, p = output / s.Filters;
            int ox = p % s.OutWidth, oy = p / s.OutWidth % s.OutHeight;
            int b = p / (s.OutWidth * s.OutHeight);
            for (int k = 0; k < s.PatchSize; k++)
            {
                int c = k % s.GroupChannels, kx = k / s.GroupChannels % s.Kernel.Width;
                int ky = k / s.GroupChannels / s.Kernel.Width;
                int iy = (oy * s.Stride.Height) + (ky * s.Dilation.Height) - s.Padding.Top;
                int ix = (ox * s.Stride.Width) + (kx * s.Dilation.Width) - s.Padding.Left;
                if (iy >= 0 && iy < s.Height && ix >= 0 && ix < s.Width)
                {
                    int channel = (f / s.GroupFilters * s.GroupChannels) + c;
                    int pixel = (((((b * s.Height) + iy) * s.Width) + ix) * s.Channels) + channel;
                    visit(pixel, (k * s.Filters) + f, output);
                }
            }
        }
    }

    private static ConvShape Shape(
        int batch, int height, int width, int channels, int filters, int kh, int kw, int stride,
        int pad, int dilation, int groups) =>
        new(batch, height, width, channels, filters, new Size2(kh, kw), new Size2(stride, stride),
            Padding.Even(pad, pad), new Size2(dilation, dilation), groups);
}
