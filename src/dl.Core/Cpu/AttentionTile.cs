// What the passes of attention share: operands as pointers, copies of their rows, and one tile of
// scores, [key][32 queries], with its masks, its softmax and its dropout.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

/// <summary>Rows of a sample's head.</summary>
internal readonly unsafe struct HeadRows(AttentionRows rows, int times, AttentionShape shape)
{
    private const int MostAhead = 256;

    private readonly float* _data = CpuDevice.Floats(rows.Data) + rows.Offset;

    public int Stride => rows.Stride;

    public float Beta => rows.Beta;

    /// <summary>Row <paramref name="time"/> of a head, numbered through all samples.</summary>
    public float* At(int head, int time) =>
        _data + ((((long)(head / shape.Heads) * times) + time) * rows.Stride)
        + (head % shape.Heads * shape.Size);

    /// <summary>
    /// Asks for rows that are needed soon: they are so far apart that the processor cannot foresee
    /// them. Of long sequences they would not stay in the cache.
    /// </summary>
    public void Prefetch(int head, int from)
    {
        if (times > MostAhead || head >= shape.Batch * shape.Heads || !Sse.IsSupported)
        {
            return;
        }
        int end = Math.Min(times, from + AttentionShape.QueryBlock);
        float* row = from < end ? At(head, from) : null;
        for (; from < end; from++, row += rows.Stride)
        {
            for (int c = 0; c < shape.Size; c += Lane.Count)
            {
                Sse.Prefetch0(row + c);
            }
        }
    }
}

/// <summary>The operands of a call, and how they are packed.</summary>
internal unsafe struct AttentionCall
{
    private const int Lanes = AttentionShape.QueryBlock;

    public AttentionShape Shape;
    public HeadRows Q, K, V;

    /// <summary>(B, heads, Tq).</summary>
    public float* LogSums;
    public float* Lengths, KeyMask, PairMask;

    public static AttentionCall Of(
        AttentionRows q, AttentionRows k, AttentionRows v, AttentionMask mask, Storage logSums,
        in AttentionShape shape) => new()
        {
            Shape = shape,
            Q = new HeadRows(q, shape.Queries, shape),
            K = new HeadRows(k, shape.Keys, shape),
            V = new HeadRows(v, shape.Keys, shape),
            LogSums = CpuDevice.Floats(logSums),
            Lengths = mask.Lengths is null ? null : CpuDevice.Floats(mask.Lengths),
            KeyMask = mask.Keys is null ? null : CpuDevice.Floats(mask.Keys),
            PairMask = mask.Pairs is null ? null : CpuDevice.Floats(mask.Pairs),
        };

    /// <summary>Keys that some query of a block may see.</summary>
    public readonly int KeysOf(int head, int block)
    {
        int last = Math.Min(Shape.Queries, (block + 1) * Lanes) - 1;
        return Math.Min(Shape.Visible(last), KeysOf(head));
    }

    /// <summary>Keys of a sample that are no padding.</summary>
    public readonly int KeysOf(int head)
    {
        if (Lengths == null)
        {
            return Shape.Keys;
        }
        // NaN counts as 0.
        float length = Lengths[head / Shape.Heads];
        return length >= Shape.Keys ? Shape.Keys : length > 0 ? (int)length : 0;
    }

    /// <summary>[d][32 queries], scaled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void PackQueries(int head, int block, float* panel)
    {
        PackLanes(Q, head, block, panel);
        V scale = Vector512.Create(Shape.Scale);
        for (int i = 0; i < Shape.Size * Lanes; i += Lane.Count)
        {
            (scale * Vector512.Load(panel + i)).Store(panel + i);
        }
    }

    /// <summary>[d][32 queries], turned in pieces as long as the zeros that fill it up.</summary>
    public readonly void PackLanes(in HeadRows rows, int head, int block, float* panel)
    {
        float* source = rows.At(head, block * Lanes);
        int used = Math.Min(Lanes, Shape.Queries - (block * Lanes));
        for (int c = 0; c < Shape.Size; c += CpuDevice.BlockDepth)
        {
            int count = Math.Min(CpuDevice.BlockDepth, Shape.Size - c);
            Panel.Transpose(source + c, rows.Stride, used, count, panel + (c * Lanes), Lanes);
        }
    }

    /// <summary>Rows side by side, filled up with zeros to whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void CopyRows(in HeadRows rows, int head, int time, int count, float* copies)
    {
        float* source = rows.At(head, time);
        for (; count > 0; count--, source += rows.Stride)
        {
            int c = 0;
            for (; c <= Shape.Size - Lane.Count; c += Lane.Count, copies += Lane.Count)
            {
                Vector512.Load(source + c).Store(copies);
            }
            if (c < Shape.Size)
            {
                Lane.Load(source + c, Shape.Size - c).Store(copies);
                copies += Lane.Count;
            }
        }
    }

    /// <summary>Writes the output and the logarithms of the sums of a block of queries.</summary>
    /// <param name="columns">Numbers from a row of the output to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Finish(
        int head, int block, float* state, float* output, int columns, float* y)
    {
        int first = block * Lanes, count = Math.Min(Lanes, Shape.Queries - first);
        float* logs = LogSums + ((long)head * Shape.Queries) + first;
        float* inverses = stackalloc float[Lanes];
        V one = Vector512.Create(1f), zero = Vector512<float>.Zero;
        V top = Vector512.Create(float.PositiveInfinity);
        for (int i = 0; i < count; i += Lane.Count)
        {
            V sum = Vector512.Load(state + Lanes + i), none = Vector512.Equals(sum, zero);
            // A row without any key: nothing flows, in either direction.
            Vector512.ConditionalSelect(none, zero, one / sum).Store(inverses + i);
            V log = Vector512.Load(state + i) + Vector512.Log(sum);
            Lane.Store(logs + i, Vector512.ConditionalSelect(none, top, log), count - i);
        }
        long row = ((long)(head / Shape.Heads) * Shape.Queries) + first;
        y += (row * Shape.Width) + (head % Shape.Heads * Shape.Size);
        for (int i = 0; i < count; i++, output += columns, y += Shape.Width)
        {
            V inverse = Vector512.Create(inverses[i]);
            for (int c = 0; c < Shape.Size; c += Lane.Count)
            {
                Lane.Store(y + c, Vector512.Load(output + c) * inverse, Shape.Size - c);
            }
        }
    }
}

/// <summary>Keys [key, key + count) against a block of queries.</summary>
internal readonly unsafe struct AttentionTile(
    in AttentionCall call, int head, int block, int key, int count)
{
    /// <summary>Running maximum and running sum of each query.</summary>
    public const int StateFloats = 2 * Lanes;

    private const int Lanes = AttentionShape.QueryBlock;

    private readonly AttentionCall _call = call;

    private int First => block * Lanes;

    /// <summary>Queries that exist.</summary>
    public int Queries => Math.Min(Lanes, _call.Shape.Queries - First);

    /// <summary>Lanes at work: one vector suffices for few queries.</summary>
    private int Width => Queries <= Lane.Count ? Lane.Count : Lanes;

    public static void Start(float* state, int blocks)
    {
        for (int i = 0; i < blocks; i++, state += StateFloats)
        {
            new Span<float>(state, Lanes).Fill(float.NegativeInfinity);
            new Span<float>(state + Lanes, Lanes).Clear();
        }
    }

    /// <summary>scores[key][query] = k . q + masks.</summary>
    /// <param name="columns">Numbers from a key to the next.</param>
    /// <param name="pairs">Room for the pair mask, transposed.</param>
    public void Scores(float* keys, int columns, float* queries, float* scores, float* pairs)
    {
        Products(keys, columns, queries, scores);
        AddMasks(scores, pairs);
    }

    /// <summary>
    /// products[key][query] = rows of a times b; undefined where no query of a half sees a key.
    /// </summary>
    public void Products(float* a, int columns, float* b, float* products)
    {
        int size = _call.Shape.Size, wide = count;
        if (Width > Lane.Count && Crosses)
        {
            // From here on the first 16 queries see no key.
            wide = Math.Clamp(Up(Lane.Count - Least(0)), 0, count);
        }
        RowProduct.Run(new LeftRows(a, columns, 1), b, Lanes, products, Lanes, wide, Width, size,
            false);
        RowProduct.Run(new LeftRows(a + (wide * columns), columns, 1), b + Lane.Count, Lanes,
            products + (wide * Lanes) + Lane.Count, Lanes, count - wide, Lane.Count, size, false);
    }

    /// <summary>output[query] (+)= sum over keys of weights[key][query] rows[key].</summary>
    public void ToQueries(float* weights, float* rows, int columns, float* output, bool add)
    {
        int queries = Queries, step = Crosses ? RowProduct.Rows : queries;
        for (int i = 0; i < queries; i += step)
        {
            int high = Math.Min(step, queries - i);
            int seen = Crosses ? Math.Clamp(i + high - Least(0), 0, count) : count;
            RowProduct.Run(new LeftRows(weights + i, 1, Lanes), rows, columns,
                output + (i * columns), columns, high, columns, seen, add);
        }
    }

    /// <summary>sums[key] += sum over queries of weights[key][query] rows[query].</summary>
    public void AddToKeys(float* weights, float* rows, int columns, float* sums)
    {
        int queries = Queries, step = Crosses ? RowProduct.Rows : count;
        for (int j = 0; j < count; j += step)
        {
            int from = Crosses ? Math.Clamp(Least(j), 0, queries) : 0;
            RowProduct.Run(new LeftRows(weights + (j * Lanes) + from, Lanes, 1),
                rows + (from * columns), columns, sums + (j * columns), columns,
                Math.Min(step, count - j), columns, queries - from, true);
        }
    }

    /// <summary>Does the causal rule hide keys of the tile from some of its queries?</summary>
    private bool Crosses => _call.Shape.Causal && Least(count - 1) > 0;

    /// <summary>The first query of the block that sees key j by the causal rule.</summary>
    private int Least(int j) => key + j - First - _call.Shape.Keys + _call.Shape.Queries;

    private static int Up(int value) =>
        (value + RowProduct.Rows - 1) / RowProduct.Rows * RowProduct.Rows;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddMasks(float* scores, float* pairs)
    {
        var shape = _call.Shape;
        if (_call.PairMask != null)
        {
            float* source = _call.PairMask + ((long)First * shape.Keys) + key;
            Panel.Transpose(source, shape.Keys, Queries, count, pairs, Lanes);
            for (int e = 0; e < count * Lanes; e += Lane.Count)
            {
                (Vector512.Load(scores + e) + Vector512.Load(pairs + e)).Store(scores + e);
            }
        }
        if (_call.KeyMask != null)
        {
            float* mask = _call.KeyMask + ((long)(head / shape.Heads) * shape.Keys) + key;
            for (int j = 0; j < count; j++)
            {
                V add = Vector512.Create(mask[j]);
                float* p = scores + (j * Lanes);
                (Vector512.Load(p) + add).Store(p);
                (Vector512.Load(p + Lane.Count) + add).Store(p + Lane.Count);
            }
        }
        if (shape.Causal)
        {
            // Below this key every query of the block sees all.
            var low = Vector512.Create(float.NegativeInfinity);
            for (int j = Math.Max(0, shape.Visible(First) - key); j < count; j++)
            {
                var least = Vector512.Create(Least(j));
                float* p = scores + (j * Lanes);
                for (int i = 0; i < Lanes; i += Lane.Count)
                {
                    var query = Vector512<int>.Indices + Vector512.Create(i);
                    var sees = Vector512.GreaterThanOrEqual(query, least).AsSingle();
                    Vector512.ConditionalSelect(sees, Vector512.Load(p + i), low).Store(p + i);
                }
            }
        }
    }

    /// <summary>
    /// One step of the online softmax: scores become weights relative to the new maximum, what was
    /// summed before is scaled down to it.
    /// </summary>
    /// <param name="output">[query][<paramref name="columns"/>].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Soften(float* scores, float* state, float* output, int columns)
    {
        float* scales = stackalloc float[Lanes];
        for (int i = 0; i < Width; i += Lane.Count)
        {
            V old = Vector512.Load(state + i);
            V max = Largest(scores + i, old);
            // Where everything is forbidden the maximum is -infinity, and exp(-inf - 0) is 0.
            V none = Vector512.Equals(max, Vector512.Create(float.NegativeInfinity));
            V shift = Vector512.ConditionalSelect(none, V.Zero, max);
            V sum = V.Zero;
            for (int j = 0; j < count; j++)
            {
                float* p = scores + (j * Lanes) + i;
                V e = VectorMath.Exp(Vector512.Load(p) - shift);
                sum += e;
                e.Store(p);
            }
            V scale = VectorMath.Exp(old - shift);
            max.Store(state + i);
            Vector512.FusedMultiplyAdd(Vector512.Load(state + Lanes + i), scale, sum)
                .Store(state + Lanes + i);
            scale.Store(scales + i);
        }
        // Before the first keys there is nothing to scale.
        for (int i = 0; key > 0 && i < Queries; i++, output += columns)
        {
            V scale = Vector512.Create(scales[i]);
            for (int c = 0; scales[i] != 1 && c < columns; c += Lane.Count)
            {
                (Vector512.Load(output + c) * scale).Store(output + c);
            }
        }
        if (_call.Shape.Dropout > 0)
        {
            Drop(scores);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private V Largest(float* scores, V start)
    {
        V a = start, b = start, c = start, d = start;
        int j = 0;
        for (; j <= count - 4; j += 4, scores += 4 * Lanes)
        {
            a = Vector512.MaxNative(a, Vector512.Load(scores));
            b = Vector512.MaxNative(b, Vector512.Load(scores + Lanes));
            c = Vector512.MaxNative(c, Vector512.Load(scores + (2 * Lanes)));
            d = Vector512.MaxNative(d, Vector512.Load(scores + (3 * Lanes)));
        }
        for (; j < count; j++, scores += Lanes)
        {
            a = Vector512.MaxNative(a, Vector512.Load(scores));
        }
        return Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d));
    }

    /// <summary>Scores become weights by the sums of the forward pass.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Weights(float* scores)
    {
        float* logs = stackalloc float[Lanes];
        LoadQueries(_call.LogSums, float.PositiveInfinity, logs);
        V low = Vector512.Load(logs), high = Vector512.Load(logs + Lane.Count);
        bool wide = Width > Lane.Count;
        for (int j = 0; j < count; j++, scores += Lanes)
        {
            VectorMath.Exp(Vector512.Load(scores) - low).Store(scores);
            V second = wide
                ? VectorMath.Exp(Vector512.Load(scores + Lane.Count) - high) : V.Zero;
            second.Store(scores + Lane.Count);
        }
    }

    /// <summary>
    /// From weights p and d = dy . v: weights become what v was multiplied with, d becomes the
    /// gradient of the unscaled scores, scale p (d kept - dy . y).
    /// </summary>
    /// <param name="dots">dy . y of each query.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Differentiate(float* weights, float* d, float* dots)
    {
        float* kept = stackalloc float[Lanes];
        bool drops = _call.Shape.Dropout > 0;
        int width = Width;
        V scale = Vector512.Create(_call.Shape.Scale), factor = Vector512.Create(1f);
        for (int j = 0; j < count; j++, weights += Lanes, d += Lanes)
        {
            if (drops)
            {
                Kept(j, kept);
            }
            for (int i = 0; i < width; i += Lane.Count)
            {
                V p = Vector512.Load(weights + i), value = Vector512.Load(d + i);
                if (drops)
                {
                    factor = Vector512.Load(kept + i);
                    (p * factor).Store(weights + i);
                    value *= factor;
                }
                (scale * p * (value - Vector512.Load(dots + i))).Store(d + i);
            }
        }
    }

    /// <summary>Dropped weights become 0, the others grow by 1 / (1 - rate).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Drop(float* weights)
    {
        float* kept = stackalloc float[Lanes];
        for (int j = 0; j < count; j++, weights += Lanes)
        {
            Kept(j, kept);
            (Vector512.Load(weights) * Vector512.Load(kept)).Store(weights);
            (Vector512.Load(weights + Lane.Count) * Vector512.Load(kept + Lane.Count))
                .Store(weights + Lane.Count);
        }
    }

    /// <summary>0 or 1 / (1 - rate) for each query's weight of the tile's key j.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Kept(int j, float* kept)
    {
        var shape = _call.Shape;
        long row = ((((long)head * shape.QueryBlocks) + block) * shape.Keys) + key + j;
        CpuDevice.Keep(kept, shape.Span, row, shape.Dropout);
    }

    /// <summary>32 values of (B, heads, Tq), those that do not exist filled up.</summary>
    private void LoadQueries(float* values, float rest, float* lanes)
    {
        float* source = values + ((long)head * _call.Shape.Queries) + First;
        V fill = Vector512.Create(rest);
        int queries = Queries;
        Lane.Load(source, Math.Min(Lane.Count, queries), fill).Store(lanes);
        Lane.Load(source + Lane.Count, Math.Max(0, queries - Lane.Count), fill)
            .Store(lanes + Lane.Count);
    }

    /// <summary>y[i * ld + c] = t[c][i] for i &lt; queries, c &lt; n.</summary>
    /// <param name="spare">Room for 32 x 32.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(
        float* t, int n, int queries, float* y, int ld, float* spare)
    {
        for (int c = 0; c < n; c += Lanes)
        {
            int width = Math.Min(Lanes, n - c);
            Panel.Transpose(t + (c * Lanes), Lanes, width, queries, spare, Lanes);
            for (int i = 0; i < queries; i++)
            {
                for (int k = 0; k < width; k += Lane.Count)
                {
                    Lane.Store(y + ((long)i * ld) + c + k,
                        Vector512.Load(spare + (i * Lanes) + k), width - k);
                }
            }
        }
    }
}
