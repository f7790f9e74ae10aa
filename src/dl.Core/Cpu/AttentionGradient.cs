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
        float* memory = Shared((each * _pool.Threads) + (parts == 1 ? 0 : part * parts));
        float* partial = parts == 1 ? null : memory + (each * _pool.Threads);
        var call = AttentionCall.Of(q, k, v, mask, logSums, shape);
        var gradients = new AttentionGradients(
            new HeadRows(new(y, 0, shape.Width), shape.Queries, shape),
            new HeadRows(new(dy, 0, shape.Width), shape.Queries, shape),
            new HeadRows(dq, shape.Queries, shape), new HeadRows(dk, shape.Keys, shape),
            new HeadRows(dv, shape.Keys, shape), partial, part, parts);
        int items = heads * parts, run = HeadRun(items);
        _pool.Run((items + run - 1) / run,
            new AttentionGradientWork(call, sizes, gradients, run, items, memory, each));
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

    private readonly struct AttentionGradients(
        HeadRows y, HeadRows dy, HeadRows dq, HeadRows dk, HeadRows dv, float* partial, long part,
        int parts)
    {
        public readonly HeadRows Y = y, Dy = dy, Dq = dq, Dk = dk, Dv = dv;

        /// <summary>(parts, B, heads, Tq, d), or null: straight into dq.</summary>
        public readonly float* Partial = partial;

        public readonly long Part = part;

        public readonly int Parts = parts;
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

    /// <summary>Item: a run of keys of one sample and head; piece: some items.</summary>
    private readonly struct AttentionGradientWork(
        AttentionCall call, AttentionSizes sizes, AttentionGradients gradients, int run, int items,
        float* scratch, long each) : IWork
    {
        public void Run(int piece, int worker)
        {
            var memory = new Memory(scratch + (worker * each), sizes);
            int end = Math.Min(items, (piece + 1) * run);
            for (int item = piece * run; item < end; item++)
            {
                RunItem(item, memory);
            }
        }

        private void RunItem(int item, in Memory memory)
        {
            int head = item / gradients.Parts, part = item % gradients.Parts;
            float* partial = null;
            if (gradients.Partial == null)
            {
                ScaleUnseen(head);
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
            new Span<float>(memory.Dk, count * sizes.Columns).Clear();
            new Span<float>(memory.Dv, count * sizes.Columns).Clear();
            int seen = Math.Min(count, call.KeysOf(head) - key);
            if (seen > 0)
            {
                call.CopyRows(call.K, head, key, seen, memory.Keys);
                call.CopyRows(call.V, head, key, seen, memory.Values);
            }
            // Before this block no query sees the first of the keys.
            int first = shape.Causal
                ? Math.Max(0, key - shape.Keys + shape.Queries) / Lanes : 0;
            for (int block = first; seen > 0 && block < shape.QueryBlocks; block++)
            {
                int n = Math.Min(seen, call.KeysOf(head, block) - key);
                if (n > 0)
                {
                    Tile(memory, new AttentionTile(call, head, block, key, n), head, block);
                    int i = block * Lanes;
                    bool whole = partial == null;
                    Store(memory.Dq, Math.Min(Lanes, shape.Queries - i),
                        whole ? gradients.Dq.At(head, i) : partial + ((long)i * shape.Size),
                        whole ? gradients.Dq.Stride : shape.Size,
                        whole && key == 0 ? gradients.Dq.Beta : 1);
                }
            }
            Store(memory.Dk, count, gradients.Dk.At(head, key), gradients.Dk.Stride,
                gradients.Dk.Beta);
            Store(memory.Dv, count, gradients.Dv.At(head, key), gradients.Dv.Stride,
                gradients.Dv.Beta);
        }

        /// <summary>Adds to the gradients of the keys, writes that of the queries.</summary>
        private void Tile(in Memory memory, in AttentionTile tile, int head, int block)
        {
            float* dots = stackalloc float[Lanes];
            int i = block * Lanes, columns = sizes.Columns;
            call.PackQueries(head, block, memory.Queries);
            call.PackLanes(gradients.Dy, head, block, memory.Dy);
            call.CopyRows(call.Q, head, i, tile.Queries, memory.QueryRows);
            call.CopyRows(gradients.Dy, head, i, tile.Queries, memory.DyRows);
            OutputDots(head, i, tile.Queries, dots);
            tile.Scores(memory.Keys, columns, memory.Queries, memory.Weights, memory.Pairs);
            tile.Weights(memory.Weights);
            call.Q.Prefetch(head + 1, i);
            gradients.Dy.Prefetch(head + 1, i);
            gradients.Y.Prefetch(head + 1, i);
            tile.Products(memory.Values, columns, memory.Dy, memory.Scores);
            call.K.Prefetch(head + 1, i);
            call.V.Prefetch(head + 1, i);
            tile.Differentiate(memory.Weights, memory.Scores, dots);
            tile.AddToKeys(memory.Weights, memory.DyRows, columns, memory.Dv);
            gradients.Dq.Prefetch(head + 1, i);
            gradients.Dk.Prefetch(head + 1, i);
            tile.AddToKeys(memory.Scores, memory.QueryRows, columns, memory.Dk);
            gradients.Dv.Prefetch(head + 1, i);
            tile.ToQueries(memory.Scores, memory.Keys, columns, memory.Dq, false);
        }

        /// <summary>dots[i] = y . dy of a query, 0 for those that do not exist.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void OutputDots(int head, int query, int queries, float* dots)
        {
            float* y = gradients.Y.At(head, query), dy = gradients.Dy.At(head, query);
            int size = call.Shape.Size;
            new Span<float>(dots, Lanes).Clear();
            for (int i = 0; i < queries; i++, y += gradients.Y.Stride, dy += gradients.Dy.Stride)
            {
                V sum = V.Zero;
                for (int c = 0; c < size; c += Lane.Count)
                {
                    sum = Vector512.FusedMultiplyAdd(
                        Lane.Load(y + c, size - c), Lane.Load(dy + c, size - c), sum);
                }
                dots[i] = Vector512.Sum(sum);
            }
        }

        /// <summary>Rows of sums into their place, with beta.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Store(float* sums, int count, float* target, int stride, float beta)
        {
            V old = Vector512.Create(beta);
            int size = call.Shape.Size, columns = sizes.Columns;
            for (; count > 0; count--, sums += columns, target += stride)
            {
                for (int c = 0; c < size; c += Lane.Count)
                {
                    V value = Vector512.Load(sums + c);
                    value = beta == 0 ? value : value + (old * Lane.Load(target + c, size - c));
                    Lane.Store(target + c, value, size - c);
                }
            }
        }

        /// <summary>The gradient of queries that see no key is beta times what is there.</summary>
        private void ScaleUnseen(int head)
        {
            float beta = gradients.Dq.Beta;
            for (int block = 0; beta != 1 && block < call.Shape.QueryBlocks; block++)
            {
                if (call.KeysOf(head, block) > 0)
                {
                    continue;
                }
                int end = Math.Min(call.Shape.Queries, (block + 1) * Lanes);
                for (int i = block * Lanes; i < end; i++)
                {
                    foreach (ref float value in
                        new Span<float>(gradients.Dq.At(head, i), call.Shape.Size))
                    {
                        value = beta == 0 ? 0 : beta * value;
                    }
                }
            }
        }

        /// <summary>One thread's working memory.</summary>
        private readonly struct Memory
        {
            /// <summary>[keys][d in whole vectors].</summary>
            public readonly float* Keys, Values, Dk, Dv;

            /// <summary>[d][32 queries].</summary>
            public readonly float* Queries, Dy;

            /// <summary>[queries][d in whole vectors].</summary>
            public readonly float* QueryRows, DyRows, Dq;

            /// <summary>[keys][32 queries].</summary>
            public readonly float* Weights, Scores, Pairs;

            public Memory(float* at, AttentionSizes sizes)
            {
                Keys = Take(ref at, sizes.KeyRows);
                Values = Take(ref at, sizes.KeyRows);
                Dk = Take(ref at, sizes.KeyRows);
                Dv = Take(ref at, sizes.KeyRows);
                Queries = Take(ref at, sizes.QueryPanel);
                Dy = Take(ref at, sizes.QueryPanel);
                QueryRows = Take(ref at, sizes.QueryRows);
                DyRows = Take(ref at, sizes.QueryRows);
                Dq = Take(ref at, sizes.QueryRows);
                Weights = Take(ref at, sizes.Scores);
                Scores = Take(ref at, sizes.Scores);
                Pairs = Take(ref at, sizes.Scores);
            }
        }
    }
}
