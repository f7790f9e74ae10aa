// c = op(a) op(b) + bias + beta * c for each of a batch of contiguous matrices: op(a) is m x k,
// op(b) k x n.
//   matmul        general: one item for each row of c and LANES columns, any size
//   matmul_fat    processors: register tiles over packed panels; k > 0
// GPUs have matmul_gpu.cl for the latter.
// A program holds either the general kernel (PART=0) or the fast one (PART=1).

#ifndef PART
#define PART -1          // 0: general kernel, 1: fast kernel, other: both
#endif

#define HAS_PART(n) (PART == n || PART < 0)

#if HAS_PART(0)

KERNEL void matmul(
    __global const real *a, __global const real *b, __global const real *bias, __global real *c,
    int batch, int m, int n, int k, int transpose_a, int transpose_b, int has_bias, real beta)
{
    int blocks = (n - 1) / LANES + 1;
    FOR_ITEMS(item, batch * m * blocks) {
        int j = item % blocks * LANES, row = item / blocks, count = n - j;
        int i = row % m;
        __global const real *pa = a + (long)(row / m) * m * k + (transpose_a ? i : (long)i * k);
        __global const real *pb = b + (long)(row / m) * n * k + (transpose_b ? (long)j * k : j);
        int step = transpose_a ? m : 1;
        V sum = K(0);
        if (!transpose_b) {
            for (int p = 0; p < k; p++)
                sum += pa[(long)p * step] * load(pb + (long)p * n, count);
        } else {
#if FAT
            real part[LANES];
            for (int lane = 0; lane < LANES; lane++) {
                real dot_product = 0;
                if (lane < count)
                    for (int p = 0; p < k; p++)
                        dot_product += pa[(long)p * step] * pb[(long)lane * k + p];
                part[lane] = dot_product;
            }
            sum = vload16(0, part);
#else
            for (int p = 0; p < k; p++)
                sum += pa[(long)p * step] * pb[p];
#endif
        }
        if (has_bias)
            sum += load(bias + j, count);
        accumulate(c + (long)row * n + j, sum, beta, count);
    }
}
#endif

#if HAS_PART(1) && FAT
// The same, tile by tile. A group computes `rows` x `columns` of one matrix of the batch. Scratch
// holds block_m x block_k of op(a) and block_k x block_n of op(b), packed, and 16 elements between.
// Needs k > 0; block_m is a multiple of 12, block_n of 32, block_k of 16.
KERNEL void matmul_fat(
    __global const real *a, __global const real *b, __global const real *bias, __global real *c,
    int m, int n, int k, int transpose_a, int transpose_b, int has_bias, real beta, int rows,
    int columns, int block_m, int block_n, int block_k, __local real *scratch)
{
    long batch = get_group_id(2);
    a += batch * m * k;
    b += batch * k * n;
    c += batch * m * n;
    int m0 = get_group_id(1) * rows, m1 = min(m, m0 + rows);
    int n0 = get_group_id(0) * columns, n1 = min(n, n0 + columns);
    __local real *packed_a = scratch, *packed_b = scratch + block_m * block_k + 16;
    for (int nb = n0; nb < n1; nb += block_n) {
        int width = min(n1 - nb, block_n);
        for (int kb = 0; kb < k; kb += block_k) {
            int depth = min(k - kb, block_k);
            for (int j = 0; j < width; j += TILE_N) {
                __local real *d = packed_b + j * depth;
                if (transpose_b)
                    pack_b_rows(b + (long)(nb + j) * k + kb, k, width - j, depth, d);
                else
                    pack_b_columns(b + (long)kb * n + nb + j, n, width - j, depth, d);
            }
            for (int mb = m0; mb < m1; mb += block_m) {
                int height = min(m1 - mb, block_m);
                for (int i = 0; i < height; i += TILE_M) {
                    __local real *d = packed_a + i * depth;
                    if (transpose_a) {
                        pack_a_columns(a + (long)kb * m + mb + i, m, height - i, depth, d);
                    } else {
                        __global const real *from[TILE_M];
                        for (int r = 0; r < TILE_M; r++)
                            from[r] = i + r < height ? a + (long)(mb + i + r) * k + kb : 0;
                        pack_rows(from, TILE_M, depth, d, TILE_M);
                    }
                }
                block_product(packed_a, packed_b, bias + nb, c + (long)mb * n + nb, n, depth,
                    height, width, has_bias && kb == 0, kb == 0 ? beta : 1);
            }
        }
    }
}
#endif
