// Matrix products.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Tensors;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void MatMul(
        Storage a, Storage b, Storage? bias, Storage c,
        int batch, int m, int n, int k, bool transposeA, bool transposeB, float beta) =>
        SplitRows(batch * m, (long)n * k, new MatMulRange(
            Floats(a), Floats(b), bias is null ? null : Floats(bias), Floats(c), m, n, k,
            transposeA, transposeB, beta));

    private readonly struct MatMulRange(
        float* a, float* b, float* bias, float* c, int m, int n, int k, bool ta, bool tb, float beta)
        : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int r = from; r < to; r++)
            {
                int batch = r / m, i = r % m;
                float* pa = a + ((long)batch * m * k), pb = b + ((long)batch * k * n);
                float* pc = c + ((long)r * n);
                for (int j = 0; j < n; j++)
                {
                    double sum = bias == null ? 0 : bias[j];
                    for (int l = 0; l < k; l++)
                    {
                        sum += (double)(ta ? pa[((long)l * m) + i] : pa[((long)i * k) + l])
                            * (tb ? pb[((long)j * k) + l] : pb[((long)l * n) + j]);
                    }
                    pc[j] = (float)(beta == 0 ? sum : sum + (beta * pc[j]));
                }
            }
        }
    }
}
