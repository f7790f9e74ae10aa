// Attention on kernels/attention.cl (processors) and kernels/attention_gpu.cl. The form for
// processors works in scratch of its own for each group, cut as AttentionScratch says; the form for
// GPUs is built for each head size.
using System.Globalization;
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>Items of a group of the GPU form, a query or a key each.</summary>
    private const int AttentionRowsOfGroup = 64;

    public override void Attention(
        AttentionRows q, AttentionRows k, AttentionRows v, AttentionMask mask,
        Storage y, Storage logSums, in AttentionShape shape)
    {
        if (shape.IsEmpty)
        {
            return;
        }
        int heads = shape.Batch * shape.Heads;
        if (!IsFat)
        {
            Inputs(Grouped("attention_gpu", shape), q, k, v, mask, shape).Arg(y).Arg(logSums)
                .Groups(heads * Runs(shape.Queries), 1, 1, AttentionRowsOfGroup, 1);
            return;
        }
        int runs = (shape.QueryBlocks + AttentionScratch.QueryBlocks - 1)
            / AttentionScratch.QueryBlocks;
        int each = new AttentionScratch(shape).Forward;
        int groups = Math.Min(heads * runs, FatGroups);
        var scratch = Rent(DType.F32, (long)groups * each);
        Inputs(Find("attention", "attention_fat"), q, k, v, mask, shape).Arg(y).Arg(logSums)
            .Arg(scratch).Arg(each).Arg(runs).Groups(groups, 1, 1, 1, 1);
        Return(scratch);
    }

    public override void AttentionWeights(
        AttentionRows q, AttentionRows k, AttentionMask mask, Storage logSums, Storage y,
        in AttentionShape shape)
    {
        long weights = (long)shape.Batch * shape.Queries * shape.Keys;
        if (shape.IsEmpty || weights == 0)
        {
            return;
        }
        if (!IsFat)
        {
            Inputs(Grouped("attention_weights_gpu", shape), q, k, k, mask, shape)
                .Arg(logSums).Arg(y).Over(weights, 1);
            return;
        }
        int each = new AttentionScratch(shape).Weights;
        int groups = Math.Min(shape.Batch * shape.QueryBlocks, FatGroups);
        var scratch = Rent(DType.F32, (long)groups * each);
        Inputs(Find("attention", "attention_weights_fat"), q, k, k, mask, shape).Arg(logSums)
            .Arg(y).Arg(scratch).Arg(each).Groups(groups, 1, 1, 1, 1);
        Return(scratch);
    }

    public override void AttentionGradient(
        AttentionRows q, AttentionRows k, AttentionRows v, AttentionMask mask,
        Storage y, Storage dy, Storage logSums,
        AttentionRows dq, AttentionRows dk, AttentionRows dv, in AttentionShape shape)
    {
        int heads = shape.Batch * shape.Heads, rows = heads * shape.Queries;
        if (heads == 0 || shape.Size == 0)
        {
            return;
        }
        var gradients = new GradientArguments(dq, dk, dv);
        var dots = Rent(DType.F32, rows);
        if (rows > 0)
        {
            Grouped("attention_dots", shape).Arg(y).Arg(dy).Arg(dots)
                .Arg(new AttentionArguments(q, k, v, mask, shape))
                .Over(rows, Grain(2L * shape.Size));
        }
        if (IsFat)
        {
            GradientFat(q, k, v, mask, dy, logSums, dots, dq, dk, dv, shape, gradients);
        }
        else
        {
            if (rows > 0)
            {
                Inputs(Grouped("attention_gradient_queries_gpu", shape), q, k, v, mask, shape)
                    .Arg(dy).Arg(logSums).Arg(dots).Arg(dq.Data).Arg(gradients)
                    .Groups(heads * Runs(shape.Queries), 1, 1, AttentionRowsOfGroup, 1);
            }
            if (shape.Keys > 0)
            {
                Inputs(Grouped("attention_gradient_keys_gpu", shape), q, k, v, mask, shape)
                    .Arg(dy).Arg(logSums).Arg(dots).Arg(dk.Data).Arg(dv.Data).Arg(gradients)
                    .Groups(heads * Runs(shape.Keys), 1, 1, AttentionRowsOfGroup, 1);
            }
        }
        Return(dots);
    }

    /// <summary>
    /// With few samples and heads the keys are cut, by the sizes alone, and the partial dq are
    /// added in order.
    /// </summary>
    private void GradientFat(
        AttentionRows q, AttentionRows k, AttentionRows v, AttentionMask mask,
        Storage dy, Storage logSums, Storage dots,
        AttentionRows dq, AttentionRows dk, AttentionRows dv, in AttentionShape shape,
        in GradientArguments gradients)
    {
        // As many pieces as most processors have cores.
        const int Pieces = 32;
        int heads = shape.Batch * shape.Heads, rows = heads * shape.Queries;
        int blocks = (shape.Keys + AttentionScratch.KeyBlock - 1) / AttentionScratch.KeyBlock;
        int parts = Math.Max(1, Math.Min((Pieces + heads - 1) / heads, blocks));
        int part = checked(rows * shape.Size);
        int each = new AttentionScratch(shape).Gradient;
        int groups = Math.Min(heads * parts, FatGroups);
        var scratch = Rent(DType.F32, (long)groups * each);
        var partial = parts == 1 ? scratch : Rent(DType.F32, (long)part * parts);
        Inputs(Find("attention", "attention_gradient_fat"), q, k, v, mask, shape)
            .Arg(dy).Arg(logSums).Arg(dots).Arg(dq.Data).Arg(dk.Data).Arg(dv.Data).Arg(gradients)
            .Arg(partial).Arg(part).Arg(parts).Arg(scratch).Arg(each)
            .Groups(groups, 1, 1, 1, 1);
        if (parts > 1)
        {
            Find("attention", "attention_join").Arg(partial).Arg(dq.Data)
                .Arg(new AttentionArguments(q, k, v, mask, shape)).Arg(gradients).Arg(part)
                .Arg(parts).Over(rows, Grain((long)parts * shape.Size));
            Return(partial);
        }
        Return(scratch);
    }

    private Kernel Inputs(
        Kernel kernel, AttentionRows q, AttentionRows k, AttentionRows v, AttentionMask mask,
        in AttentionShape shape) =>
        kernel.Arg(q.Data).Arg(k.Data).Arg(v.Data).Arg(mask.Lengths ?? q.Data)
            .Arg(mask.Keys ?? q.Data).Arg(mask.Pairs ?? q.Data)
            .Arg(new AttentionArguments(q, k, v, mask, shape))
            .Arg(shape.Span.Seed).Arg(shape.Span.Stream).Arg(shape.Span.FirstBlock);

    /// <summary>A kernel built for the head size, which only the GPU form needs.</summary>
    private Kernel Grouped(string entry, in AttentionShape shape) =>
        Find("attention", entry,
            IsFat ? "" : "SIZE=" + shape.Size.ToString(CultureInfo.InvariantCulture));

    private static int Runs(int rows) =>
        (rows + AttentionRowsOfGroup - 1) / AttentionRowsOfGroup;

    /// <summary>`attention_shape` of kernels/attention.cl.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct AttentionArguments(
        AttentionRows q, AttentionRows k, AttentionRows v, AttentionMask mask,
        in AttentionShape shape)
    {
        public readonly int Batch = shape.Batch;
        public readonly int Heads = shape.Heads;
        public readonly int Queries = shape.Queries;
        public readonly int Keys = shape.Keys;
        public readonly int Size = shape.Size;
        public readonly int Causal = shape.Causal ? 1 : 0;
        public readonly int HasLengths = mask.Lengths is null ? 0 : 1;
        public readonly int HasKeyMask = mask.Keys is null ? 0 : 1;
        public readonly int HasPairMask = mask.Pairs is null ? 0 : 1;
        public readonly int QOffset = q.Offset;
        public readonly int QStride = q.Stride;
        public readonly int KOffset = k.Offset;
        public readonly int KStride = k.Stride;
        public readonly int VOffset = v.Offset;
        public readonly int VStride = v.Stride;
        public readonly float Scale = shape.Scale;
        public readonly float Rate = shape.Dropout;
    }

    /// <summary>`attention_gradients` of kernels/attention.cl.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct GradientArguments(AttentionRows q, AttentionRows k, AttentionRows v)
    {
        public readonly int QOffset = q.Offset;
        public readonly int QStride = q.Stride;
        public readonly int KOffset = k.Offset;
        public readonly int KStride = k.Stride;
        public readonly int VOffset = v.Offset;
        public readonly int VStride = v.Stride;
        public readonly float QBeta = q.Beta;
        public readonly float KBeta = k.Beta;
        public readonly float VBeta = v.Beta;
    }

    /// <summary>Elements of a group's scratch, as kernels/attention.cl cuts it.</summary>
    private readonly struct AttentionScratch(AttentionShape shape)
    {
        public const int KeyBlock = 240, QueryBlocks = 8, Rows = 8;

        private const int Block = AttentionShape.QueryBlock;

        private readonly int _size = shape.Size;
        private readonly int _keys = shape.Keys;

        private int BlockKeys => Math.Min(RoundUp(_keys, Rows), KeyBlock);

        /// <summary>Head size in whole tiles.</summary>
        private int Columns => RoundUp(_size, TileColumns);

        private int KeyRows => BlockKeys * Columns;

        private int QueryLanes => _size * Block;

        private int QueryRows => Block * Columns;

        private int Scores => Math.Max(BlockKeys, Block) * Block;

        public int Forward =>
            (2 * KeyRows) + (QueryBlocks * (QueryLanes + QueryRows + (3 * Block))) + (2 * Scores);

        public int Weights => KeyRows + QueryLanes + (2 * Scores) + (_keys * Block);

        public int Gradient =>
            (4 * KeyRows) + (2 * QueryLanes) + (3 * QueryRows) + (3 * Scores);
    }
}
