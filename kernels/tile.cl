// The register tile that matmul.cl and convolution.cl are built from, and the packing before it.
//   processors  tile_product: 12 x 32 of c in 24 vectors of 16, from panels packed into scratch:
//               a as [k][12], b as [k][32]. One item does all of it; no barriers.
//   GPUs        tile_gpu.cl and tile_mma.cl

#if FAT

#define TILE_M 12        // rows of c in a register tile
#define TILE_N 32        // columns: two vectors

#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

// Accumulators are named one by one: an array of them would live in memory.
#define START(i) real16 c##i##_0 = (real16)(0), c##i##_1 = (real16)(0);

#define STEP(i, value)                               \
    {                                                \
        real16 v = (real16)(value);                  \
        c##i##_0 = v * b0 + c##i##_0;                \
        c##i##_1 = v * b1 + c##i##_1;                \
    }

// c (rows x columns, at most 12 x 32) = accumulators + scale * c + bias.
#define FINISH(i)                                                     \
    if (i < rows) {                                                   \
        __global real *p = c + i * stride;                            \
        real16 v0 = c##i##_0 + bias0, v1 = c##i##_1 + bias1;          \
        if (scale != 0) {                                             \
            v0 = scale * vload16(0, p) + v0;                          \
            v1 = scale * vload16(1, p) + v1;                          \
        }                                                             \
        vstore16(v0, 0, p);                                           \
        vstore16(v1, 1, p);                                           \
    }

#define SPILL(i)                                                      \
    vstore16(c##i##_0, 2 * i, part);                                  \
    vstore16(c##i##_1, 2 * i + 1, part);

#define TILE_END                                                      \
    if (columns == TILE_N) {                                          \
        real16 bias0 = has_bias ? vload16(0, bias) : (real16)(0);     \
        real16 bias1 = has_bias ? vload16(1, bias) : (real16)(0);     \
        EACH_ROW(FINISH)                                              \
    } else {                                                          \
        real part[TILE_M * TILE_N];                                   \
        EACH_ROW(SPILL)                                               \
        add_part(part, bias, c, stride, rows, columns, has_bias, scale); \
    }

// An edge tile: sixteen columns at a time as far as they go, then one by one.
INLINE void add_part(
    const real *part, __global const real *bias, __global real *c, long stride, int rows,
    int columns, int has_bias, real scale)
{
    int j = 0;
    if (columns >= 16) {
        real16 shift = has_bias ? vload16(0, bias) : (real16)(0);
        for (int i = 0; i < rows; i++) {
            real16 v = vload16(2 * i, part) + shift;
            vstore16(scale == 0 ? v : scale * vload16(0, c + i * stride) + v, 0, c + i * stride);
        }
        j = 16;
    }
    for (int i = 0; i < rows; i++) {
        for (int e = j; e < columns; e++) {
            real v = part[i * TILE_N + e] + (has_bias ? bias[e] : 0);
            __global real *p = c + i * stride + e;
            *p = scale == 0 ? v : scale * *p + v;
        }
    }
}

// c = a b + scale * c + bias from packed panels.
INLINE void tile_product(
    __local const real *a, __local const real *b, __global const real *bias, __global real *c,
    long stride, int depth, int rows, int columns, int has_bias, real scale)
{
    EACH_ROW(START)
    for (int p = 0; p < depth; p++) {
        real16 b0 = *(__local const real16 *)b;
        real16 b1 = *(__local const real16 *)(b + 16);
#define STEP_PACKED(i) STEP(i, a[i])
        EACH_ROW(STEP_PACKED)
        a += TILE_M;
        b += TILE_N;
    }
    TILE_END
}

// The same with rows of a where they lie: `runs` runs, run r with lengths[r] elements from each of
// the twelve pointers at from + 12 r.
INLINE void tile_product_in_place(
    __global const real *const *from, const int *lengths, int runs, __local const real *b,
    __global const real *bias, __global real *c, long stride, int rows, int columns, int has_bias,
    real scale)
{
    EACH_ROW(START)
    for (int run = 0; run < runs; run++) {
#define POINT(i) __global const real *a##i = from[i];
        EACH_ROW(POINT)
        int length = lengths[run];
        for (int p = 0; p < length; p++) {
            real16 b0 = *(__local const real16 *)b;
            real16 b1 = *(__local const real16 *)(b + 16);
#define STEP_IN_PLACE(i) STEP(i, a##i[p])
            EACH_ROW(STEP_IN_PLACE)
            b += TILE_N;
        }
        from += TILE_M;
    }
    TILE_END
}

// ---- Packing --------------------------------------------------------------------------------

// d[k * stride + i] = rows[i][k] for k < length and i < count (<= 16); a null row is zeros. Writes
// 16 wide, so up to 16 - count elements behind each k, which what is packed next overwrites.
INLINE void pack_rows(
    __global const real *const *rows, int count, int length, __local real *d, int stride)
{
    int k = 0;
    for (; k + 16 <= length; k += 16) {
#define FETCH(i) real16 r##i = i < count && rows[i] ? vload16(0, rows[i] + k) : (real16)(0);
        EACH_16(FETCH)
        SHUFFLE(r, s)
        SHUFFLE(s, t)
        SHUFFLE(t, u)
        SHUFFLE(u, v)
#define PUT(i) vstore16(v##i, 0, d + (k + i) * stride);
        EACH_16(PUT)
    }
    for (; k < length; k++)
        for (int i = 0; i < count; i++)
            d[k * stride + i] = rows[i] ? rows[i][k] : 0;
}

// Twelve columns of a matrix that lies as [k][m]: d[k][12].
INLINE void pack_a_columns(
    __global const real *a, long stride, int rows, int length, __local real *d)
{
    if (rows >= TILE_M) {
        for (int k = 0; k < length; k++) {
            __global const real *p = a + k * stride;
            vstore8(vload8(0, p), 0, d + k * TILE_M);
            vstore4(vload4(0, p + 8), 0, d + k * TILE_M + 8);
        }
        return;
    }
    for (int k = 0; k < length; k++)
        for (int i = 0; i < TILE_M; i++)
            d[k * TILE_M + i] = i < rows ? a[k * stride + i] : 0;
}

// Thirty-two columns of a matrix that lies as [k][n]: d[k][32].
INLINE void pack_b_columns(
    __global const real *b, long stride, int columns, int length, __local real *d)
{
    if (columns >= TILE_N) {
        for (int k = 0; k < length; k++) {
            __global const real *p = b + k * stride;
            vstore16(vload16(0, p), 0, d + k * TILE_N);
            vstore16(vload16(1, p), 1, d + k * TILE_N);
        }
        return;
    }
    for (int k = 0; k < length; k++)
        for (int j = 0; j < TILE_N; j++)
            d[k * TILE_N + j] = j < columns ? b[k * stride + j] : 0;
}

// Thirty-two rows of a matrix that lies as [n][k]: d[k][32].
INLINE void pack_b_rows(
    __global const real *b, long stride, int columns, int length, __local real *d)
{
    for (int half_tile = 0; half_tile < TILE_N; half_tile += 16) {
        __global const real *rows[16];
        for (int j = 0; j < 16; j++)
            rows[j] = half_tile + j < columns ? b + (half_tile + j) * stride : 0;
        pack_rows(rows, 16, length, d + half_tile, TILE_N);
    }
}

// All tiles of a packed block: panels of 12 rows of a against panels of 32 columns of b, both
// `depth` long and lying `depth` apart. c points at the block's first element. A panel of b stays
// in the first cache while all of a passes it.
INLINE void block_product(
    __local const real *a, __local const real *b, __global const real *bias, __global real *c,
    long stride, int depth, int rows, int columns, int has_bias, real scale)
{
    for (int j = 0; j < columns; j += TILE_N)
        for (int i = 0; i < rows; i += TILE_M)
            tile_product(a + i * depth, b + j * depth, bias + j, c + i * stride + j, stride, depth,
                min(rows - i, TILE_M), min(columns - j, TILE_N), has_bias, scale);
}

#endif
