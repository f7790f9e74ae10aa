// Resizing on kernels/resize.cl.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void Resize(Storage x, Storage y, in ResizeShape shape)
    {
        long items = PoolItems(shape.Batch, shape.OutHeight, shape.OutWidth, shape.Channels);
        if (items > 0)
        {
            Find("resize", "resize").Arg(x).Arg(y).Arg(shape).Over(items, Grain(4 * Lanes));
        }
    }

    public override void ResizeGradient(Storage dy, Storage dx, in ResizeShape shape, float beta)
    {
        long items = PoolItems(shape.Batch, shape.Height, shape.Width, shape.Channels);
        if (items > 0)
        {
            Find("resize", "resize_gradient").Arg(dy).Arg(dx).Arg(shape).Arg(beta)
                .Over(items, Grain(16 * Lanes));
        }
    }
}
