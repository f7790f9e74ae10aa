// Attention over heads without the T x T weights in memory (formulas: Ops/Attention.cs). Weights
// are made a tile at a time; the logarithm of each row's sum is kept and the backward pass makes
// them again. Here: what both forms share, and the form for processors; attention_gpu.cl has the
// other. The form for processors works as Cpu/Attention.cs does: 32 queries against up to 240 keys,
// scores as [key][32 queries], so that the softmax runs down the lanes and its result is the packed
// right operand of the next product. A piece is one sample and head, and a run of queries or keys.

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

#define ATTENTION_INPUTS                                                                \
    __global const real *q, __global const real *k, __global const real *v,             \
    __global const real *lengths, __global const real *key_mask,                        \
    __global const real *pair_mask, attention_shape s, ulong seed, ulong stream,        \
    ulong first_draw

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

// dots[row] = dy . y for the rows (batch, heads, queries).
KERNEL void attention_dots(
    __global const real *y, __global const real *dy, __global real *dots, attention_shape s)
{
    int width = s.heads * s.size;
    FOR_ITEMS(row, s.batch * s.heads * s.queries) {
        long at = row_at(s, row / s.queries, row % s.queries, s.queries, 0, width);
        V sum = K(0);
        for (int c = 0; c < s.size; c += LANES)
            sum += load_or(y + at + c, s.size - c, 0) * load_or(dy + at + c, s.size - c, 0);
        dots[row] = sum_lanes(sum);
    }
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

// ---- Forward ---------------------------------------------------------------------------------

// Divides by the sums; a row without any key becomes zeros, and its sum's logarithm infinity.
INLINE void finish(
    __global real *state, __global real *output, int size, __global real *log_sums, int queries)
{
    for (int half_block = 0; half_block < BLOCK; half_block += 16) {
        V sum = vload16(0, state + BLOCK + half_block);
        V inverse = sum == K(0) ? K(0) : 1.0f / sum;
        V logs = vload16(0, state + half_block) + log_v(sum);
        if (queries > half_block)
            store(log_sums + half_block, sum == K(0) ? K(INFINITY) : logs, queries - half_block);
        for (int c = 0; c < size; c++) {
            __global real *p = output + c * BLOCK + half_block;
            vstore16(vload16(0, p) * inverse, 0, p);
        }
    }
}

// One piece for each sample, head and eight blocks of queries; each: scratch of a group.
KERNEL void attention_fat(
    ATTENTION_INPUTS, __global real *y, __global real *log_sums, __global real *scratch, int each,
    int runs)
{
    int block_keys = min(ROUND(s.keys, TILE_M), KEY_BLOCK), rows = ROUND(s.size, TILE_M);
    __global real *keys = scratch + (long)get_group_id(0) * each;
    __global real *values = keys + WHOLE(block_keys * s.size);
    __global real *lanes = values + WHOLE(block_keys * rows);
    __global real *outputs = lanes + QUERY_BLOCKS * WHOLE(s.size * BLOCK);
    __global real *states = outputs + QUERY_BLOCKS * WHOLE(rows * BLOCK);
    __global real *scores = states + QUERY_BLOCKS * 2 * BLOCK;
    __global real *pairs = scores + WHOLE(max(block_keys, BLOCK) * BLOCK);
    FOR_ITEMS(piece, s.batch * s.heads * runs) {
        int head = piece / runs, start = piece % runs * QUERY_BLOCKS * BLOCK;
        int end = min(s.queries, start + QUERY_BLOCKS * BLOCK);
        int length = keys_of(lengths, s, head);
        clear(outputs, QUERY_BLOCKS * WHOLE(rows * BLOCK));
        for (int i = start, n = 0; i < end; i += BLOCK, n++) {
            pack_queries(q + row_at(s, head, i, s.queries, s.q_offset, s.q_stride), s.q_stride,
                min(end - i, BLOCK), s.size, s.scale, lanes + n * WHOLE(s.size * BLOCK));
            __global real *state = states + n * 2 * BLOCK;
            vstore16(K(-INFINITY), 0, state);
            vstore16(K(-INFINITY), 1, state);
            clear(state + BLOCK, BLOCK);
        }
        int all = min(length, visible(s, end - 1));
        for (int key = 0; key < all; key += KEY_BLOCK) {
            int count = min(all - key, KEY_BLOCK);
            pack_keys(k + row_at(s, head, key, s.keys, s.k_offset, s.k_stride), s.k_stride, count,
                s.size, keys);
            pack_columns(v + row_at(s, head, key, s.keys, s.v_offset, s.v_stride), s.v_stride,
                count, s.size, values);
            for (int i = start, n = 0; i < end; i += BLOCK, n++) {
                int seen = min(length, visible(s, min(end, i + BLOCK) - 1)) - key;
                seen = min(seen, count);
                if (seen <= 0)
                    continue;
                __global real *state = states + n * 2 * BLOCK;
                __global real *output = outputs + n * WHOLE(rows * BLOCK);
                multiply_keys(keys, lanes + n * WHOLE(s.size * BLOCK), seen, s.size, scores);
                add_masks(key_mask, pair_mask, s, head, i, key, seen, scores, pairs);
                soften(scores, seen, s.size, state, output);
                soften(scores + 16, seen, s.size, state + 16, output + 16);
                if (s.rate > 0) {
                    for (int j = 0; j < seen; j++) {
                        lanes32 kept =
                            keep(seed, stream, first_draw, draw_row(s, head, i, key + j), s.rate);
                        __global real *p = scores + j * BLOCK;
                        vstore16(vload16(0, p) * kept.low, 0, p);
                        vstore16(vload16(1, p) * kept.high, 1, p);
                    }
                }
                multiply_weights(values, count, scores, seen, s.size, output);
            }
        }
        for (int i = start, n = 0; i < end; i += BLOCK, n++) {
            __global real *output = outputs + n * WHOLE(rows * BLOCK);
            int queries = min(end - i, BLOCK);
            finish(states + n * 2 * BLOCK, output, s.size,
                log_sums + (long)head * s.queries + i, queries);
            turn_back(output, s.size, queries,
                y + row_at(s, head, i, s.queries, 0, s.heads * s.size), s.heads * s.size, scores,
                0);
        }
    }
}

// One piece for each sample and block of queries.
KERNEL void attention_weights_fat(
    ATTENTION_INPUTS, __global const real *log_sums, __global real *y, __global real *scratch,
    int each)
{
    int block_keys = min(ROUND(s.keys, TILE_M), KEY_BLOCK);
    __global real *keys = scratch + (long)get_group_id(0) * each;
    __global real *lanes = keys + WHOLE(block_keys * s.size);
    __global real *scores = lanes + WHOLE(s.size * BLOCK);
    __global real *pairs = scores + WHOLE(max(block_keys, BLOCK) * BLOCK);
    __global real *sums = pairs + WHOLE(max(block_keys, BLOCK) * BLOCK);
    int blocks = (s.queries - 1) / BLOCK + 1;
    FOR_ITEMS(piece, s.batch * blocks) {
        int batch = piece / blocks, i = piece % blocks * BLOCK, queries = min(s.queries - i, BLOCK);
        clear(sums, s.keys * BLOCK);
        for (int h = 0; h < s.heads; h++) {
            int head = batch * s.heads + h;
            int all = min(keys_of(lengths, s, head), visible(s, i + queries - 1));
            pack_queries(q + row_at(s, head, i, s.queries, s.q_offset, s.q_stride), s.q_stride,
                queries, s.size, s.scale, lanes);
            for (int key = 0; key < all; key += KEY_BLOCK) {
                int count = min(all - key, KEY_BLOCK);
                pack_keys(k + row_at(s, head, key, s.keys, s.k_offset, s.k_stride), s.k_stride,
                    count, s.size, keys);
                multiply_keys(keys, lanes, count, s.size, scores);
                add_masks(key_mask, pair_mask, s, head, i, key, count, scores, pairs);
                weigh(scores, count, log_sums + (long)head * s.queries + i, queries);
                __global real *sum = sums + key * BLOCK;
                for (int e = 0; e < count * BLOCK; e += 16)
                    vstore16(vload16(0, sum + e) + vload16(0, scores + e) * (1.0f / s.heads), 0,
                        sum + e);
            }
        }
        turn_back(sums, s.keys, queries, y + ((long)batch * s.queries + i) * s.keys, s.keys,
            scores, 0);
    }
}

// ---- Gradient --------------------------------------------------------------------------------

// sums[key][c] += sum over queries of weights[key][query] rows[query][c].
NOINLINE void add_to_keys(
    __global const real *weights, int count, int queries, __global const real *rows, int size,
    __global real *turned, __global real *sums)
{
    int columns = ROUND(size, TILE_N);
    for (int j = 0; j < count; j += TILE_M) {
        pack_turned(weights + j * BLOCK, BLOCK, min(count - j, TILE_M), BLOCK, turned, TILE_M);
        for (int c = 0; c < size; c += TILE_N)
            multiply_tile(turned, rows + c * BLOCK, queries, sums + j * columns + c, columns, 1);
    }
}

// rows = sums + beta * rows.
INLINE void store_keys(
    __global const real *sums, int count, int size, __global real *rows, int stride, real beta)
{
    for (int j = 0; j < count; j++)
        for (int c = 0; c < size; c += LANES)
            accumulate(rows + (long)j * stride + c,
                vload16(0, sums + j * ROUND(size, TILE_N) + c), beta, size - c);
}

// Panels of 32 of the size, [queries][32].
INLINE void pack_rows_32(
    __global const real *rows, int stride, int queries, int size, __global real *panels)
{
    for (int c = 0; c < size; c += TILE_N)
        pack_rows_of(rows + c, stride, min(size - c, TILE_N), queries, panels + c * BLOCK, TILE_N);
}

// One piece for each sample, head and run of keys (of `parts`). partial: (parts, batch, heads,
// queries, size), `part` apart, or where there is one part dq itself takes the sums.
KERNEL void attention_gradient_fat(
    ATTENTION_INPUTS, __global const real *dy, __global const real *log_sums,
    __global const real *dots, __global real *dq, __global real *dk, __global real *dv,
    attention_gradients g, __global real *partial, int part, int parts, __global real *scratch,
    int each)
{
    int block_keys = min(ROUND(s.keys, TILE_M), KEY_BLOCK);
    int rows = ROUND(s.size, TILE_M), columns = ROUND(s.size, TILE_N), width = s.heads * s.size;
    __global real *keys = scratch + (long)get_group_id(0) * each;
    __global real *values = keys + WHOLE(block_keys * s.size);
    __global real *key_columns = values + WHOLE(block_keys * s.size);
    __global real *q_lanes = key_columns + WHOLE(block_keys * rows);
    __global real *dy_lanes = q_lanes + WHOLE(s.size * BLOCK);
    __global real *dq_lanes = dy_lanes + WHOLE(s.size * BLOCK);
    __global real *q_rows = dq_lanes + WHOLE(rows * BLOCK);
    __global real *dy_rows = q_rows + WHOLE(BLOCK * columns);
    __global real *weights = dy_rows + WHOLE(BLOCK * columns);
    __global real *scores = weights + WHOLE(max(block_keys, BLOCK) * BLOCK);
    __global real *turned = scores + WHOLE(max(block_keys, BLOCK) * BLOCK);
    __global real *dk_sums = turned + WHOLE(max(block_keys, BLOCK) * BLOCK);
    __global real *dv_sums = dk_sums + WHOLE(block_keys * columns);
    int blocks = (s.keys + KEY_BLOCK - 1) / KEY_BLOCK;
    FOR_ITEMS(piece, s.batch * s.heads * parts) {
        int head = piece / parts, run = piece % parts, length = keys_of(lengths, s, head);
        __global real *target = parts == 1
            ? dq + row_at(s, head, 0, s.queries, g.q_offset, g.q_stride)
            : partial + (long)run * part + (long)head * s.queries * s.size;
        int stride = parts == 1 ? g.q_stride : s.size;
        real beta = parts == 1 ? g.q_beta : 0;
        for (int i = 0; i < s.queries; i++)
            for (int c = 0; c < s.size; c += LANES)
                accumulate(target + (long)i * stride + c, K(0), beta, s.size - c);
        int last = (long)blocks * (run + 1) / parts;
        for (int b = (long)blocks * run / parts; b < last; b++) {
            int key = b * KEY_BLOCK, count = min(s.keys - key, KEY_BLOCK);
            int packed = min(count, length - key);
            clear(dk_sums, WHOLE(block_keys * columns));
            clear(dv_sums, WHOLE(block_keys * columns));
            __global const real *key_rows =
                k + row_at(s, head, key, s.keys, s.k_offset, s.k_stride);
            if (packed > 0) {
                pack_keys(key_rows, s.k_stride, packed, s.size, keys);
                pack_keys(v + row_at(s, head, key, s.keys, s.v_offset, s.v_stride), s.v_stride,
                    packed, s.size, values);
                pack_columns(key_rows, s.k_stride, packed, s.size, key_columns);
            }
            // Before this block no query sees the first of the keys.
            int first = s.causal ? max(0, key - s.keys + s.queries) / BLOCK * BLOCK : 0;
            for (int i = first; packed > 0 && i < s.queries; i += BLOCK) {
                int queries = min(s.queries - i, BLOCK);
                int n = min(packed, visible(s, i + queries - 1) - key);
                if (n <= 0)
                    continue;
                long head_row = (long)head * s.queries + i;
                __global const real *query_rows =
                    q + row_at(s, head, i, s.queries, s.q_offset, s.q_stride);
                __global const real *output_rows =
                    dy + row_at(s, head, i, s.queries, 0, width);
                pack_queries(query_rows, s.q_stride, queries, s.size, s.scale, q_lanes);
                pack_turned(output_rows, width, queries, s.size, dy_lanes, BLOCK);
                pack_rows_32(query_rows, s.q_stride, queries, s.size, q_rows);
                pack_rows_32(output_rows, width, queries, s.size, dy_rows);
                multiply_keys(keys, q_lanes, n, s.size, weights);
                add_masks(key_mask, pair_mask, s, head, i, key, n, weights, turned);
                weigh(weights, n, log_sums + head_row, queries);
                multiply_keys(values, dy_lanes, n, s.size, scores);
                lanes32 dot = load_queries(dots + head_row, queries, 0);
                lanes32 kept;
                kept.low = kept.high = K(1);
                for (int j = 0; j < n; j++) {
                    if (s.rate > 0)
                        kept = keep(
                            seed, stream, first_draw, draw_row(s, head, i, key + j), s.rate);
                    __global real *w = weights + j * BLOCK, *d = scores + j * BLOCK;
                    V p0 = vload16(0, w), p1 = vload16(1, w);
                    vstore16(p0 * kept.low, 0, w);
                    vstore16(p1 * kept.high, 1, w);
                    vstore16(s.scale * p0 * (vload16(0, d) * kept.low - dot.low), 0, d);
                    vstore16(s.scale * p1 * (vload16(1, d) * kept.high - dot.high), 1, d);
                }
                add_to_keys(weights, n, queries, dy_rows, s.size, turned, dv_sums);
                add_to_keys(scores, n, queries, q_rows, s.size, turned, dk_sums);
                clear(dq_lanes, rows * BLOCK);
                multiply_weights(key_columns, packed, scores, n, s.size, dq_lanes);
                turn_back(dq_lanes, s.size, queries, target + (long)i * stride, stride, turned, 1);
            }
            store_keys(dk_sums, count, s.size,
                dk + row_at(s, head, key, s.keys, g.k_offset, g.k_stride), g.k_stride, g.k_beta);
            store_keys(dv_sums, count, s.size,
                dv + row_at(s, head, key, s.keys, g.v_offset, g.v_stride), g.v_stride, g.v_beta);
        }
    }
}

// dq = sum of the parts, in order, + beta * dq; one item for each (head, query).
KERNEL void attention_join(
    __global const real *partial, __global real *dq, attention_shape s, attention_gradients g,
    int part, int parts)
{
    FOR_ITEMS(row, s.batch * s.heads * s.queries) {
        __global real *p = dq
            + row_at(s, row / s.queries, row % s.queries, s.queries, g.q_offset, g.q_stride);
        for (int c = 0; c < s.size; c += LANES) {
            V sum = K(0);
            for (int run = 0; run < parts; run++)
                sum += load(partial + (long)run * part + (long)row * s.size + c, s.size - c);
            accumulate(p + c, sum, g.q_beta, s.size - c);
        }
    }
}
#endif
