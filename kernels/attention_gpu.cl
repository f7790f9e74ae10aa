// The form of attention for GPUs: an item owns a query (forward, dq) or a key (dk and dv) with its
// numbers in registers, and a group shares a tile of the other side in local memory. Follows
// attention.cl, whose arguments it has.

#if !FAT

#ifndef SIZE
#define SIZE 64          // numbers of a head: known to the compiler, so that arrays are registers
#endif
#define ROWS 64          // items of a group, a query or a key each
// Rows of a tile, so that two tiles take at most 16 KiB.
#define TILE_ROWS (SIZE <= 64 ? 32 : SIZE <= 128 ? 16 : SIZE <= 512 ? 4 : 1)
#define GROUPED __kernel __attribute__((reqd_work_group_size(ROWS, 1, 1)))

INLINE void load_tile(
    __global const real *rows, int stride, int count, __local real *tile)
{
    for (int e = get_local_id(0); e < TILE_ROWS * SIZE; e += ROWS)
        tile[e] = e / SIZE < count ? rows[(long)(e / SIZE) * stride + e % SIZE] : 0;
}

INLINE real dot_product_of(const real *a, __local const real *b)
{
    real sum = 0;
    for (int c = 0; c < SIZE; c++)
        sum += a[c] * b[c];
    return sum;
}

// The score of query i and key j with its masks.
INLINE real masked(
    __global const real *key_mask, __global const real *pair_mask, attention_shape s, int head,
    int i, int j, real product)
{
    real score = s.scale * product;
    if (s.has_key_mask)
        score += key_mask[(long)(head / s.heads) * s.keys + j];
    if (s.has_pair_mask)
        score += pair_mask[(long)i * s.keys + j];
    return j < visible(s, i) ? score : -INFINITY;
}

// 0 or 1 / (1 - rate).
INLINE real keep(
    ulong seed, ulong stream, ulong first, attention_shape s, int head, int i, int key)
{
    if (s.rate == 0)
        return 1;
    ulong block = first + (ulong)draw_row(s, head, i, key) * 8 + (ulong)(i % 32 / 4);
    real u[4];
    vstore4(to_uniform(philox(seed, stream, block)), 0, u);
    return u[i % 4] >= s.rate ? 1.0f / (1.0f - s.rate) : 0;
}

// A group for each sample, head and 64 queries.
GROUPED void attention_gpu(ATTENTION_INPUTS, __global real *y, __global real *log_sums)
{
    __local real k_tile[TILE_ROWS * SIZE], v_tile[TILE_ROWS * SIZE];
    int runs = (s.queries - 1) / ROWS + 1, head = get_group_id(0) / runs;
    int start = get_group_id(0) % runs * ROWS, i = start + get_local_id(0);
    int exists = i < s.queries;
    real query[SIZE], sums[SIZE];
    long at = row_at(s, head, exists ? i : start, s.queries, s.q_offset, s.q_stride);
    for (int c = 0; c < SIZE; c++) {
        query[c] = q[at + c];
        sums[c] = 0;
    }
    real most = -INFINITY, total = 0;
    int all = min(keys_of(lengths, s, head), visible(s, min(start + ROWS, s.queries) - 1));
    for (int key = 0; key < all; key += TILE_ROWS) {
        int count = min(all - key, TILE_ROWS);
        barrier(CLK_LOCAL_MEM_FENCE);
        load_tile(k + row_at(s, head, key, s.keys, s.k_offset, s.k_stride), s.k_stride, count,
            k_tile);
        load_tile(v + row_at(s, head, key, s.keys, s.v_offset, s.v_stride), s.v_stride, count,
            v_tile);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = 0; j < count && exists; j++) {
            real score = masked(key_mask, pair_mask, s, head, i, key + j,
                dot_product_of(query, k_tile + j * SIZE));
            if (score == -INFINITY)
                continue;
            if (score > most) {
                real factor = exp_v(most - score);
                total *= factor;
                for (int c = 0; c < SIZE; c++)
                    sums[c] *= factor;
                most = score;
            }
            real weight = exp_v(score - most);
            total += weight;
            weight *= keep(seed, stream, first_draw, s, head, i, key + j);
            for (int c = 0; c < SIZE; c++)
                sums[c] += weight * v_tile[j * SIZE + c];
        }
    }
    if (!exists)
        return;
    real inverse = total == 0 ? 0 : 1.0f / total;
    log_sums[(long)head * s.queries + i] = total == 0 ? INFINITY : most + log_v(total);
    at = row_at(s, head, i, s.queries, 0, s.heads * SIZE);
    for (int c = 0; c < SIZE; c++)
        y[at + c] = sums[c] * inverse;
}

// An item for each weight, mean over heads.
KERNEL void attention_weights_gpu(
    ATTENTION_INPUTS, __global const real *log_sums, __global real *y)
{
    FOR_ITEMS(item, (long)s.batch * s.queries * s.keys) {
        int j = item % s.keys, i = item / s.keys % s.queries;
        int batch = item / s.keys / s.queries;
        real sum = 0;
        for (int h = 0; h < s.heads; h++) {
            int head = batch * s.heads + h;
            if (j >= keys_of(lengths, s, head))
                continue;
            __global const real *a = q + row_at(s, head, i, s.queries, s.q_offset, s.q_stride);
            __global const real *b = k + row_at(s, head, j, s.keys, s.k_offset, s.k_stride);
            real product = 0;
            for (int c = 0; c < s.size; c++)
                product += a[c] * b[c];
            real score = masked(key_mask, pair_mask, s, head, i, j, product);
            sum += exp_v(score - log_sums[(long)head * s.queries + i]);
        }
        y[item] = sum * (1.0f / s.heads);
    }
}

// dq: a group for each sample, head and 64 queries.
GROUPED void attention_gradient_queries_gpu(
    ATTENTION_INPUTS, __global const real *dy, __global const real *log_sums,
    __global const real *dots, __global real *dq, attention_gradients g)
{
    __local real k_tile[TILE_ROWS * SIZE], v_tile[TILE_ROWS * SIZE];
    int runs = (s.queries - 1) / ROWS + 1, head = get_group_id(0) / runs;
    int start = get_group_id(0) % runs * ROWS, i = start + get_local_id(0);
    int exists = i < s.queries, row = exists ? i : start;
    real query[SIZE], upstream[SIZE], sums[SIZE];
    long at = row_at(s, head, row, s.queries, s.q_offset, s.q_stride);
    long up = row_at(s, head, row, s.queries, 0, s.heads * SIZE);
    for (int c = 0; c < SIZE; c++) {
        query[c] = q[at + c];
        upstream[c] = dy[up + c];
        sums[c] = 0;
    }
    real log_sum = log_sums[(long)head * s.queries + row];
    real dot_product = dots[(long)head * s.queries + row];
    int all = min(keys_of(lengths, s, head), visible(s, min(start + ROWS, s.queries) - 1));
    for (int key = 0; key < all; key += TILE_ROWS) {
        int count = min(all - key, TILE_ROWS);
        barrier(CLK_LOCAL_MEM_FENCE);
        load_tile(k + row_at(s, head, key, s.keys, s.k_offset, s.k_stride), s.k_stride, count,
            k_tile);
        load_tile(v + row_at(s, head, key, s.keys, s.v_offset, s.v_stride), s.v_stride, count,
            v_tile);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = 0; j < count && exists; j++) {
            real weight = exp_v(masked(key_mask, pair_mask, s, head, i, key + j,
                dot_product_of(query, k_tile + j * SIZE)) - log_sum);
            real d = keep(seed, stream, first_draw, s, head, i, key + j)
                * dot_product_of(upstream, v_tile + j * SIZE);
            d = s.scale * weight * (d - dot_product);
            for (int c = 0; c < SIZE; c++)
                sums[c] += d * k_tile[j * SIZE + c];
        }
    }
    if (!exists)
        return;
    at = row_at(s, head, i, s.queries, g.q_offset, g.q_stride);
    for (int c = 0; c < SIZE; c++)
        accumulate(dq + at + c, sums[c], g.q_beta, 1);
}

// dk and dv: a group for each sample, head and 64 keys.
GROUPED void attention_gradient_keys_gpu(
    ATTENTION_INPUTS, __global const real *dy, __global const real *log_sums,
    __global const real *dots, __global real *dk, __global real *dv, attention_gradients g)
{
    __local real q_tile[TILE_ROWS * SIZE], dy_tile[TILE_ROWS * SIZE];
    int runs = (s.keys - 1) / ROWS + 1, head = get_group_id(0) / runs;
    int start = get_group_id(0) % runs * ROWS, j = start + get_local_id(0);
    int exists = j < s.keys, row = exists ? j : start;
    int sees = j < keys_of(lengths, s, head);
    real key_numbers[SIZE], value_numbers[SIZE], dk_sums[SIZE], dv_sums[SIZE];
    long k_at = row_at(s, head, row, s.keys, s.k_offset, s.k_stride);
    long v_at = row_at(s, head, row, s.keys, s.v_offset, s.v_stride);
    for (int c = 0; c < SIZE; c++) {
        key_numbers[c] = k[k_at + c];
        value_numbers[c] = v[v_at + c];
        dk_sums[c] = dv_sums[c] = 0;
    }
    // Before this query none sees the first of the keys.
    int from = s.causal ? max(0, start - s.keys + s.queries) : 0;
    for (int query = from; query < s.queries; query += TILE_ROWS) {
        int count = min(s.queries - query, TILE_ROWS);
        barrier(CLK_LOCAL_MEM_FENCE);
        load_tile(q + row_at(s, head, query, s.queries, s.q_offset, s.q_stride), s.q_stride,
            count, q_tile);
        load_tile(dy + row_at(s, head, query, s.queries, 0, s.heads * SIZE), s.heads * SIZE,
            count, dy_tile);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int n = 0; n < count && sees; n++) {
            long sums_at = (long)head * s.queries + query + n;
            real weight = exp_v(masked(key_mask, pair_mask, s, head, query + n, j,
                dot_product_of(key_numbers, q_tile + n * SIZE)) - log_sums[sums_at]);
            real kept = keep(seed, stream, first_draw, s, head, query + n, j);
            real d = kept * dot_product_of(value_numbers, dy_tile + n * SIZE);
            d = s.scale * weight * (d - dots[sums_at]);
            weight *= kept;
            for (int c = 0; c < SIZE; c++) {
                dk_sums[c] += d * q_tile[n * SIZE + c];
                dv_sums[c] += weight * dy_tile[n * SIZE + c];
            }
        }
    }
    if (!exists)
        return;
    k_at = row_at(s, head, j, s.keys, g.k_offset, g.k_stride);
    v_at = row_at(s, head, j, s.keys, g.v_offset, g.v_stride);
    for (int c = 0; c < SIZE; c++) {
        accumulate(dk + k_at + c, dk_sums[c], g.k_beta, 1);
        accumulate(dv + v_at + c, dv_sums[c], g.v_beta, 1);
    }
}
#endif
