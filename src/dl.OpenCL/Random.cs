// Random fills and dropout on kernels/random.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>Numbers worth a group: one costs as much as a few elements of arithmetic.</summary>
    private const int DrawGrain = 1024;

    public override void FillUniform(Storage y, int n, float low, float high, RngSpan span)
    {
        if (n > 0)
        {
            Draw(Find("random", "fill_uniform").Arg(y).Arg(n).Arg(low).Arg(high - low), span)
                .Over(Spans(n), DrawGrain / Span);
        }
    }

    public override void FillNormal(Storage y, int n, float mean, float deviation, RngSpan span)
    {
        if (n > 0)
        {
            Draw(Find("random", "fill_normal").Arg(y).Arg(n).Arg(mean).Arg(deviation), span)
                .Over(((long)n + 3) / 4, DrawGrain / 4);
        }
    }

    public override void Dropout(
        Storage x, Storage y, int n, float rate, RngSpan span, float beta)
    {
        if (n > 0)
        {
            Draw(Find("random", "dropout").Arg(x).Arg(y).Arg(n).Arg(rate), span).Arg(beta)
                .Over(Spans(n), DrawGrain / Span);
        }
    }

    private static Kernel Draw(Kernel kernel, RngSpan span) =>
        kernel.Arg(span.Seed).Arg(span.Stream).Arg(span.FirstBlock);

    /// <summary>Numbers that one item draws: 16 blocks of four at once, or one.</summary>
    private int Span => IsFat ? 4 * Lanes : 4;

    private long Spans(int n) => ((long)n + Span - 1) / Span;
}
