// Recurrence on kernels/recurrent.cl: one launch takes all samples through all steps.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>Samples of a work-group's tile, `ROWS` of the kernels.</summary>
    private const int FatSamples = 4, GpuSamples = 2;

    /// <summary>Vectors of a tile going back, `NV` of the kernels.</summary>
    private const int BackVectors = 4;

    /// <summary>Bits of the kernels' `has`.</summary>
    private const int HasBias = 1, HasLengths = 2, HasH = 4, HasC = 8;

    private static readonly string[] Cells = ["CELL=0", "CELL=1", "CELL=2", "CELL=3"];

    public override void Recurrent(
        in RecurrentShape shape, Storage gates, Storage weight, Storage? bias, Storage? lengths,
        Storage? h0, Storage? c0, Storage y, Storage states, Storage? memory, Storage hn,
        Storage? cn)
    {
        if (shape.Batch == 0 || shape.Units == 0)
        {
            return;
        }
        int units = shape.Units;
        var packed = IsFat
            ? Pack(weight, units, shape.Width, units, shape.Gates, Lanes, units, 0) : null;
        int has = (bias is null ? 0 : HasBias) | (lengths is null ? 0 : HasLengths)
            | (h0 is null ? 0 : HasH) | (c0 is null ? 0 : HasC);
        Walk(
            Find("recurrent", "recurrent", Cells[(int)shape.Cell])
                .Arg(gates).Arg(packed ?? weight).Arg(bias ?? gates).Arg(lengths ?? gates)
                .Arg(h0 ?? gates).Arg(c0 ?? gates).Arg(y).Arg(states).Arg(memory ?? gates).Arg(hn)
                .Arg(cn ?? gates),
            shape, has);
        if (packed is not null)
        {
            Return(packed);
        }
    }

    public override void RecurrentGradient(
        in RecurrentShape shape, Storage gates, Storage weight, Storage? lengths, Storage states,
        Storage? memory, Storage dy, Storage? dhn, Storage? dcn, Storage? products, Storage dh0,
        Storage? dc0)
    {
        if (shape.Batch == 0 || shape.Units == 0)
        {
            return;
        }
        int units = shape.Units, width = shape.Width;
        var turned = Rent(DType.F32, (long)units * width);
        StridedCopy(weight, turned, CopyPlan.Create([width, units], [1, width], [units, 1]), 0);
        var packed = IsFat
            ? Pack(turned, width, units, units, BackVectors, BackVectors * Lanes, Lanes, Lanes)
            : null;
        int has = (lengths is null ? 0 : HasLengths) | (dhn is null ? 0 : HasH)
            | (dcn is null ? 0 : HasC);
        Walk(
            Find("recurrent", "recurrent_gradient", Cells[(int)shape.Cell])
                .Arg(gates).Arg(packed ?? turned).Arg(lengths ?? gates).Arg(states)
                .Arg(memory ?? gates).Arg(dy).Arg(dhn ?? dy).Arg(dcn ?? dy)
                .Arg(products ?? gates).Arg(dh0).Arg(dc0 ?? gates),
            shape, has);
        if (packed is not null)
        {
            Return(packed);
        }
        Return(turned);
    }

    /// <summary>
    /// A matrix (depth x columns) as [block of units][depth][vector][16]: vector q of a block of
    /// <paramref name="span"/> units starts q * <paramref name="apart"/> columns behind its first
    /// and holds units from q * <paramref name="skip"/> on.
    /// </summary>
    private Storage Pack(
        Storage source, int depth, int columns, int units, int vectors, int span, int apart,
        int skip)
    {
        int blocks = (units + span - 1) / span;
        var packed = Rent(DType.F32, (long)blocks * depth * vectors * Lanes);
        Find("recurrent", "recurrent_pack", Cells[0])
            .Arg(source).Arg(packed).Arg(depth).Arg(columns).Arg(units).Arg(vectors).Arg(span)
            .Arg(apart).Arg(skip).Over((long)blocks * depth, Grain((long)vectors * Lanes));
        return packed;
    }

    private void Walk(Kernel kernel, in RecurrentShape shape, int has)
    {
        kernel.Arg(shape.Batch).Arg(shape.Steps).Arg(shape.Units).Arg(shape.Reverse ? 1 : 0)
            .Arg(has);
        if (IsFat)
        {
            // A group packs nothing and waits for nobody, so one for each core is best: more would
            // read the weights more often.
            int tiles = (shape.Batch + FatSamples - 1) / FatSamples;
            kernel.Groups(Math.Min(tiles, _device.ComputeUnits), 1, 1, 1, 1);
            return;
        }
        int items = Math.Min(Kernel.GroupSize, RoundUp(shape.Units, 32));
        kernel.Groups((shape.Batch + GpuSamples - 1) / GpuSamples, 1, 1, items, 1);
    }
}
