// c = op(a) op(b) + bias + beta * c on GPUs, as in matmul.cl: a group computes a tile of one slice
// of the depth of one matrix of the batch. With more than one slice, c is [slice][batch][m][n] of
// partial sums, which reduce_sum_columns adds in their order.

GROUPED void matmul_gpu(
    __global const real *a, __global const real *b, __global const real *bias, __global real *c,
    int batch, int m, int n, int k, int has_bias, real beta, int slices, int slice_depth)
{
    TILE_MEMORY;
    group_place at = place_of_group(m, n, slices, GROUP_M, GROUP_N);
    long matrix = at.outer;
    matrix_side left = {a + matrix * m * k, A_ALONG ? k : m, m, A_ALONG};
    matrix_side right = {b + matrix * k * n, B_ALONG ? k : n, n, B_ALONG};
    int first = at.slice * slice_depth, last = min(k, first + slice_depth);
    accumulators sum =
        group_product(&left, &right, at.m0, at.n0, first, last, tile_memory);
    result_side to = {c + (at.slice * (long)batch + matrix) * m * n, bias, m, n,
        has_bias && at.slice == 0, beta};
    store_product(&to, at.m0, at.n0, &sum);
}
