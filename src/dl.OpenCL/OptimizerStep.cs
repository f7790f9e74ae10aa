// Updates of weights on kernels/optimizer_step.cl.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void SgdStep(
        Storage w, Storage g, Storage? v, int n, float rate, float momentum, float decay,
        bool nesterov)
    {
        if (n > 0)
        {
            Find("optimizer_step", "sgd_step").Arg(w).Arg(g).Arg(v ?? w).Arg(n).Arg(rate)
                .Arg(momentum).Arg(decay).Arg(nesterov ? 1 : 0).Arg(v is null ? 0 : 1)
                .Over(n, ElementGrain);
        }
    }

    public override void AdamStep(
        Storage w, Storage g, Storage m, Storage v, int n, in AdamSettings settings)
    {
        if (n > 0)
        {
            Find("optimizer_step", "adam_step").Arg(w).Arg(g).Arg(m).Arg(v).Arg(n)
                .Arg(settings.Rate).Arg(settings.Beta1).Arg(settings.Beta2).Arg(settings.Epsilon)
                .Arg(settings.Decay).Arg(settings.Decoupled ? 1 : 0)
                .Arg(settings.Rate / settings.Correction1).Arg(1 / settings.Correction2)
                .Over(n, ElementGrain);
        }
    }
}
