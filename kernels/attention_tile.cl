// What the programs of attention are built from: the arguments, where rows lie and what masks
// allow; and for processors one tile of scores, [key][32 queries], with its packing in global
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
#define KEY_BLOCK 240    // keys packed at a time, a multiple of TILE_M
#define QUERY_BLOCKS 8   // blocks of queries that one piece takes through the keys
#define NOINLINE static __attribute__((noinline))

// Room for n elements and what packing overruns.
#define WHOLE(n) (((n) + 31) / 16 * 16)
#define ROUND(n, multiple) (((n) + (multiple) - 1) / (multiple) * (multiple))

// ---- Packing and products in global scratch --------------------------------------------------

// panel[k * width + i] = source[i * stride + k] for i < used, 0 up to width (12 or 32). 12 wide
// overruns the panel by 4.
NOINLINE void pack_turned(
    __global const real *source, int stride, int used, int count, __global real *panel, int width)
{
    for (int i0 = 0; i0 < width; i0 += 16) {
        int k = 0;
        for (; k + 16 <= count; k += 16) {
            __global const real *p = source + (long)i0 * stride + k;
            __global real *d = panel + k * width + i0;
#define FETCH_ROW(i) real16 r##i = i0 + i < used ? vload16(0, p + (long)i * stride) : (real16)(0);
            EACH_16(FETCH_ROW)
            SHUFFLE(r, s)
            SHUFFLE(s, t)
            SHUFFLE(t, u)
            SHUFFLE(u, v)
#define PUT_ROW(i) vstore16(v##i, 0, d + i * width);
            EACH_16(PUT_ROW)
        }
        for (; k < count; k++)
            for (int i = i0; i < min(width, i0 + 16); i++)
                panel[k * width + i] = i < used ? source[(long)i * stride + k] : 0;
    }
}

// panel[k * width + i] = source[k * stride + i] for i < used, 0 up to width (12 or 32).
NOINLINE void pack_rows_of(
    __global const real *source, int stride, int used, int count, __global real *panel, int width)
{
    for (int k = 0; k < count; k++, source += stride, panel += width) {
        if (used == 12) {
            vstore8(vload8(0, source), 0, panel);
            vstore4(vload4(0, source + 8), 0, panel + 8);
        } else if (used == 32) {
            vstore16(vload16(0, source), 0, panel);
            vstore16(vload16(1, source), 1, panel);
        } else {
            for (int i = 0; i < width; i++)
                panel[i] = i < used ? source[i] : 0;
        }
    }
}

// c (12 x 32, rows `stride` apart) = a b, + c where add; a [depth][12], b [depth][32].
NOINLINE void multiply_tile(
    __global const real *a, __global const real *b, int depth, __global real *c, int stride,
    int add)
{
    EACH_ROW(START)
    for (int p = 0; p < depth; p++, a += TILE_M, b += TILE_N) {
        real16 b0 = vload16(0, b), b1 = vload16(1, b);
#define STEP_GLOBAL(i) STEP(i, a[i])
        EACH_ROW(STEP_GLOBAL)
    }
    if (add) {
#define ADD_ROW(i)                                          \
        c##i##_0 += vload16(0, c + i * stride);             \
        c##i##_1 += vload16(1, c + i * stride);
        EACH_ROW(ADD_ROW)
    }
#define PUT_TILE(i)                                         \
    vstore16(c##i##_0, 0, c + i * stride);                  \
    vstore16(c##i##_1, 1, c + i * stride);
    EACH_ROW(PUT_TILE)
}

// Panels of 12 keys, [size][12].
INLINE void pack_keys(
    __global const real *rows, int stride, int count, int size, __global real *panels)
{
    for (int i = 0; i < count; i += TILE_M)
        pack_turned(rows + (long)i * stride, stride, min(count - i, TILE_M), size,
            panels + i * size, TILE_M);
}

// Panels of 12 of the size, [count][12].
INLINE void pack_columns(
    __global const real *rows, int stride, int count, int size, __global real *panels)
{
    for (int c = 0; c < size; c += TILE_M)
        pack_rows_of(rows + c, stride, min(size - c, TILE_M), count, panels + c * count, TILE_M);
}

// products[key][query] = panels of keys times lanes of queries.
INLINE void multiply_keys(
    __global const real *panels, __global const real *lanes, int count, int size,
    __global real *products)
{
    for (int i = 0; i < count; i += TILE_M)
        multiply_tile(panels + i * size, lanes, size, products + i * BLOCK, BLOCK, 0);
}

// output[c][query] += panels of columns ([packed][12]) times weights[key][query].
INLINE void multiply_weights(
    __global const real *panels, int packed, __global const real *weights, int count, int size,
    __global real *output)
{
    for (int c = 0; c < size; c += TILE_M)
        multiply_tile(panels + c * packed, weights, count, output + c * BLOCK, BLOCK, 1);
}

// y[i * stride + c] = t[c][i], + y where add, for i < queries, c < n.
NOINLINE void turn_back(
    __global const real *t, int n, int queries, __global real *y, int stride, __global real *spare,
    int add)
{
    for (int c = 0; c < n; c += BLOCK) {
        int width = min(n - c, BLOCK);
        pack_turned(t + c * BLOCK, BLOCK, width, queries, spare, BLOCK);
        for (int i = 0; i < queries; i++) {
            for (int e = 0; e < width; e += LANES) {
                __global real *p = y + (long)i * stride + c + e;
                V value = vload16(0, spare + i * BLOCK + e);
                accumulate(p, value, add, width - e);
            }
        }
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
            pairs, BLOCK);
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
// maximum (state[0..]), and what was summed before (state[32..], output) is scaled down to it.
NOINLINE void soften(
    __global real *scores, int count, int size, __global real *state, __global real *output)
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
    for (int c = 0; c < size; c++)
        vstore16(vload16(0, output + c * BLOCK) * factor, 0, output + c * BLOCK);
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
    pack_turned(rows, stride, queries, size, panel, BLOCK);
    for (int e = 0; e < size * BLOCK; e += 16)
        vstore16(scale * vload16(0, panel + e), 0, panel + e);
}

INLINE void clear(__global real *p, int n)
{
    for (int e = 0; e < n; e += 16)
        vstore16(K(0), 0, p + e);
}
#endif
