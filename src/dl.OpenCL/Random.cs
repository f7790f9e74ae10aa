// Random fills and dropout on kernels/random.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>Philox blocks worth a group: one costs as much as a few dozen elements.</summary>
    private const int BlockGrain = 256;

    public override void FillUniform(Storage y, int n, float low, float high, RngSpan span)
    {
        if (n > 0)
        {
            Draw(Find("random", "fill_uniform").Arg(y).Arg(n).Arg(low).Arg(high - low), span)
                .Over(DrawBlocks(n), BlockGrain);
        }
    }

    public override void FillNormal(Storage y, int n, float mean, float deviation, RngSpan span)
    {
        if (n > 0)
        {
            Draw(Find("random", "fill_normal").Arg(y).Arg(n).Arg(mean).Arg(deviation), span)
                .Over(DrawBlocks(n), BlockGrain);
        }
    }

    public override void Dropout(
        Storage x, Storage y, int n, float rate, RngSpan span, float beta)
    {
        if (n > 0)
        {
            Draw(Find("random", "dropout").Arg(x).Arg(y).Arg(n).Arg(rate), span).Arg(beta)
                .Over(DrawBlocks(n), BlockGrain);
        }
    }

    private static Kernel Draw(Kernel kernel, RngSpan span) =>
        kernel.Arg(span.Seed).Arg(span.Stream).Arg(span.FirstBlock);

    private static long DrawBlocks(int n) => ((long)n + 3) / 4;
}
