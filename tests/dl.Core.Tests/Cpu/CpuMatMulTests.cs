// The blocked product against three loops in double, over sizes around every edge of its tiles.
namespace Dl.Core.Tests.Cpu;

public class CpuMatMulTests
{
    public static TheoryData<int, int, int, int> Sizes()
    {
        var sizes = new TheoryData<int, int, int, int>();
        foreach (int m in new[] { 1, 2, 4, 5, 11, 12, 13, 25 })
        {
            foreach (int n in new[] { 1, 10, 15, 16, 17, 31, 32, 33, 65 })
            {
                sizes.Add(1, m, n, 7);
                sizes.Add(2, m, n, 33);
            }
        }
        // Around the edges of the product without packing.
        sizes.Add(1, 64, 64, 16);
        sizes.Add(1, 64, 64, 17);
        sizes.Add(1, 65, 64, 15);
        sizes.Add(1, 9, 48, 64);
        sizes.Add(1, 16, 3, 65);
        sizes.Add(1, 63, 49, 1);
        sizes.Add(1, 250, 520, 40);
        sizes.Add(1, 37, 70, 700);
        sizes.Add(1, 13, 40, 5000);
        sizes.Add(1, 1, 3000, 900);
        sizes.Add(1, 3000, 1, 900);
        sizes.Add(3, 30, 20, 1);
        sizes.Add(1, 5, 6, 0);
        return sizes;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Equals_three_loops(int batch, int m, int n, int k)
    {
        var a = Guarded.Numbers(batch * m * k, 1);
        var b = Guarded.Numbers(batch * k * n, 2);
        var bias = Guarded.Numbers(n, 3);
        foreach (var (ta, tb, beta, threads, withBias) in new[]
        {
            (false, false, 0f, 1, true), (false, true, 0f, 2, false), (true, false, 1f, 2, true),
            (true, true, 0f, 3, true), (false, false, 0.5f, 2, false), (false, true, 1f, 1, true),
        })
        {
            using var device = new Guarded(threads);
            var before = Guarded.Before(batch * m * n, beta);
            var c = device.Of(before);
            device.Device.MatMul(device.Of(a), device.Of(b), withBias ? device.Of(bias) : null, c,
                batch, m, n, k, ta, tb, beta);
            var expected = Naive(
                a, b, withBias ? bias : null, before, batch, m, n, k, ta, tb, beta);
            Guarded.Near(expected, device.Read(c), 2e-7 * (k + 8));
        }
    }

    [Theory]
    [InlineData(300, 300, 300)]
    [InlineData(32, 9, 50176)]
    [InlineData(64, 10, 3000)]
    [InlineData(1, 700, 900)]
    public void Threads_do_not_show(int m, int n, int k)
    {
        float[]? first = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using var device = new Guarded(threads);
            var c = device.Of(new float[m * n]);
            device.Device.MatMul(device.Of(Guarded.Numbers(m * k, 1)),
                device.Of(Guarded.Numbers(k * n, 2)), null, c, 1, m, n, k, false, false, 0);
            var values = device.Read(c);
            first ??= values;
            Assert.Equal(first, values);
        }
    }

    private static double[] Naive(
        float[] a, float[] b, float[]? bias, float[] c, int batch, int m, int n, int k,
        bool ta, bool tb, float beta)
    {
        var result = new double[batch * m * n];
        for (int i = 0; i < result.Length; i++)
        {
            int at = i / (m * n), row = i / n % m, column = i % n;
            double sum = bias?[column] ?? 0;
            for (int l = 0; l < k; l++)
            {
                sum += (double)a[(at * m * k) + (ta ? (l * m) + row : (row * k) + l)]
                    * b[(at * k * n) + (tb ? (column * k) + l : (l * n) + column)];
            }
            result[i] = beta == 0 ? sum : sum + (beta * c[i]);
        }
        return result;
    }
}
