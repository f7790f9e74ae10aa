// c = op(a) op(b) + bias + beta * c for each of a batch of contiguous matrices: op(a) is m x k,
// op(b) k x n. General kernel: one item for each row of c and LANES columns, any size.

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
