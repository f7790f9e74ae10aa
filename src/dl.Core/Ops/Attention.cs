// Scaled dot-product attention over heads (Vaswani et al. 2017, "Attention is all you need"):
//   y[i] = sum over j of softmax_j(q[i] . k[j] / sqrt(d) + mask) v[j],   for each sample and head
// The T x T weights are never in memory (Dao et al. 2022, "FlashAttention"): a running maximum and
// sum go along with the output, the logarithm of each row's sum is kept, and the backward pass
// makes the weights again from it:
//   p = exp(s - logsum),  dv = p^T dy,  ds = p (dy v^T - dy . y),  dq = ds k / sqrt(d)
// A row that may attend to nothing gives zeros. Dropout (on the weights) is drawn again, not kept.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// y (B, Tq, heads * d) = attention; logSums (B, heads, Tq) = log of each row's sum of
        /// exponentials, +infinity where a row is masked.
        /// </summary>
        public abstract void Attention(
            AttentionRows q, AttentionRows k, AttentionRows v, AttentionMask mask,
            Storage y, Storage logSums, in AttentionShape shape);

        /// <summary>
        /// dq, dk, dv = gradients + their beta times what is there; rows outside the masks too.
        /// </summary>
        public abstract void AttentionGradient(
            AttentionRows q, AttentionRows k, AttentionRows v, AttentionMask mask,
            Storage y, Storage dy, Storage logSums,
            AttentionRows dq, AttentionRows dk, AttentionRows dv, in AttentionShape shape);

        /// <summary>y (B, Tq, Tk) = the weights, mean over heads, without dropout.</summary>
        public abstract void AttentionWeights(
            AttentionRows q, AttentionRows k, AttentionMask mask, Storage logSums, Storage y,
            in AttentionShape shape);
    }
}

namespace Dl.Ops
{
    /// <summary>
    /// Where rows of heads * d numbers lie: row t of sample b starts at
    /// Offset + (b * T + t) * Stride, so the parts of a fused projection need no copy.
    /// </summary>
    /// <param name="Beta">Of a gradient: 0 overwrites, 1 adds.</param>
    public readonly record struct AttentionRows(
        Storage Data, int Offset, int Stride, float Beta = 0);

    /// <summary>Which keys a query may attend to; null members do not restrict.</summary>
    /// <param name="Lengths">(B) f32: keys from this number on are padding.</param>
    /// <param name="Keys">(B, Tk) f32 added to the scores; -infinity forbids.</param>
    /// <param name="Pairs">(Tq, Tk) f32 added to the scores; -infinity forbids.</param>
    public readonly record struct AttentionMask(Storage? Lengths, Storage? Keys, Storage? Pairs);

    /// <summary>Sizes and settings of one call.</summary>
    /// <param name="Size">Numbers of a head, d.</param>
    /// <param name="Causal">
    /// Query i sees keys up to i + Tk - Tq: the last query sees all of them.
    /// </param>
    /// <param name="Dropout">Share of the weights that are dropped, in [0, 1).</param>
    /// <param name="Span">Where the dropout draws from, if it is not 0.</param>
    public readonly record struct AttentionShape(
        int Batch, int Heads, int Queries, int Keys, int Size, bool Causal = false,
        float Dropout = 0, RngSpan Span = default)
    {
        /// <summary>
        /// Queries whose draws lie side by side: weight (b, h, i, j) draws number
        /// (((b heads + h) blocks + i / 32) Tk + j) 32 + i % 32 of the span.
        /// </summary>
        public const int QueryBlock = 32;

        public float Scale => (float)(1 / Math.Sqrt(Size));

        public int Width => Heads * Size;

        public int QueryBlocks => (Queries + QueryBlock - 1) / QueryBlock;

        /// <summary>Numbers that the dropout reserves.</summary>
        public long Draws => (long)Batch * Heads * QueryBlocks * Keys * QueryBlock;

        /// <summary>Keys that query i may see by the causal rule.</summary>
        public int Visible(int i) =>
            Causal ? Math.Clamp(i + 1 + Keys - Queries, 0, Keys) : Keys;

        public bool IsEmpty => (long)Batch * Heads * Size * Queries == 0;
    }

    /// <summary>Attention's arguments beside its operands.</summary>
    public readonly record struct AttentionSettings(int Heads)
    {
        public bool Causal { get; init; }

        /// <summary>(B): number of keys of each sample, as f32.</summary>
        public Tensor? Lengths { get; init; }

        /// <summary>(B, Tk) added to the scores of a sample's keys.</summary>
        public Tensor? KeyMask { get; init; }

        /// <summary>(Tq, Tk) added to the scores of every sample and head.</summary>
        public Tensor? PairMask { get; init; }

        public float Dropout { get; init; }

        /// <summary>Where dropout draws from; needed if there is any.</summary>
        public Rng? Rng { get; init; }
    }

    /// <summary>Attention on the tape. Masks get no gradient.</summary>
    public static class AttentionOps
    {
        /// <summary>q (B, Tq, E), k and v (B, Tk, E) to (B, Tq, E).</summary>
        public static Tensor Attention(
            this Tape tape, Tensor q, Tensor k, Tensor v, AttentionSettings settings)
        {
            if (v.Shape != k.Shape)
            {
                throw new UsageException($"attention: keys {k.Shape} and values {v.Shape} differ");
            }
            // One tensor in two roles: its second gradient must come after its first.
            k = k.Cell == q.Cell ? tape.Slice(k, 0, 0, k.Shape[0]) : k;
            v = v.Cell == q.Cell || v.Cell == k.Cell ? tape.Slice(v, 0, 0, v.Shape[0]) : v;
            return Run(tape, new(q, 0, 1), new(k, 0, 1), new(v, 0, 1), settings);
        }

        /// <summary>
        /// Queries, keys and values side by side: qkv (B, T, 3 E) to (B, T, E).
        /// </summary>
        public static Tensor SelfAttention(
            this Tape tape, Tensor qkv, AttentionSettings settings) =>
            Run(tape, new(qkv, 0, 3), new(qkv, 1, 3), new(qkv, 2, 3), settings);

        /// <summary>
        /// Keys and values side by side: q (B, Tq, E), kv (B, Tk, 2 E) to (B, Tq, E).
        /// </summary>
        public static Tensor CrossAttention(
            this Tape tape, Tensor q, Tensor kv, AttentionSettings settings)
        {
            kv = kv.Cell == q.Cell ? tape.Slice(kv, 0, 0, kv.Shape[0]) : kv;
            return Run(tape, new(q, 0, 1), new(kv, 0, 2), new(kv, 1, 2), settings);
        }

        /// <summary>
        /// The weights (B, Tq, Tk), mean over heads, without dropout: to look at, no gradient.
        /// </summary>
        public static Tensor AttentionWeights(
            this Tape tape, Tensor q, Tensor k, AttentionSettings settings) =>
            Weights(tape, new(q, 0, 1), new(k, 0, 1), settings);

        /// <summary>As <see cref="AttentionWeights"/> for qkv (B, T, 3 E).</summary>
        public static Tensor SelfAttentionWeights(
            this Tape tape, Tensor qkv, AttentionSettings settings) =>
            Weights(tape, new(qkv, 0, 3), new(qkv, 1, 3), settings);

        /// <summary>As <see cref="AttentionWeights"/> for q (B, Tq, E), kv (B, Tk, 2 E).</summary>
        public static Tensor CrossAttentionWeights(
            this Tape tape, Tensor q, Tensor kv, AttentionSettings settings) =>
            Weights(tape, new(q, 0, 1), new(kv, 0, 2), settings);

        private static Tensor Run(
            Tape tape, Part q, Part k, Part v, AttentionSettings settings)
        {
            var shape = Describe(q, k, settings);
            if (settings.Dropout > 0)
            {
                var rng = settings.Rng
                    ?? throw new UsageException("attention: dropout without a generator");
                shape = shape with { Dropout = settings.Dropout, Span = rng.Reserve(shape.Draws) };
            }
            var mask = Mask(settings);
            var device = tape.Device;
            var y = tape.New(new Shape(shape.Batch, shape.Queries, shape.Width));
            var logSums = tape.Rent(DType.F32, (long)shape.Batch * shape.Heads * shape.Queries);
            device.Attention(q.Rows, k.Rows, v.Rows, mask, y.Storage, logSums, shape);
            var state = (q, k, v, mask, y, logSums, shape);
            return tape.Record(y, [q.Tensor, k.Tensor, v.Tensor], state,
                static (tape, dy, in s) =>
                {
                    var (q, k, v, mask, y, logSums, shape) = s;
                    // Parts of one tensor share its gradient, and with it one beta.
                    var dq = Gradient(tape, q, out var spareQ);
                    Storage? spareK = null, spareV = null;
                    var dk = k.IsBeside(q) ? dq with { Offset = k.Offset }
                        : Gradient(tape, k, out spareK);
                    var dv = v.IsBeside(k) ? dk with { Offset = v.Offset }
                        : v.IsBeside(q) ? dq with { Offset = v.Offset }
                        : Gradient(tape, v, out spareV);
                    tape.Device.AttentionGradient(
                        q.Rows, k.Rows, v.Rows, mask, y.Storage, dy, logSums, dq, dk, dv, shape);
                    Return(tape, spareQ);
                    Return(tape, spareK);
                    Return(tape, spareV);
                });
        }

        /// <summary>Where a gradient goes; what nobody wants, into memory to be returned.</summary>
        private static AttentionRows Gradient(Tape tape, Part part, out Storage? spare)
        {
            spare = null;
            if (!tape.Wants(part.Tensor, out var data, out float beta))
            {
                data = spare = tape.Device.Rent(DType.F32, part.Tensor.Shape.Count);
            }
            return new(data, part.Offset, part.Tensor.Shape.Last, beta);
        }

        private static void Return(Tape tape, Storage? spare)
        {
            if (spare is not null)
            {
                tape.Device.Return(spare);
            }
        }

        private static Tensor Weights(Tape tape, Part q, Part k, AttentionSettings settings)
        {
            var shape = Describe(q, k, settings);
            var mask = Mask(settings);
            var device = tape.Device;
            var y = tape.New(new Shape(shape.Batch, shape.Queries, shape.Keys));
            // The sums come with the output; keys stand in for values nobody looks at.
            var output = device.Rent(
                DType.F32, (long)shape.Batch * shape.Queries * shape.Width);
            var logSums = device.Rent(
                DType.F32, (long)shape.Batch * shape.Heads * shape.Queries);
            device.Attention(q.Rows, k.Rows, k.Rows, mask, output, logSums, shape);
            device.AttentionWeights(q.Rows, k.Rows, mask, logSums, y.Storage, shape);
            device.Return(logSums);
            device.Return(output);
            return y;
        }

        private static AttentionMask Mask(AttentionSettings settings) => new(
            settings.Lengths?.Storage, settings.KeyMask?.Storage, settings.PairMask?.Storage);

        private static AttentionShape Describe(Part q, Part k, AttentionSettings settings)
        {
            var (sq, sk) = (q.Tensor.Shape, k.Tensor.Shape);
            int width = sq.Last / q.Count, heads = settings.Heads;
            if (sq.Rank != 3 || sk.Rank != 3 || sq[0] != sk[0] || sq.Last % q.Count != 0
                || sk.Last != width * k.Count)
            {
                throw new UsageException(
                    $"attention: queries {sq} do not fit keys {sk}; expected (batch, time, width) "
                    + "of one batch and width");
            }
            if (heads < 1 || width % heads != 0)
            {
                throw new UsageException(
                    $"attention: {heads} heads do not divide a width of {width}; "
                    + "choose a number that does");
            }
            if (settings.Dropout is < 0 or >= 1)
            {
                throw new UsageException(
                    $"attention: dropout {settings.Dropout}, expected 0 <= rate < 1");
            }
            var shape = new AttentionShape(
                sq[0], heads, sq[1], sk[1], width / heads, settings.Causal);
            Check("lengths", settings.Lengths, shape.Batch);
            Check("key mask", settings.KeyMask, (long)shape.Batch * shape.Keys);
            Check("pair mask", settings.PairMask, (long)shape.Queries * shape.Keys);
            return shape;
        }

        private static void Check(string what, Tensor? mask, long count)
        {
            if (mask is not null && mask.Shape.Count != count)
            {
                throw new UsageException(
                    $"attention: {what} {mask.Shape} has {mask.Shape.Count} numbers, "
                    + $"expected {count}");
            }
        }

        /// <summary>One of several equal parts of a tensor's rows.</summary>
        private readonly record struct Part(Tensor Tensor, int Index, int Count)
        {
            public int Offset => Tensor.Shape.Last / Count * Index;

            public AttentionRows Rows => new(Tensor.Storage, Offset, Tensor.Shape.Last);

            public bool IsBeside(Part other) => Tensor.Cell == other.Tensor.Cell;
        }
    }
}
