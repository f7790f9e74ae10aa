// Attention, a block of up to 32 queries at a time. Scores are computed transposed, [key][query]:
// the softmax then runs down the lanes without a sum across them. Keys and values, whose rows may
// lie far apart, are copied a block at a time and used for up to eight blocks of queries.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Blocks of queries that one piece takes through the keys.</summary>
    private const int QueryBlocks = 8;

    public override void Attention(
        AttentionRows q, AttentionRows k, AttentionRows v, AttentionMask mask,
        Storage y, Storage logSums, in AttentionShape shape)
    {
        if (shape.IsEmpty)
        {
            return;
        }
        var call = AttentionCall.Of(q, k, v, mask, logSums, shape);
        var sizes = new AttentionSizes(shape);
        int groups = (shape.QueryBlocks + QueryBlocks - 1) / QueryBlocks;
        long each = sizes.ForwardFloats;
        float* scratch = Shared(each * _pool.Threads);
        int items = shape.Batch * shape.Heads * groups, run = HeadRun(items);
        _pool.Run((items + run - 1) / run,
            new AttentionWork(call, sizes, Floats(y), groups, run, items, scratch, each));
    }

    public override void AttentionWeights(
        AttentionRows q, AttentionRows k, AttentionMask mask, Storage logSums, Storage y,
        in AttentionShape shape)
    {
        if (shape.IsEmpty || shape.Keys == 0)
        {
            return;
        }
        var call = AttentionCall.Of(q, k, k, mask, logSums, shape);
        var sizes = new AttentionSizes(shape);
        long each = sizes.WeightsFloats;
        float* scratch = Shared(each * _pool.Threads);
        _pool.Run(
            shape.Batch * shape.QueryBlocks,
            new AttentionWeightsWork(call, sizes, Floats(y), scratch, each));
    }

    /// <summary>
    /// Heads that a thread takes one after the other; it asks for the next one's rows in advance.
    /// </summary>
    private int HeadRun(int heads) => Math.Max(1, heads / (4 * _pool.Threads));

    /// <summary>Item: eight blocks of queries of one sample and head; piece: some items.</summary>
    private readonly struct AttentionWork(
        AttentionCall call, AttentionSizes sizes, float* y, int groups, int run, int items,
        float* scratch, long each) : IWork
    {
        public void Run(int piece, int worker)
        {
            int end = Math.Min(items, (piece + 1) * run);
            for (int item = piece * run; item < end; item++)
            {
                RunItem(item, scratch + (worker * each));
            }
        }

        private void RunItem(int item, float* at)
        {
            float* keys = Take(ref at, sizes.KeyRows), values = Take(ref at, sizes.KeyRows);
            float* queries = Take(ref at, QueryBlocks * sizes.QueryPanel);
            float* outputs = Take(ref at, QueryBlocks * sizes.QueryRows);
            float* state = Take(ref at, QueryBlocks * AttentionTile.StateFloats);
            float* scores = Take(ref at, sizes.Scores), pairs = Take(ref at, sizes.Scores);
            int head = item / groups, first = item % groups * QueryBlocks;
            int end = Math.Min(call.Shape.QueryBlocks, first + QueryBlocks);
            for (int block = first; block < end; block++)
            {
                call.PackQueries(head, block, queries + ((block - first) * sizes.QueryPanel));
            }
            new Span<float>(outputs, (end - first) * sizes.QueryRows).Clear();
            AttentionTile.Start(state, end - first);
            // The last block of queries sees most.
            int visible = call.KeysOf(head, end - 1);
            for (int key = 0; key < visible; key += AttentionSizes.KeyBlock)
            {
                int count = Math.Min(AttentionSizes.KeyBlock, visible - key);
                call.CopyRows(call.K, head, key, count, keys);
                call.CopyRows(call.V, head, key, count, values);
                for (int block = first; block < end; block++)
                {
                    int n = Math.Min(count, call.KeysOf(head, block) - key), i = block - first;
                    if (n > 0)
                    {
                        var tile = new AttentionTile(call, head, block, key, n);
                        float* output = outputs + (i * sizes.QueryRows);
                        tile.Scores(keys, sizes.Columns, queries + (i * sizes.QueryPanel), scores,
                            pairs);
                        tile.Soften(scores, state + (i * AttentionTile.StateFloats), output,
                            sizes.Columns);
                        call.Q.Prefetch(head + 1, block * Lanes);
                        call.K.Prefetch(head + 1, block * Lanes);
                        call.V.Prefetch(head + 1, block * Lanes);
                        tile.ToQueries(scores, values, sizes.Columns, output, true);
                    }
                }
            }
            for (int block = first; block < end; block++)
            {
                int i = block - first;
                call.Finish(head, block, state + (i * AttentionTile.StateFloats),
                    outputs + (i * sizes.QueryRows), sizes.Columns, y);
            }
        }
    }

    /// <summary>Piece: one block of queries of one sample, all heads.</summary>
    private readonly struct AttentionWeightsWork(
        AttentionCall call, AttentionSizes sizes, float* y, float* scratch, long each) : IWork
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int piece, int worker)
        {
            float* at = scratch + (worker * each);
            float* keys = Take(ref at, sizes.KeyRows);
            float* queries = Take(ref at, sizes.QueryPanel);
            float* scores = Take(ref at, sizes.Scores);
            float* pairs = Take(ref at, sizes.Scores);
            float* sums = at;
            var shape = call.Shape;
            int batch = piece / shape.QueryBlocks, block = piece % shape.QueryBlocks;
            new Span<float>(sums, shape.Keys * Lanes).Clear();
            V share = Vector512.Create(1f / shape.Heads);
            for (int h = 0; h < shape.Heads; h++)
            {
                int head = (batch * shape.Heads) + h, visible = call.KeysOf(head, block);
                call.PackQueries(head, block, queries);
                for (int key = 0; key < visible; key += AttentionSizes.KeyBlock)
                {
                    int n = Math.Min(AttentionSizes.KeyBlock, visible - key);
                    call.CopyRows(call.K, head, key, n, keys);
                    var tile = new AttentionTile(call, head, block, key, n);
                    tile.Scores(keys, sizes.Columns, queries, scores, pairs);
                    tile.Weights(scores);
                    float* sum = sums + (key * Lanes);
                    for (int e = 0; e < n * Lanes; e += Lane.Count)
                    {
                        V weight = Vector512.Load(scores + e);
                        Vector512.FusedMultiplyAdd(weight, share, Vector512.Load(sum + e))
                            .Store(sum + e);
                    }
                }
            }
            int i = block * Lanes;
            float* target = y + ((((long)batch * shape.Queries) + i) * shape.Keys);
            AttentionTile.Turn(
                sums, shape.Keys, Math.Min(Lanes, shape.Queries - i), target, shape.Keys, scores);
        }
    }

    /// <summary>Queries side by side in a tile.</summary>
    private const int Lanes = AttentionShape.QueryBlock;

    private static float* Take(ref float* at, int floats)
    {
        float* taken = at;
        at += floats;
        return taken;
    }
}

/// <summary>Floats of the working memory of one thread, multiples of a vector.</summary>
internal readonly struct AttentionSizes(AttentionShape shape)
{
    /// <summary>Keys at a time; their weights, [key][32 queries], are 30 KiB.</summary>
    public const int KeyBlock = 30 * RowProduct.Rows;

    private const int Lanes = AttentionShape.QueryBlock;

    private readonly int _size = shape.Size;
    private readonly int _keys = shape.Keys;

    /// <summary>Head size in whole vectors.</summary>
    public int Columns => (_size + Lane.Count - 1) / Lane.Count * Lane.Count;

    private int Keys => Math.Min(KeyBlock, _keys);

    /// <summary>A block of keys, [keys][d].</summary>
    public int KeyRows => Keys * Columns;

    /// <summary>Queries as [d][32].</summary>
    public int QueryPanel => _size * Lanes;

    /// <summary>Queries as [32][d].</summary>
    public int QueryRows => Lanes * Columns;

    /// <summary>Scores as [keys][32 queries]; also room to turn a square.</summary>
    public int Scores => Math.Max(Keys, Lanes) * Lanes;

    public long ForwardFloats =>
        (2L * KeyRows) + (8L * (QueryPanel + QueryRows + AttentionTile.StateFloats))
        + (2L * Scores);

    public long WeightsFloats => KeyRows + QueryPanel + (2L * Scores) + (_keys * Lanes);

    public long GradientFloats =>
        (4L * KeyRows) + (2L * QueryPanel) + (3L * QueryRows) + (3L * Scores);
}
