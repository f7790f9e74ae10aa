// Rotary positions on kernels/rotary.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void Rotate(
        Storage x, Storage table, Storage y, int rows, int time, int width, int heads, int size,
        bool inverse, float beta)
    {
        if ((long)rows * width > 0)
        {
            Find("rotary", "rotate_pairs").Arg(x).Arg(table).Arg(y).Arg(rows).Arg(time).Arg(width)
                .Arg(heads).Arg(size).Arg(inverse ? 1 : 0).Arg(beta)
                .Over(IsFat ? rows : (long)rows * width, Grain(2L * width));
        }
    }
}
