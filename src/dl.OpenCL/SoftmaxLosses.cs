// Cross-entropy against shares and the focal loss on kernels/softmax.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void SoftCrossEntropy(
        Storage x, Storage target, Storage? weight, Storage losses, int rows, int columns,
        float smoothing)
    {
        if (rows > 0)
        {
            Find("softmax", "soft_cross_entropy")
                .Arg(x).Arg(target).Arg(weight ?? x).Arg(losses).Arg(rows).Arg(columns)
                .Arg(smoothing).Arg(weight is null ? 0 : 1).Over(rows, Grain(columns));
        }
    }

    public override void SoftCrossEntropyGradient(
        Storage x, Storage target, Storage? weight, Storage dlosses, Storage dx, int rows,
        int columns, float smoothing, float beta)
    {
        if (rows > 0)
        {
            Find("softmax", "soft_cross_entropy_gradient")
                .Arg(x).Arg(target).Arg(weight ?? x).Arg(dlosses).Arg(dx).Arg(rows).Arg(columns)
                .Arg(smoothing).Arg(weight is null ? 0 : 1).Arg(beta).Over(rows, Grain(columns));
        }
    }

    public override void SoftmaxFocal(
        Storage x, Storage target, Storage losses, int rows, int columns, float gamma)
    {
        if (rows > 0)
        {
            Find("softmax", "softmax_focal")
                .Arg(x).Arg(target).Arg(losses).Arg(rows).Arg(columns).Arg(gamma)
                .Over(rows, Grain(columns));
        }
    }

    public override void SoftmaxFocalGradient(
        Storage x, Storage target, Storage dlosses, Storage dx, int rows, int columns,
        float gamma, float beta)
    {
        if (rows > 0)
        {
            Find("softmax", "softmax_focal_gradient")
                .Arg(x).Arg(target).Arg(dlosses).Arg(dx).Arg(rows).Arg(columns).Arg(gamma)
                .Arg(beta).Over(rows, Grain(columns));
        }
    }
}
