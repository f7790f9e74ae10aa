// Running averages of weights on kernels/averaging.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void Blend(Storage x, Storage y, int n, float t)
    {
        if (n > 0)
        {
            Find("averaging", "blend", WidthDefine)
                .Arg(x).Arg(y).Arg(n).Arg(t).Over(Vectors(n), ElementGrain);
        }
    }
}
