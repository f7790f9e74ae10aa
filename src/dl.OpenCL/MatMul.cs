// Matrix products on kernels/matmul.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void MatMul(
        Storage a, Storage b, Storage? bias, Storage c,
        int batch, int m, int n, int k, bool transposeA, bool transposeB, float beta)
    {
        if ((long)batch * m * n == 0)
        {
            return;
        }
        long items = (long)batch * m * (IsFat ? (n + Lanes - 1) / Lanes : n);
        Find("matmul", "matmul").Arg(a).Arg(b).Arg(bias ?? a).Arg(c)
            .Arg(batch).Arg(m).Arg(n).Arg(k).Arg(transposeA ? 1 : 0).Arg(transposeB ? 1 : 0)
            .Arg(bias is null ? 0 : 1).Arg(beta).Over(items, Grain((long)k * Lanes));
    }
}
