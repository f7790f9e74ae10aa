// Pooling on kernels/pooling.cl.
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void MaxPool(Storage x, Storage y, Storage indices, in PoolShape shape)
    {
        long items = PoolItems(shape.Batch, shape.OutHeight, shape.OutWidth, shape.Channels);
        if (items > 0)
        {
            Find("pooling", "max_pool").Arg(x).Arg(y).Arg(indices).Arg(new PoolArguments(shape))
                .Over(items, PoolGrain(shape));
        }
    }

    public override void MaxPoolGradient(
        Storage dy, Storage indices, Storage dx, in PoolShape shape, float beta)
    {
        long items = PoolItems(shape.Batch, shape.Height, shape.Width, shape.Channels);
        if (shape.IsTiled)
        {
            items = PoolItems(shape.Batch, shape.OutHeight, shape.OutWidth, shape.Channels);
            if (items > 0)
            {
                Find("pooling", "max_pool_gradient_tiles").Arg(dy).Arg(indices).Arg(dx)
                    .Arg(new PoolArguments(shape)).Arg(beta).Over(items, PoolGrain(shape));
            }
            return;
        }
        if (items > 0)
        {
            Find("pooling", "max_pool_gradient").Arg(dy).Arg(indices).Arg(dx)
                .Arg(new PoolArguments(shape)).Arg(beta).Over(items, PoolGrain(shape));
        }
    }

    public override void MaxUnpoolGradient(
        Storage dy, Storage indices, Storage dx, in PoolShape shape, float beta)
    {
        long items = (long)shape.Batch * shape.OutHeight * shape.OutWidth * shape.Channels;
        if (items > 0)
        {
            Find("pooling", "max_unpool_gradient").Arg(dy).Arg(indices).Arg(dx)
                .Arg(new PoolArguments(shape)).Arg(beta).Over(items, ElementGrain);
        }
    }

    public override void AveragePool(Storage x, Storage y, in PoolShape shape, bool countPadding)
    {
        long items = PoolItems(shape.Batch, shape.OutHeight, shape.OutWidth, shape.Channels);
        if (items > 0)
        {
            Find("pooling", "average_pool").Arg(x).Arg(y).Arg(new PoolArguments(shape))
                .Arg(countPadding ? 1 : 0).Over(items, PoolGrain(shape));
        }
    }

    public override void AveragePoolGradient(
        Storage dy, Storage dx, in PoolShape shape, bool countPadding, float beta)
    {
        long items = PoolItems(shape.Batch, shape.Height, shape.Width, shape.Channels);
        if (shape.IsTiled)
        {
            items = PoolItems(shape.Batch, shape.OutHeight, shape.OutWidth, shape.Channels);
            if (items > 0)
            {
                Find("pooling", "average_pool_gradient_tiles").Arg(dy).Arg(dx)
                    .Arg(new PoolArguments(shape)).Arg(beta).Over(items, PoolGrain(shape));
            }
            return;
        }
        if (items > 0)
        {
            Find("pooling", "average_pool_gradient").Arg(dy).Arg(dx).Arg(new PoolArguments(shape))
                .Arg(countPadding ? 1 : 0).Arg(beta).Over(items, PoolGrain(shape));
        }
    }

    /// <summary>Pixels times blocks of channels.</summary>
    private long PoolItems(int batch, int height, int width, int channels) =>
        (long)batch * height * width * Blocks(channels);

    private static int PoolGrain(in PoolShape shape) =>
        Grain((long)shape.Window.Height * shape.Window.Width * Lanes);

    /// <summary>The kernels' pool_shape.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct PoolArguments(PoolShape shape)
    {
        private readonly PoolShape _shape = shape;
        private readonly int _outHeight = shape.OutHeight, _outWidth = shape.OutWidth;
    }
}
