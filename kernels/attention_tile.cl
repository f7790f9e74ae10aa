// What the programs of attention are built from: the arguments, where rows lie and what masks
// allow; and for processors one tile of scores, [key][32 queries], with its products in global
// scratch, its masks, its softmax and its dropout.

typedef struct {
    int batch, heads, queries, keys, size, causal;
    int has_lengths, has_key_mask, has_pair_mask;
    int q_offset, q_stride, k_offset, k_stride, v_offset, v_stride;
    real scale, rate;
} attention_shape;

// Where gradients go, and what is there already.
typedef struct {
    int q_offset, q_stride, k_offset, k_stride, v_offset, v_stride;
    real q_beta, k_beta, v_beta;
} attention_gradients;

// Keys of a sample that are no padding; NaN counts as 0.
INLINE int keys_of(__global const real *lengths, attention_shape s, int head)
{
    if (!s.has_lengths)
        return s.keys;
    real length = lengths[head / s.heads];
    return length >= s.keys ? s.keys : length > 0 ? (int)length : 0;
}

// Keys that query i may see by the causal rule.
INLINE int visible(attention_shape s, int i)
{
    return s.causal ? clamp(i + 1 + s.keys - s.queries, 0, s.keys) : s.keys;
}

// The first query of the block from i that sees a key by the causal rule; 0 or less: all do.
INLINE int least_query(attention_shape s, int i, int key)
{
    return s.causal ? key - i - s.keys + s.queries : -s.keys;
}

// Row `time` of a head in an operand of `times` rows a sample.
INLINE long row_at(attention_shape s, int head, int time, int times, int offset, int stride)
{
    return offset + ((long)(head / s.heads) * times + time) * stride + head % s.heads * s.size;
}

// Number of the draws' row for a key and the block of 32 queries with query i.
INLINE long draw_row(attention_shape s, int head, int i, int key)
{
    return ((long)head * ((s.queries + 31) / 32) + i / 32) * s.keys + key;
}

#if FAT

#define BLOCK 32         // queries of a tile: the lanes of two vectors
#define ROWS 8           // rows of a register tile: 16 accumulators hide the latency
#define KEY_BLOCK 240    // keys at a time, a multiple of ROWS
#define QUERY_BLOCKS 8   // blocks of queries that one piece takes through the keys
#define NOINLINE static __attribute__((noinline))

#define ROUND(n, multiple) (((n) + (multiple) - 1) / (multiple) * (multiple))

// ---- Copies and products in global scratch ---------------------------------------------------

// panel[k * 32 + i] = source[i * stride + k] for i < used, 0 up to 32.
NOINLINE void pack_turned(
    __global const real *source, int stride, int used, int count, __global real *panel)
{
    for (int i0 = 0; i0 < BLOCK; i0 += 16) {
        int k = 0;
        for (; k + 16 <= count; k += 16) {
            __global const real *p = source + (long)i0 * stride + k;
            __global real *d = panel + k * BLOCK + i0;
#define FETCH_ROW(i) real16 r##i = i0 + i < used ? vload16(0, p + (long)i * stride) : (real16)(0);
            EACH_16(FETCH_ROW)
            SHUFFLE(r, s)
            SHUFFLE(s, t)
            SHUFFLE(t, u)
            SHUFFLE(u, v)
#define PUT_ROW(i) vstore16(v##i, 0, d + i * BLOCK);
            EACH_16(PUT_ROW)
        }
        for (; k < count; k++)
            for (int i = i0; i < i0 + 16; i++)
                panel[k * BLOCK + i] = i < used ? source[(long)i * stride + k] : 0;
    }
}

// Rows side by side, filled up with zeros to `columns`, a multiple of 32: where they come from they
// may be so far apart that they push each other out of the cache.
NOINLINE void copy_rows(
    __global const real *source, int stride, int count, int size, int columns,
    __global real *copies)
{
    for (; count > 0; count--, source += stride, copies += columns)
        for (int c = 0; c < columns; c += 16)
            vstore16(c < size ? load_or(source + c, size - c, 0) : K(0), 0, copies + c);
}

// c (m x n) = a b, + c where add. Number p of row i of a is a[i * row + p * deep]; rows of b are n
// apart, as those of c, which can be read up to whole tiles of rows; n is a multiple of 32.
NOINLINE void multiply_rows(
    __global const real *a, int row, int deep, __global const real *b, __global real *c, int m,
    int n, int depth, int add)
{
#define EACH_ROW_OF_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
    for (int i = 0; i < m; i += ROWS, c += ROWS * n) {
        // Beyond the last row any will do.
#define ROW_OF_A(r) __global const real *a##r = a + (long)min(i + r, m - 1) * row;
        EACH_ROW_OF_8(ROW_OF_A)
        for (int j = 0; j < n; j += 32) {
            __global const real *right = b + j;
#define START_ROW(r) V c##r##_0 = K(0), c##r##_1 = K(0);
            EACH_ROW_OF_8(START_ROW)
            for (int p = 0; p < depth; p++, right += n) {
                V b0 = vload16(0, right), b1 = vload16(1, right);
#define ADD_PRODUCTS(r)                                     \
                c##r##_0 += a##r[p * deep] * b0;            \
                c##r##_1 += a##r[p * deep] * b1;
                EACH_ROW_OF_8(ADD_PRODUCTS)
            }
            if (add) {
#define ADD_OLD(r)                                          \
                c##r##_0 += vload16(0, c + r * n + j);      \
                c##r##_1 += vload16(1, c + r * n + j);
                EACH_ROW_OF_8(ADD_OLD)
            }
#define PUT_SUMS(r)                                         \
            if (i + r < m) {                                \
                vstore16(c##r##_0, 0, c + r * n + j);       \
                vstore16(c##r##_1, 1, c + r * n + j);       \
            }
            EACH_ROW_OF_8(PUT_SUMS)
        }
    }
}

// output[query] (+)= sum over keys of weights[key][query] rows[key]; `least`: the first of the
// queries that sees key 0 by the causal rule, further keys are seen by one query less each.
INLINE void multiply_queries(
    __global const real *weights, int count, int queries, int least, __global const real *rows,
    int columns, __global real *output, int add)
{
    for (int i = 0; i < queries; i += ROWS)
        multiply_rows(weights + i, 1, BLOCK, rows, output + i * columns, min(ROWS, queries - i),
            columns, clamp(i + ROWS - least, 0, count), add);
}

// sums[key] += sum over queries of weights[key][query] rows[query]; least as above.
INLINE void add_to_keys(
    __global const real *weights, int count, int queries, int least, __global const real *rows,
    int columns, __global real *sums)
{
    for (int j = 0; j < count; j += ROWS) {
        int from = clamp(least + j, 0, queries);
        multiply_rows(weights + j * BLOCK + from, BLOCK, 1, rows + from * columns,
            sums + j * columns, min(ROWS, count - j), columns, queries - from, 1);
    }
}

// ---- One tile --------------------------------------------------------------------------------

typedef struct {
    V low, high;
} lanes32;

// 0 or 1 / (1 - rate) for the 32 numbers of a row of draws.
INLINE lanes32 keep(ulong seed, ulong stream, ulong first, long row, real rate)
{
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    ulong8 block = first + (ulong)row * 8 + (ulong8)(0, 1, 2, 3, 4, 5, 6, 7);
    uint8 a = convert_uint8(block & 0xFFFFFFFFul), b = convert_uint8(block >> 32);
    uint8 c = (uint8)((uint)stream), d = (uint8)((uint)(stream >> 32));
    PHILOX(uint8, ulong8, convert_ulong8, convert_uint8)
    // Words of one block lie in one lane of a, b, c, d; they belong side by side.
#define SIDE_BY_SIDE(half)                                                                  \
    (convert_float16((uint16)(                                                              \
        a.half.s0, b.half.s0, c.half.s0, d.half.s0, a.half.s1, b.half.s1, c.half.s1,        \
        d.half.s1, a.half.s2, b.half.s2, c.half.s2, d.half.s2, a.half.s3, b.half.s3,        \
        c.half.s3, d.half.s3) >> 8) * (1.0f / (1 << 24)))
    lanes32 kept;
    V grown = K(1.0f / (1.0f - rate));
    kept.low = SIDE_BY_SIDE(lo) >= K(rate) ? grown : K(0);
    kept.high = SIDE_BY_SIDE(hi) >= K(rate) ? grown : K(0);
    return kept;
}

// Adds the masks to the scores of keys [key, key + count) and the block of queries from i.
NOINLINE void add_masks(
    __global const real *key_mask, __global const real *pair_mask, attention_shape s, int head,
    int i, int key, int count, __global real *scores, __global real *pairs)
{
    if (s.has_pair_mask) {
        pack_turned(pair_mask + (long)i * s.keys + key, s.keys, min(s.queries - i, BLOCK), count,
            pairs);
        for (int e = 0; e < count * BLOCK; e += 16)
            vstore16(vload16(0, scores + e) + vload16(0, pairs + e), 0, scores + e);
    }
    if (s.has_key_mask) {
        __global const real *mask = key_mask + (long)(head / s.heads) * s.keys + key;
        for (int j = 0; j < count; j++) {
            __global real *p = scores + j * BLOCK;
            vstore16(vload16(0, p) + mask[j], 0, p);
            vstore16(vload16(1, p) + mask[j], 1, p);
        }
    }
    if (s.causal) {
        int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        // Below this key every query of the block sees all.
        for (int j = max(0, visible(s, i) - key); j < count; j++) {
            __global real *p = scores + j * BLOCK;
            int least = key + j - i - s.keys + s.queries;
            vstore16(lane >= least ? vload16(0, p) : K(-INFINITY), 0, p);
            vstore16(lane + 16 >= least ? vload16(1, p) : K(-INFINITY), 1, p);
        }
    }
}

// One step of the online softmax for 16 of the queries: scores become weights relative to the new
// maximum (state[0..]), the sum (state[32..]) is scaled down to it, and so must be the output, by
// the factors that are left in state[64..].
NOINLINE void soften(__global real *scores, int count, __global real *state)
{
    V old = vload16(0, state), most = old, most2 = old;
    int j = 0;
    for (; j + 2 <= count; j += 2) {
        V a = vload16(0, scores + j * BLOCK), b = vload16(0, scores + (j + 1) * BLOCK);
        most = a > most ? a : most;
        most2 = b > most2 ? b : most2;
    }
    if (j < count) {
        V a = vload16(0, scores + j * BLOCK);
        most = a > most ? a : most;
    }
    most = most2 > most ? most2 : most;
    // Where everything is forbidden the maximum is -infinity, and exp(-inf - 0) is 0.
    V shift = most == K(-INFINITY) ? K(0) : most;
    V sum = K(0);
    for (j = 0; j < count; j++) {
        V e = exp_v(vload16(0, scores + j * BLOCK) - shift);
        sum += e;
        vstore16(e, 0, scores + j * BLOCK);
    }
    V factor = exp_v(old - shift);
    vstore16(most, 0, state);
    vstore16(vload16(0, state + BLOCK) * factor + sum, 0, state + BLOCK);
    vstore16(factor, 0, state + 2 * BLOCK);
}

// Rows of the output times one factor each.
NOINLINE void scale_rows(
    __global real *output, int queries, int columns, __global const real *factors)
{
    for (int i = 0; i < queries; i++, output += columns)
        for (int c = 0; c < columns; c += 16)
            vstore16(vload16(0, output + c) * factors[i], 0, output + c);
}

// n values from p, `rest` in the lanes that do not exist.
INLINE lanes32 load_queries(__global const real *p, int n, real rest)
{
    lanes32 v;
    v.low = load_or(p, n, rest);
    v.high = n > 16 ? load_or(p + 16, n - 16, rest) : K(rest);
    return v;
}

// Scores become weights by the sums of the forward pass.
NOINLINE void weigh(__global real *scores, int count, __global const real *log_sums, int queries)
{
    lanes32 logs = load_queries(log_sums, queries, INFINITY);
    for (int j = 0; j < count; j++, scores += BLOCK) {
        vstore16(exp_v(vload16(0, scores) - logs.low), 0, scores);
        vstore16(exp_v(vload16(1, scores) - logs.high), 1, scores);
    }
}

INLINE void pack_queries(
    __global const real *rows, int stride, int queries, int size, real scale,
    __global real *panel)
{
    pack_turned(rows, stride, queries, size, panel);
    for (int e = 0; e < size * BLOCK; e += 16)
        vstore16(scale * vload16(0, panel + e), 0, panel + e);
}

INLINE void clear(__global real *p, int n)
{
    for (int e = 0; e < n; e += 16)
        vstore16(K(0), 0, p + e);
}
#endif
