// The register tile that matmul.cl and convolution.cl are built from, and the packing before it.
//   processors  tile_product: 12 x 32 of c in 24 vectors of 16, from panels packed into scratch:
//               a as [k][12], b as [k][32]. One item does all of it; no barriers.
//   GPUs        TILE_LOOP: 64 x 64 of c by 16 x 16 items, 4 x 4 each, from local memory.

#if FAT

#define TILE_M 12        // rows of c in a register tile
#define TILE_N 32        // columns: two vectors

#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

// c (rows x columns, at most 12 x 32) = a b + scale * c + bias. Accumulators are named one by one:
// an array of them would live in memory.
INLINE void tile_product(
    __local const real *a, __local const real *b, __global const real *bias, __global real *c,
    long stride, int depth, int rows, int columns, int has_bias, real scale)
{
#define START(i) real16 c##i##_0 = (real16)(0), c##i##_1 = (real16)(0);
    EACH_ROW(START)
    for (int p = 0; p < depth; p++) {
        real16 b0 = *(__local const real16 *)b;
        real16 b1 = *(__local const real16 *)(b + 16);
#define STEP(i)                                  \
        {                                        \
            real16 v = (real16)(a[i]);           \
            c##i##_0 = v * b0 + c##i##_0;        \
            c##i##_1 = v * b1 + c##i##_1;        \
        }
        EACH_ROW(STEP)
        a += TILE_M;
        b += TILE_N;
    }
    if (columns == TILE_N) {
        real16 bias0 = has_bias ? vload16(0, bias) : (real16)(0);
        real16 bias1 = has_bias ? vload16(1, bias) : (real16)(0);
#define FINISH(i)                                                         \
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
        EACH_ROW(FINISH)
        return;
    }
    real part[TILE_M * TILE_N];
#define SPILL(i)                                  \
    vstore16(c##i##_0, 2 * i, part);              \
    vstore16(c##i##_1, 2 * i + 1, part);
    EACH_ROW(SPILL)
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            real v = part[i * TILE_N + j] + (has_bias ? bias[j] : 0);
            __global real *p = c + i * stride + j;
            *p = scale == 0 ? v : scale * *p + v;
        }
    }
}

// ---- Packing --------------------------------------------------------------------------------

#define EVEN(a, b) (real16)((a).even, (b).even)
#define ODD(a, b) (real16)((a).odd, (b).odd)

// One of four perfect shuffles that together transpose 16 x 16.
#define SHUFFLE(from, to)                                                          \
    real16 to##0 = EVEN(from##0, from##1), to##8 = ODD(from##0, from##1);          \
    real16 to##1 = EVEN(from##2, from##3), to##9 = ODD(from##2, from##3);          \
    real16 to##2 = EVEN(from##4, from##5), to##10 = ODD(from##4, from##5);         \
    real16 to##3 = EVEN(from##6, from##7), to##11 = ODD(from##6, from##7);         \
    real16 to##4 = EVEN(from##8, from##9), to##12 = ODD(from##8, from##9);         \
    real16 to##5 = EVEN(from##10, from##11), to##13 = ODD(from##10, from##11);     \
    real16 to##6 = EVEN(from##12, from##13), to##14 = ODD(from##12, from##13);     \
    real16 to##7 = EVEN(from##14, from##15), to##15 = ODD(from##14, from##15);

// d[k * stride + i] = rows[i][k] for k < length and i < count (<= 16); a null row is zeros. Writes
// 16 wide, so up to 16 - count elements behind each k, which what is packed next overwrites.
INLINE void pack_rows(
    __global const real *const *rows, int count, int length, __local real *d, int stride)
{
    int k = 0;
    for (; k + 16 <= length; k += 16) {
#define FETCH(i) real16 r##i = i < count && rows[i] ? vload16(0, rows[i] + k) : (real16)(0);
        EACH_ROW(FETCH) FETCH(12) FETCH(13) FETCH(14) FETCH(15)
        SHUFFLE(r, s)
        SHUFFLE(s, t)
        SHUFFLE(t, u)
        SHUFFLE(u, v)
#define PUT(i) vstore16(v##i, 0, d + (k + i) * stride);
        EACH_ROW(PUT) PUT(12) PUT(13) PUT(14) PUT(15)
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
// `depth` long and lying `depth` apart. c points at the block's first element.
INLINE void block_product(
    __local const real *a, __local const real *b, __global const real *bias, __global real *c,
    long stride, int depth, int rows, int columns, int has_bias, real scale)
{
    for (int i = 0; i < rows; i += TILE_M)
        for (int j = 0; j < columns; j += TILE_N)
            tile_product(a + i * depth, b + j * depth, bias + j, c + i * stride + j, stride, depth,
                min(rows - i, TILE_M), min(columns - j, TILE_N), has_bias, scale);
}

#endif
