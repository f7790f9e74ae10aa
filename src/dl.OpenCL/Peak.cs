// Chains of multiply-adds on kernels/peak.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>Numbers of a work-item in the GPU form; a divisor of a block.</summary>
    private const int ItemChains = 8;

    public override void MultiplyAddChain(Storage x, int count, int rounds, float a, float b)
    {
        if (count > 0)
        {
            int each = IsFat ? ChainBlock : ItemChains;
            Find("peak", "multiply_add_chain").Arg(x).Arg(count / each).Arg(rounds).Arg(a).Arg(b)
                .Over(count / each, 1);
        }
    }
}
