// The backward pass of attention: for each block of keys, the weights of each block of queries are
// made again from the sums that the forward pass kept. A piece owns a run of keys of one sample and
// head, so dk and dv have one writer; dq has one as well while there are many samples and heads.
// With few of them the keys are cut, and the partial dq are added in order. How they are cut
// depends on the sizes alone.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
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
        var sizes = new AttentionSizes(shape);
        int parts = AttentionParts(heads, shape.Keys);
        long each = sizes.GradientFloats;
        // Parts of dq end at whole vectors.
        long part = ((long)rows * shape.Size) + Lane.Count - 1 & -Lane.Count;
        float* memory = Shared((each * _pool.Threads) + rows + (parts == 1 ? 0 : part * parts));
        float* dots = memory + (each * _pool.Threads);
        float* partial = parts == 1 ? null : dots + rows;
        SplitRows(rows, 2L * shape.Size, new OutputDotRange(Floats(y), Floats(dy), dots, shape));
        var call = AttentionCall.Of(q, k, v, mask, logSums, shape);
        var output = new AttentionRows(dy, 0, shape.Width);
        var gradients = new AttentionGradients(
            new HeadRows(output, shape.Queries, shape), new HeadRows(dq, shape.Queries, shape),
            new HeadRows(dk, shape.Keys, shape), new HeadRows(dv, shape.Keys, shape), dots,
            partial, part, parts);
        _pool.Run(heads * parts,
            new AttentionGradientWork(call, sizes, gradients, memory, each));
        if (parts > 1)
        {
            SplitRows(rows, (parts + 1L) * shape.Size, new JoinQueriesRange(
                partial, part, parts, gradients.Dq, shape));
        }
    }

    /// <summary>Runs of keys for each sample and head.</summary>
    private static int AttentionParts(int heads, int keys)
    {
        // As many pieces as most processors have cores.
        const int Pieces = 32;
        int blocks = (keys + AttentionSizes.KeyBlock - 1) / AttentionSizes.KeyBlock;
        return Math.Max(1, Math.Min((Pieces + heads - 1) / heads, blocks));
    }

    private readonly record struct AttentionGradients(
        HeadRows Dy, HeadRows Dq, HeadRows Dk, HeadRows Dv, nint DotsAt, nint PartialAt,
        long Part, int Parts)
    {
        public AttentionGradients(
            HeadRows dy, HeadRows dq, HeadRows dk, HeadRows dv, float* dots, float* partial,
            long part, int parts)
            : this(dy, dq, dk, dv, (nint)dots, (nint)partial, part, parts)
        {
        }

        /// <summary>dy . y of each query, (B, heads, Tq).</summary>
        public float* Dots => (float*)DotsAt;

        /// <summary>(parts, B, heads, Tq, d), or null: straight into dq.</summary>
        public float* Partial => (float*)PartialAt;
    }

    /// <summary>dots[row] = y . dy of a head, rows ordered as (B, heads, Tq).</summary>
    private readonly struct OutputDotRange(
        float* y, float* dy, float* dots, AttentionShape shape) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                int head = row / shape.Queries;
                long time = ((long)(head / shape.Heads) * shape.Queries) + (row % shape.Queries);
                long at = (time * shape.Width) + (head % shape.Heads * shape.Size);
                V sum = V.Zero;
                for (int c = 0; c < shape.Size; c += Lane.Count)
                {
                    sum = Vector512.FusedMultiplyAdd(
                        Lane.Load(y + at + c, shape.Size - c),
                        Lane.Load(dy + at + c, shape.Size - c), sum);
                }
                dots[row] = Vector512.Sum(sum);
            }
        }
    }

    /// <summary>dq = sum of the parts, in order, + beta dq.</summary>
    private readonly struct JoinQueriesRange(
        float* partial, long part, int parts, HeadRows dq, AttentionShape shape) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V old = Vector512.Create(dq.Beta);
            for (int row = from; row < to; row++)
            {
                float* target = dq.At(row / shape.Queries, row % shape.Queries);
                for (int c = 0; c < shape.Size; c += Lane.Count)
                {
                    int count = Math.Min(Lane.Count, shape.Size - c);
                    float* source = partial + ((long)row * shape.Size) + c;
                    V sum = Lane.Load(source, count);
                    for (int p = 1; p < parts; p++)
                    {
                        sum += Lane.Load(source + (p * part), count);
                    }
                    sum = dq.Beta == 0 ? sum : sum + (old * Lane.Load(target + c, count));
                    Lane.Store(target + c, sum, count);
                }
            }
        }
    }

    /// <summary>Piece: a run of keys of one sample and head.</summary>
    private readonly struct AttentionGradientWork(
        AttentionCall call, AttentionSizes sizes, AttentionGradients gradients, float* scratch,
        long each) : IWork
    {
        public void Run(int piece, int worker)
        {
            var memory = new Memory(scratch + (worker * each), sizes);
            int head = piece / gradients.Parts, part = piece % gradients.Parts;
            float* partial = null;
            if (gradients.Partial == null)
            {
                Scale(gradients.Dq, head, call.Shape.Queries);
            }
            else
            {
                int floats = call.Shape.Queries * call.Shape.Size;
                partial = gradients.Partial + (part * gradients.Part) + ((long)head * floats);
                new Span<float>(partial, floats).Clear();
            }
            int keys = call.Shape.Keys;
            int blocks = (keys + AttentionSizes.KeyBlock - 1) / AttentionSizes.KeyBlock;
            int end = (int)((long)blocks * (part + 1) / gradients.Parts);
            for (int b = (int)((long)blocks * part / gradients.Parts); b < end; b++)
            {
                int key = b * AttentionSizes.KeyBlock;
                KeyBlock(memory, head, key, Math.Min(AttentionSizes.KeyBlock, keys - key), partial);
            }
        }

        private void KeyBlock(in Memory memory, int head, int key, int count, float* partial)
        {
            var shape = call.Shape;
            new Span<float>(memory.Dk, sizes.KeyRows).Clear();
            new Span<float>(memory.Dv, sizes.KeyRows).Clear();
            int seen = Math.Min(count, call.KeysOf(head) - key);
            if (seen > 0)
            {
                call.PackTransposed(call.K, head, key, seen, memory.Keys);
                call.PackTransposed(call.V, head, key, seen, memory.Values);
                call.PackCopied(call.K, head, key, seen, memory.KeyColumns);
            }
            // Before this block no query sees the first of the keys.
            int first = shape.Causal
                ? Math.Max(0, key - shape.Keys + shape.Queries) / Lanes : 0;
            for (int block = first; seen > 0 && block < shape.QueryBlocks; block++)
            {
                int n = Math.Min(seen, call.KeysOf(head, block) - key);
                if (n > 0)
                {
                    Tile(memory, head, block, key, n, seen, partial);
                }
            }
            Store(memory.Dk, gradients.Dk, head, key, count);
            Store(memory.Dv, gradients.Dv, head, key, count);
        }

        private void Tile(
            in Memory memory, int head, int block, int key, int n, int packed, float* partial)
        {
            var shape = call.Shape;
            int i = block * Lanes, queries = Math.Min(Lanes, shape.Queries - i);
            float* q = call.Q.At(head, i), dy = gradients.Dy.At(head, i);
            call.PackQueries(head, block, memory.Queries);
            call.PackLanes(dy, gradients.Dy.Stride, block, memory.Dy);
            CopyRows(q, call.Q.Stride, queries, memory.QueryRows);
            CopyRows(dy, gradients.Dy.Stride, queries, memory.DyRows);
            var tile = new AttentionTile(call, head, block, key, n);
            tile.Scores(memory.Keys, memory.Queries, memory.Weights, memory.Turned);
            tile.Weights(memory.Weights);
            tile.Products(memory.Values, memory.Dy, memory.Scores);
            tile.Differentiate(memory.Weights, memory.Scores, gradients.Dots);
            AddToKeys(memory.Weights, n, queries, memory.DyRows, memory.Turned, memory.Dv);
            AddToKeys(memory.Scores, n, queries, memory.QueryRows, memory.Turned, memory.Dk);
            new Span<float>(memory.Dq, sizes.OutputPanel).Clear();
            tile.Multiply(memory.KeyColumns, packed, memory.Scores, memory.Dq);
            bool whole = partial == null;
            float* target = whole
                ? gradients.Dq.At(head, i) : partial + ((long)i * shape.Size);
            AttentionTile.Turn(
                memory.Dq, shape.Size, queries, target, whole ? gradients.Dq.Stride : shape.Size,
                memory.Turned, add: true);
        }

        /// <summary>[32 queries][32 of d].</summary>
        private void CopyRows(float* source, int stride, int queries, float* panels)
        {
            for (int c = 0; c < call.Shape.Size; c += MicroKernel.Columns)
            {
                Panel.Copy(source + c, stride,
                    Math.Min(MicroKernel.Columns, call.Shape.Size - c), queries,
                    panels + (c * Lanes), MicroKernel.Columns);
            }
        }

        /// <summary>sums[key][c] += weights[key][query] rows[query][c] over queries.</summary>
        private void AddToKeys(
            float* weights, int n, int queries, float* rows, float* turned, float* sums)
        {
            int size = call.Shape.Size, columns = sizes.Columns;
            for (int j = 0; j < n; j += MicroKernel.Rows)
            {
                Panel.Transpose(weights + (j * Lanes), Lanes, Math.Min(MicroKernel.Rows, n - j),
                    Lanes, turned, MicroKernel.Rows);
                for (int c = 0; c < size; c += MicroKernel.Columns)
                {
                    MicroKernel.Tile(turned, rows + (c * Lanes), queries, null,
                        sums + (j * columns) + c, columns, true, MicroKernel.Rows,
                        Math.Min(MicroKernel.Columns, size - c));
                }
            }
        }

        /// <summary>Rows of the sums into their place, with beta.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Store(float* sums, in HeadRows rows, int head, int key, int count)
        {
            V old = Vector512.Create(rows.Beta);
            int size = call.Shape.Size;
            for (int j = 0; j < count; j++)
            {
                float* target = rows.At(head, key + j);
                for (int c = 0; c < size; c += Lane.Count)
                {
                    int length = Math.Min(Lane.Count, size - c);
                    V value = Vector512.Load(sums + (j * sizes.Columns) + c);
                    value = rows.Beta == 0
                        ? value : value + (old * Lane.Load(target + c, length));
                    Lane.Store(target + c, value, length);
                }
            }
        }

        /// <summary>What is added to starts as beta times itself.</summary>
        private void Scale(in HeadRows rows, int head, int count)
        {
            for (int i = 0; i < count; i++)
            {
                var row = new Span<float>(rows.At(head, i), call.Shape.Size);
                if (rows.Beta == 0)
                {
                    row.Clear();
                }
                else if (rows.Beta != 1)
                {
                    foreach (ref float value in row)
                    {
                        value *= rows.Beta;
                    }
                }
            }
        }

        /// <summary>One thread's working memory.</summary>
        private readonly struct Memory
        {
            /// <summary>Panels of 12 keys, [d][12].</summary>
            public readonly float* Keys, Values;

            /// <summary>Panels of 12 of d, [keys][12].</summary>
            public readonly float* KeyColumns;

            /// <summary>[d][32 queries].</summary>
            public readonly float* Queries, Dy, Dq;

            /// <summary>Panels of 32 of d, [queries][32].</summary>
            public readonly float* QueryRows, DyRows;

            /// <summary>[keys][32 queries]; one is spare.</summary>
            public readonly float* Weights, Scores, Turned;

            /// <summary>[keys][d in whole panels].</summary>
            public readonly float* Dk, Dv;

            public Memory(float* at, AttentionSizes sizes)
            {
                Keys = Take(ref at, sizes.KeyPanels);
                Values = Take(ref at, sizes.KeyPanels);
                KeyColumns = Take(ref at, sizes.ValuePanels);
                Queries = Take(ref at, sizes.QueryPanel);
                Dy = Take(ref at, sizes.QueryPanel);
                Dq = Take(ref at, sizes.OutputPanel);
                QueryRows = Take(ref at, sizes.QueryRows);
                DyRows = Take(ref at, sizes.QueryRows);
                Weights = Take(ref at, sizes.Scores);
                Scores = Take(ref at, sizes.Scores);
                Turned = Take(ref at, sizes.Scores);
                Dk = Take(ref at, sizes.KeyRows);
                Dv = Take(ref at, sizes.KeyRows);
            }
        }
    }
}
