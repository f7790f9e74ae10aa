// Sizes beyond one packed block and one tile, against the managed device: what the small cases of
// Dl.Verification cannot reach. The error is norm(difference) / norm(reference); outputs start as
// NaN where they are only written, and the element behind each must stay as it was.
using Dl.Cpu;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public class LargeTests(Devices devices)
{
    private const double Bound = 5e-6;

    [SkippableTheory]
    [InlineData("Cpu", 1, 253, 541, 770, false, false)]
    [InlineData("Cpu", 1, 253, 541, 770, true, false)]
    [InlineData("Cpu", 1, 253, 541, 770, false, true)]
    [InlineData("Cpu", 1, 253, 541, 770, true, true)]
    [InlineData("Cpu", 5, 37, 65, 33, false, true)]
    [InlineData("Cpu", 1, 3, 2000, 300, false, false)]
    [InlineData("Cpu", 1, 2, 2000, 300, false, true)]
    [InlineData("Gpu", 1, 253, 341, 170, false, false)]
    [InlineData("Gpu", 1, 253, 341, 170, true, false)]
    [InlineData("Gpu", 1, 253, 341, 170, false, true)]
    [InlineData("Gpu", 1, 253, 341, 170, true, true)]
    [InlineData("Gpu", 5, 37, 65, 33, true, false)]
    public void Matrix_products(
        string form, int batch, int m, int n, int k, bool transposeA, bool transposeB)
    {
        foreach (float beta in (ReadOnlySpan<float>)[0, 1])
        {
            Compare(form, batch * m * n, beta, (device, y) =>
            {
                var (a, b) = (Uniform(device, batch * m * k, 1), Uniform(device, batch * k * n, 2));
                var bias = Uniform(device, n, 3);
                device.MatMul(
                    a, b, beta == 0 ? bias : null, y, batch, m, n, k, transposeA, transposeB, beta);
                return [a, b, bias];
            });
        }
    }

    public static TheoryData<string, ConvShape> Shapes
    {
        get
        {
            var one = new Size2(1, 1);
            var shapes = new TheoryData<string, ConvShape>();
            foreach (string form in (string[])["Cpu", "Gpu"])
            {
                shapes.Add(form, new ConvShape(
                    9, 14, 14, 32, 64, new Size2(3, 3), one, Padding.Even(1, 1), one, 1));
                shapes.Add(form, new ConvShape(
                    4, 28, 28, 1, 32, new Size2(3, 3), one, Padding.Even(1, 1), one, 1));
                shapes.Add(form, new ConvShape(
                    3, 17, 19, 13, 21, new Size2(5, 3), new Size2(2, 3), new Padding(2, 1, 0, 2),
                    new Size2(1, 2), 1));
                shapes.Add(form, new ConvShape(
                    2, 15, 15, 40, 40, new Size2(3, 3), new Size2(2, 2), Padding.Even(1, 1), one,
                    40));
                shapes.Add(form, new ConvShape(
                    2, 9, 9, 24, 36, new Size2(3, 3), one, Padding.Even(1, 1), one, 4));
                shapes.Add(form, new ConvShape(
                    3, 9, 11, 48, 80, one, one, default, one, 1));
                shapes.Add(form, new ConvShape(
                    2, 7, 7, 144, 260, new Size2(3, 3), one, Padding.Even(1, 1), one, 1));
            }
            return shapes;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Shapes))]
    public void Convolutions(string form, ConvShape s)
    {
        int nx = s.Batch * s.Height * s.Width * s.Channels, ny = s.Patches * s.Filters;
        int nw = s.PatchSize * s.Filters;
        Compare(form, ny, 0, (device, y) =>
        {
            var (x, w) = (Uniform(device, nx, 1), Uniform(device, nw, 2));
            var bias = Uniform(device, s.Filters, 3);
            device.Convolution(x, w, bias, y, s);
            return [x, w, bias];
        });
        foreach (float beta in (float[])[0, 1])
        {
            Compare(form, nx, beta, (device, dx) =>
            {
                var (dy, w) = (Uniform(device, ny, 1), Uniform(device, nw, 2));
                device.ConvolutionInputGradient(dy, w, dx, s, beta);
                return [dy, w];
            });
            Compare(form, nw, beta, (device, dw) =>
            {
                var (x, dy) = (Uniform(device, nx, 1), Uniform(device, ny, 2));
                device.ConvolutionWeightGradient(x, dy, dw, s, beta);
                return [x, dy];
            });
        }
    }

    [SkippableTheory]
    [InlineData("Cpu", 1, 50177, 64)]
    [InlineData("Cpu", 1, 300001, 1)]
    [InlineData("Cpu", 700, 333, 1)]
    [InlineData("Cpu", 3, 5000, 77)]
    [InlineData("Gpu", 1, 50177, 64)]
    [InlineData("Gpu", 1, 300001, 1)]
    [InlineData("Gpu", 700, 333, 1)]
    [InlineData("Gpu", 3, 5000, 77)]
    public void Sums(string form, int outer, int n, int inner) =>
        Compare(form, outer * inner, 1, (device, y) =>
        {
            var x = Uniform(device, outer * n * inner, 1);
            device.ReduceSum(x, y, outer, n, inner, 0.5f, 1);
            return [x];
        });

    [SkippableTheory]
    [InlineData("Cpu")]
    [InlineData("Gpu")]
    public void Softmax_of_long_rows_and_many_rows(string form)
    {
        foreach (var (rows, columns) in (ReadOnlySpan<(int, int)>)[(3, 50001), (5000, 10)])
        {
            Compare(form, rows * columns, 0, (device, y) =>
            {
                var x = Uniform(device, rows * columns, 1);
                device.Softmax(x, y, rows, columns);
                return [x];
            });
        }
    }

    [SkippableTheory]
    [InlineData("Cpu")]
    [InlineData("Gpu")]
    public void Permutations(string form)
    {
        foreach (var (b, c, n) in
            (ReadOnlySpan<(int, int, int)>)[(2, 33, 47), (3, 16, 32), (1, 9, 8)])
        {
            var plan = CopyPlan.Create([b, c, n], [n * c, 1, c], [c * n, n, 1]);
            foreach (float beta in (ReadOnlySpan<float>)[0, 1])
            {
                Compare(form, b * c * n, beta, (device, y) =>
                {
                    var x = Uniform(device, b * c * n, 1);
                    device.StridedCopy(x, y, plan, beta);
                    return [x];
                });
            }
        }
    }

    /// <summary>Runs on both devices and compares y, n elements and one behind them.</summary>
    private void Compare(string form, int n, float beta, Func<Device, Storage, Storage[]> run)
    {
        var device = devices.Get(form);
        using var managed = new CpuDevice(null);
        float[] expected = Run(managed, n, beta, run), actual = Run(device, n, beta, run);
        Assert.Equal(0, device.LiveBuffers);
        Assert.Equal(expected[n], actual[n]);
        double difference = 0, norm = 0;
        for (int i = 0; i < n; i++)
        {
            double e = actual[i] - (double)expected[i];
            difference += e * e;
            norm += expected[i] * (double)expected[i];
        }
        Assert.InRange(Math.Sqrt(difference / norm), 0, Bound);
    }

    private static float[] Run(
        Device device, int n, float beta, Func<Device, Storage, Storage[]> run)
    {
        var y = device.Rent(DType.F32, n + 1);
        device.FillUniform(y, n + 1, -1, 1, new RngSpan(9, 9, 9));
        if (beta == 0)
        {
            device.Fill(y, n, float.NaN);
        }
        foreach (var storage in run(device, y))
        {
            device.Return(storage);
        }
        var values = new float[n + 1];
        device.Read(y, values);
        device.Return(y);
        return values;
    }

    private static Storage Uniform(Device device, int n, ulong stream)
    {
        var storage = device.Rent(DType.F32, n);
        device.FillUniform(storage, n, -1, 1, new RngSpan(7, stream, 0));
        return storage;
    }
}
