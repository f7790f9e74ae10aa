// Attention over heads without the T x T weights in memory (formulas: Ops/Attention.cs). Weights
// are made a tile at a time; the logarithm of each row's sum is kept and the backward pass makes
// them again. Here is the form for processors; attention_gpu.cl has the other, attention_tile.cl
// what both are built from. It works as Cpu/Attention.cs does: 32 queries against up to 240 keys,
// scores as [key][32 queries], so that the softmax runs down the lanes without a sum across them. A
// piece is one sample and head, and a run of queries or keys.

#define ATTENTION_INPUTS                                                                \
    __global const real *q, __global const real *k, __global const real *v,             \
    __global const real *lengths, __global const real *key_mask,                        \
    __global const real *pair_mask, attention_shape s, ulong seed, ulong stream,        \
    ulong first_draw

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

// ---- Forward ---------------------------------------------------------------------------------

// y = rows of the output, divided by their sums; a row without any key becomes zeros, and its sum's
// logarithm infinity.
INLINE void finish(
    __global real *state, __global const real *output, int size, int columns,
    __global real *log_sums, int queries, __global real *y, int stride)
{
    for (int half_block = 0; half_block < queries; half_block += 16) {
        V sum = vload16(0, state + BLOCK + half_block);
        V logs = vload16(0, state + half_block) + log_v(sum);
        store(log_sums + half_block, sum == K(0) ? K(INFINITY) : logs, queries - half_block);
        vstore16(sum == K(0) ? K(0) : 1.0f / sum, 0, state + 2 * BLOCK + half_block);
    }
    for (int i = 0; i < queries; i++)
        for (int c = 0; c < size; c += LANES)
            store(y + (long)i * stride + c,
                vload16(0, output + i * columns + c) * state[2 * BLOCK + i], size - c);
}

// One piece for each sample, head and eight blocks of queries; each: scratch of a group.
KERNEL void attention_fat(
    ATTENTION_INPUTS, __global real *y, __global real *log_sums, __global real *scratch, int each,
    int runs)
{
    int block_keys = min(ROUND(s.keys, ROWS), KEY_BLOCK), columns = ROUND(s.size, 32);
    int width = s.heads * s.size;
    __global real *keys = scratch + (long)get_group_id(0) * each;
    __global real *values = keys + block_keys * columns;
    __global real *lanes = values + block_keys * columns;
    __global real *outputs = lanes + QUERY_BLOCKS * s.size * BLOCK;
    __global real *states = outputs + QUERY_BLOCKS * BLOCK * columns;
    __global real *scores = states + QUERY_BLOCKS * 3 * BLOCK;
    __global real *pairs = scores + max(block_keys, BLOCK) * BLOCK;
    FOR_ITEMS(piece, s.batch * s.heads * runs) {
        int head = piece / runs, start = piece % runs * QUERY_BLOCKS * BLOCK;
        int end = min(s.queries, start + QUERY_BLOCKS * BLOCK);
        int length = keys_of(lengths, s, head);
        for (int i = start, n = 0; i < end; i += BLOCK, n++) {
            pack_queries(q + row_at(s, head, i, s.queries, s.q_offset, s.q_stride), s.q_stride,
                min(end - i, BLOCK), s.size, s.scale, lanes + n * s.size * BLOCK);
            clear(outputs + n * BLOCK * columns, BLOCK * columns);
            __global real *state = states + n * 3 * BLOCK;
            vstore16(K(-INFINITY), 0, state);
            vstore16(K(-INFINITY), 1, state);
            clear(state + BLOCK, BLOCK);
        }
        int all = min(length, visible(s, end - 1));
        for (int key = 0; key < all; key += KEY_BLOCK) {
            int count = min(all - key, KEY_BLOCK);
            copy_rows(k + row_at(s, head, key, s.keys, s.k_offset, s.k_stride), s.k_stride, count,
                s.size, columns, keys);
            copy_rows(v + row_at(s, head, key, s.keys, s.v_offset, s.v_stride), s.v_stride, count,
                s.size, columns, values);
            for (int i = start, n = 0; i < end; i += BLOCK, n++) {
                int queries = min(end - i, BLOCK);
                int seen = min(min(length, visible(s, i + queries - 1)) - key, count);
                if (seen <= 0)
                    continue;
                __global real *state = states + n * 3 * BLOCK;
                __global real *output = outputs + n * BLOCK * columns;
                multiply_rows(keys, columns, 1, lanes + n * s.size * BLOCK, scores, seen, BLOCK,
                    s.size, 0);
                add_masks(key_mask, pair_mask, s, head, i, key, seen, scores, pairs);
                soften(scores, seen, state);
                soften(scores + 16, seen, state + 16);
                // Before the first keys there is nothing to scale.
                if (key > 0)
                    scale_rows(output, queries, columns, state + 2 * BLOCK);
                if (s.rate > 0) {
                    for (int j = 0; j < seen; j++) {
                        lanes32 kept =
                            keep(seed, stream, first_draw, draw_row(s, head, i, key + j), s.rate);
                        __global real *p = scores + j * BLOCK;
                        vstore16(vload16(0, p) * kept.low, 0, p);
                        vstore16(vload16(1, p) * kept.high, 1, p);
                    }
                }
                multiply_queries(scores, seen, queries, least_query(s, i, key), values, columns,
                    output, 1);
            }
        }
        for (int i = start, n = 0; i < end; i += BLOCK, n++)
            finish(states + n * 3 * BLOCK, outputs + n * BLOCK * columns, s.size, columns,
                log_sums + (long)head * s.queries + i, min(end - i, BLOCK),
                y + row_at(s, head, i, s.queries, 0, width), width);
    }
}

// One piece for each sample and block of queries.
KERNEL void attention_weights_fat(
    ATTENTION_INPUTS, __global const real *log_sums, __global real *y, __global real *scratch,
    int each)
{
    int block_keys = min(ROUND(s.keys, ROWS), KEY_BLOCK), columns = ROUND(s.size, 32);
    __global real *keys = scratch + (long)get_group_id(0) * each;
    __global real *lanes = keys + block_keys * columns;
    __global real *scores = lanes + s.size * BLOCK;
    __global real *pairs = scores + max(block_keys, BLOCK) * BLOCK;
    __global real *sums = pairs + max(block_keys, BLOCK) * BLOCK;
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
                copy_rows(k + row_at(s, head, key, s.keys, s.k_offset, s.k_stride), s.k_stride,
                    count, s.size, columns, keys);
                multiply_rows(keys, columns, 1, lanes, scores, count, BLOCK, s.size, 0);
                add_masks(key_mask, pair_mask, s, head, i, key, count, scores, pairs);
                weigh(scores, count, log_sums + (long)head * s.queries + i, queries);
                __global real *sum = sums + key * BLOCK;
                for (int e = 0; e < count * BLOCK; e += 16)
                    vstore16(vload16(0, sum + e) + vload16(0, scores + e) * (1.0f / s.heads), 0,
                        sum + e);
            }
        }
        // [key][32 queries] to rows of keys.
        __global real *target = y + ((long)batch * s.queries + i) * s.keys;
        for (int key = 0; key < s.keys; key += BLOCK) {
            int width = min(s.keys - key, BLOCK);
            pack_turned(sums + key * BLOCK, BLOCK, width, queries, scores);
            for (int row = 0; row < queries; row++)
                for (int e = 0; e < width; e += LANES)
                    store(target + (long)row * s.keys + key + e,
                        vload16(0, scores + row * BLOCK + e), width - e);
        }
    }
}

// ---- Gradient --------------------------------------------------------------------------------

// rows = sums + beta * rows.
INLINE void store_rows(
    __global const real *sums, int count, int size, __global real *rows, int stride, real beta)
{
    for (int j = 0; j < count; j++)
        for (int c = 0; c < size; c += LANES)
            accumulate(rows + (long)j * stride + c,
                vload16(0, sums + j * ROUND(size, 32) + c), beta, size - c);
}

// One piece for each sample, head and run of keys (of `parts`). partial: (parts, batch, heads,
// queries, size), `part` apart, or where there is one part dq itself takes the sums.
KERNEL void attention_gradient_fat(
    ATTENTION_INPUTS, __global const real *dy, __global const real *log_sums,
    __global const real *dots, __global real *dq, __global real *dk, __global real *dv,
    attention_gradients g, __global real *partial, int part, int parts, __global real *scratch,
    int each)
{
    int block_keys = min(ROUND(s.keys, ROWS), KEY_BLOCK), columns = ROUND(s.size, 32);
    int width = s.heads * s.size, tile = max(block_keys, BLOCK) * BLOCK;
    __global real *keys = scratch + (long)get_group_id(0) * each;
    __global real *values = keys + block_keys * columns;
    __global real *dk_sums = values + block_keys * columns;
    __global real *dv_sums = dk_sums + block_keys * columns;
    __global real *q_lanes = dv_sums + block_keys * columns;
    __global real *dy_lanes = q_lanes + s.size * BLOCK;
    __global real *q_rows = dy_lanes + s.size * BLOCK;
    __global real *dy_rows = q_rows + BLOCK * columns;
    __global real *dq_rows = dy_rows + BLOCK * columns;
    __global real *weights = dq_rows + BLOCK * columns;
    __global real *scores = weights + tile, *pairs = scores + tile;
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
            clear(dk_sums, block_keys * columns);
            clear(dv_sums, block_keys * columns);
            if (packed > 0) {
                copy_rows(k + row_at(s, head, key, s.keys, s.k_offset, s.k_stride), s.k_stride,
                    packed, s.size, columns, keys);
                copy_rows(v + row_at(s, head, key, s.keys, s.v_offset, s.v_stride), s.v_stride,
                    packed, s.size, columns, values);
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
                pack_turned(output_rows, width, queries, s.size, dy_lanes);
                copy_rows(query_rows, s.q_stride, queries, s.size, columns, q_rows);
                copy_rows(output_rows, width, queries, s.size, columns, dy_rows);
                multiply_rows(keys, columns, 1, q_lanes, weights, n, BLOCK, s.size, 0);
                add_masks(key_mask, pair_mask, s, head, i, key, n, weights, pairs);
                weigh(weights, n, log_sums + head_row, queries);
                multiply_rows(values, columns, 1, dy_lanes, scores, n, BLOCK, s.size, 0);
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
                int least = least_query(s, i, key);
                add_to_keys(weights, n, queries, least, dy_rows, columns, dv_sums);
                add_to_keys(scores, n, queries, least, q_rows, columns, dk_sums);
                multiply_queries(scores, n, queries, least, keys, columns, dq_rows, 0);
                store_rows(dq_rows, queries, s.size, target + (long)i * stride, stride, 1);
            }
            store_rows(dk_sums, count, s.size,
                dk + row_at(s, head, key, s.keys, g.k_offset, g.k_stride), g.k_stride, g.k_beta);
            store_rows(dv_sums, count, s.size,
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
