// CTC on kernels/ctc.cl: a sample is an item or, in the GPU form, a work-group.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>Work-items that share the states of a sample: GROUP of the kernel.</summary>
    private const int CtcGroup = 64;

    public override void Ctc(
        Storage logP, Storage target, Storage inputLengths, Storage targetLengths,
        Storage losses, Storage alpha, in CtcShape shape, bool zeroInfinity)
    {
        if (shape.Batch > 0)
        {
            OverSamples(
                Find("ctc", "ctc").Arg(logP).Arg(target).Arg(inputLengths).Arg(targetLengths)
                    .Arg(losses).Arg(alpha).Arg(shape.Batch).Arg(shape.Time).Arg(shape.Classes)
                    .Arg(shape.Labels).Arg(shape.Blank).Arg(zeroInfinity ? 1 : 0),
                shape.Batch);
        }
    }

    public override void CtcGradient(
        Storage logP, Storage target, Storage inputLengths, Storage targetLengths,
        Storage alpha, Storage dlosses, Storage dlogP, in CtcShape shape, float beta)
    {
        if (shape.Batch == 0)
        {
            return;
        }
        var rows = Rent(DType.F32, 2L * shape.Batch * shape.Width);
        OverSamples(
            Find("ctc", "ctc_gradient").Arg(logP).Arg(target).Arg(inputLengths)
                .Arg(targetLengths).Arg(alpha).Arg(dlosses).Arg(dlogP).Arg(rows)
                .Arg(shape.Batch).Arg(shape.Time).Arg(shape.Classes).Arg(shape.Labels)
                .Arg(shape.Blank).Arg(beta),
            shape.Batch);
        Return(rows);
    }

    private void OverSamples(Kernel kernel, int batch)
    {
        if (IsFat)
        {
            kernel.Over(batch, 1);
            return;
        }
        kernel.Groups(Math.Min(batch, GpuGroups), 1, 1, CtcGroup, 1);
    }
}
