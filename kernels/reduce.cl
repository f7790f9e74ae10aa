// Sums over the middle of (outer, n, inner) and their gradient, broadcast. A sum runs in two stages
// whose cut depends on the sizes only, so that the order of additions does not depend on the
// device: chunks of n are summed first, then the chunks' sums.
//   y[o,chunk,i] = scale * sum over j in chunk of x[o,j,i] + beta * y
// Variants: reduce_sum (inner = 1), reduce_sum_columns (any inner), reduce_sum_tiled (inner = 1,
// GPU form, a group for each row).

#ifndef GROUP
#define GROUP 256        // work-items of a tiled group, a power of two
#endif

// Rows of x are contiguous: (outer, n). One item for each (o, chunk).
KERNEL void reduce_sum(
    __global const real *x, __global real *y, int outer, int n, int chunks, int chunk, real scale,
    real beta)
{
    FOR_ITEMS(item, outer * chunks) {
        int first = item % chunks * chunk;
        int count = min(n - first, chunk);
        __global const real *p = x + (long)(item / chunks) * n + first;
        V sum = K(0), sum2 = K(0);
        int j = 0;
        for (; j + 2 * LANES <= count; j += 2 * LANES) {
            sum += load(p + j, LANES);
            sum2 += load(p + j + LANES, LANES);
        }
        for (; j < count; j += LANES)
            sum += load_or(p + j, count - j, 0);
        real value = scale * sum_lanes(sum + sum2);
        y[item] = beta == 0 ? value : value + beta * y[item];
    }
}

#if !FAT
// The same, a work-group for each (o, chunk): the items' sums meet in local memory.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void reduce_sum_tiled(
    __global const real *x, __global real *y, int outer, int n, int chunks, int chunk, real scale,
    real beta)
{
    __local real part[GROUP];
    int id = get_local_id(0);
    for (int item = get_group_id(0); item < outer * chunks; item += get_num_groups(0)) {
        int first = item % chunks * chunk;
        int count = min(n - first, chunk);
        __global const real *p = x + (long)(item / chunks) * n + first;
        real sum = 0;
        for (int j = id; j < count; j += GROUP)
            sum += p[j];
        part[id] = sum;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int half_size = GROUP / 2; half_size > 0; half_size /= 2) {
            if (id < half_size)
                part[id] += part[id + half_size];
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        if (id == 0) {
            real value = scale * part[0];
            y[item] = beta == 0 ? value : value + beta * y[item];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
#endif

// Columns: one item for each (o, chunk, block of BLOCK columns).
#if FAT
#define BLOCK 64         // columns summed together: four vectors
#else
#define BLOCK 1
#endif

KERNEL void reduce_sum_columns(
    __global const real *x, __global real *y, int outer, int n, int inner, int chunks, int chunk,
    real scale, real beta)
{
    int blocks = (inner - 1) / BLOCK + 1;
    FOR_ITEMS(item, outer * chunks * blocks) {
        int i = item % blocks * BLOCK;
        int rest = item / blocks;
        int first = rest % chunks * chunk;
        int count = min(n - first, chunk);
        __global const real *p = x + ((long)(rest / chunks) * n + first) * inner + i;
        __global real *q = y + (long)rest * inner + i;
#if FAT
        if (inner - i >= BLOCK) {
            V s0 = K(0), s1 = K(0), s2 = K(0), s3 = K(0);
            for (int j = 0; j < count; j++) {
                s0 += vload16(0, p + (long)j * inner);
                s1 += vload16(1, p + (long)j * inner);
                s2 += vload16(2, p + (long)j * inner);
                s3 += vload16(3, p + (long)j * inner);
            }
            accumulate(q, scale * s0, beta, LANES);
            accumulate(q + 16, scale * s1, beta, LANES);
            accumulate(q + 32, scale * s2, beta, LANES);
            accumulate(q + 48, scale * s3, beta, LANES);
            continue;
        }
#endif
        for (int c = 0; c < BLOCK && i + c < inner; c += LANES) {
            int lanes = inner - i - c;
            V sum = K(0);
            for (int j = 0; j < count; j++)
                sum += load_or(p + (long)j * inner + c, lanes, 0);
            accumulate(q + c, scale * sum, beta, lanes);
        }
    }
}

// The gradient: y[o,j,i] = scale * x[o,i] + beta * y[o,j,i], total elements in y.
KERNEL void broadcast(
    __global const real *x, __global real *y, int total, int n, int inner, real scale, real beta)
{
    FOR_VECTORS(i, total) {
        V value;
#if FAT
        // 64 bits: n * inner may be the whole of y.
        long plane = (long)n * inner;
        if (inner == 1 && i % n + LANES <= n) {
            value = K(x[i / n]);
        } else if (i % inner + LANES <= inner) {
            value = vload16(0, x + i / plane * inner + i % inner);
        } else {
            // Counters instead of divisions for each lane.
            real part[LANES];
            int column = i % inner, row = i / inner % n, start = i / plane * inner;
            for (int lane = 0; lane < LANES; lane++) {
                part[lane] = i + lane < total ? x[start + column] : 0;
                if (++column == inner) {
                    column = 0;
                    if (++row == n) {
                        row = 0;
                        start += inner;
                    }
                }
            }
            value = vload16(0, part);
        }
#else
        value = x[i / ((long)n * inner) * inner + i % inner];
#endif
        accumulate(y + i, scale * value, beta, total - i);
    }
}
