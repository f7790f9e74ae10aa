// The product of two operands (operand_gpu.cl) by a work-group of a GPU, in f32: a tile of GROUP_M
// x GROUP_N of c, ITEM_M x ITEM_N of it in each item's registers. Slices of depth GROUP_K of both
// operands lie in local memory twice over: while one is multiplied the next is under way from
// memory, so there is one barrier a slice. After Volkov & Demmel (2008) and Nath et al. (2010).
// tile_mma.cl is the same for matrix units: both give ITEMS, TILE_MEMORY, group_product and
// store_product, and matmul_gpu.cl and convolution_gpu.cl are written over either.

#ifndef GROUP_M
#define GROUP_M 64       // rows of c for a group
#endif
#ifndef GROUP_N
#define GROUP_N 64       // columns of c for a group
#endif
#ifndef GROUP_K
#define GROUP_K 16       // depth of a slice in local memory
#endif
#ifndef ITEM_M
#define ITEM_M 4         // rows for an item, a multiple of 4
#endif
#ifndef ITEM_N
#define ITEM_N 4         // columns for an item, a multiple of 4
#endif

#define UNROLL _Pragma("unroll")

#define ITEMS_X (GROUP_N / ITEM_N)
#define ITEMS_Y (GROUP_M / ITEM_M)
#define ITEMS (ITEMS_X * ITEMS_Y)
#define QUADS (ITEM_N / 4)
#define GROUPED __kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))

// Padding keeps float4s aligned and spreads turned stores over the banks.
#define ROW_A (GROUP_M + 4)
#define ROW_B (GROUP_N + 4)

#define SLICE (GROUP_K * (ROW_A + ROW_B))
#define TILE_MEMORY __local float4 tile_memory[2 * SLICE / 4]

#define LOADS_A (GROUP_M * GROUP_K / 4 / ITEMS)
#define LOADS_B (GROUP_N * GROUP_K / 4 / ITEMS)

typedef struct {
    float4 rows[ITEM_M][QUADS];
} accumulators;

// Load number j of an item: which i and which p of the tile.
INLINE int load_i(int j, int extent, int along)
{
    int e = get_local_id(0) + j * ITEMS;
    return along ? e / (GROUP_K / 4) : e % (extent / 4) * 4;
}

INLINE int load_p(int j, int extent, int along)
{
    int e = get_local_id(0) + j * ITEMS;
    return along ? e % (GROUP_K / 4) * 4 : e / (extent / 4);
}

// Into tile[p][i].
INLINE void put_four(__local real *tile, int row, float4 v, int i, int p, int along)
{
    __local real *to = tile + p * row + i;
    if (along) {
        to[0] = v.x;
        to[row] = v.y;
        to[2 * row] = v.z;
        to[3 * row] = v.w;
    } else {
        *(__local float4 *)to = v;
    }
}

// An item's place in the group: 8 x 4 items read few different rows and columns at a time.
INLINE int item_x(void)
{
    int id = get_local_id(0);
#if ITEMS_X % 8 == 0 && ITEMS_Y % 4 == 0
    return id % 8 + id / 32 % (ITEMS_X / 8) * 8;
#else
    return id % ITEMS_X;
#endif
}

INLINE int item_y(void)
{
    int id = get_local_id(0);
#if ITEMS_X % 8 == 0 && ITEMS_Y % 4 == 0
    return id / 8 % 4 + id / 32 / (ITEMS_X / 8) * 4;
#else
    return id / ITEMS_X;
#endif
}

// c += a b over one slice.
INLINE void multiply_slice(
    __local const real *a_tile, __local const real *b_tile, accumulators *c)
{
    __local const float4 *a4 = (__local const float4 *)a_tile + item_y();
    __local const float4 *b4 = (__local const float4 *)b_tile + item_x();
    UNROLL
    for (int p = 0; p < GROUP_K; p++) {
        float4 a[ITEM_M / 4], b[QUADS];
        UNROLL
        for (int q = 0; q < ITEM_M / 4; q++)
            a[q] = a4[p * (ROW_A / 4) + q * ITEMS_Y];
        UNROLL
        for (int q = 0; q < QUADS; q++)
            b[q] = b4[p * (ROW_B / 4) + q * ITEMS_X];
        UNROLL
        for (int r = 0; r < ITEM_M / 4; r++) {
            UNROLL
            for (int q = 0; q < QUADS; q++) {
                c->rows[4 * r][q] += a[r].x * b[q];
                c->rows[4 * r + 1][q] += a[r].y * b[q];
                c->rows[4 * r + 2][q] += a[r].z * b[q];
                c->rows[4 * r + 3][q] += a[r].w * b[q];
            }
        }
    }
}

// c = rows m0 ... of a times columns n0 ... of b, over depth [first, last).
INLINE accumulators group_product(
    const CAT(A_KIND, _side) *a, const CAT(B_KIND, _side) *b, int m0, int n0, int first, int last,
    __local float4 *memory)
{
    accumulators c;
    UNROLL
    for (int r = 0; r < ITEM_M; r++) {
        UNROLL
        for (int q = 0; q < QUADS; q++)
            c.rows[r][q] = (float4)(0);
    }
    CAT(A_KIND, _at) a_rows[LOADS_A];
    CAT(B_KIND, _at) b_rows[LOADS_B];
    UNROLL
    for (int j = 0; j < LOADS_A; j++)
        a_rows[j] = CAT(A_KIND, _row)(a, m0 + load_i(j, GROUP_M, A_ALONG));
    UNROLL
    for (int j = 0; j < LOADS_B; j++)
        b_rows[j] = CAT(B_KIND, _row)(b, n0 + load_i(j, GROUP_N, B_ALONG));
    float4 a_next[LOADS_A], b_next[LOADS_B];
    __local real *tiles = (__local real *)memory;
    int other = 0;
    // A turn multiplies the slice at `at` and fetches the next one; the first only fetches.
    for (int at = first - GROUP_K; at < last; at += GROUP_K) {
        int next = at + GROUP_K;
        if (next < last) {
            UNROLL
            for (int j = 0; j < LOADS_A; j++) {
                int i = load_i(j, GROUP_M, A_ALONG), p = next + load_p(j, GROUP_M, A_ALONG);
                a_next[j] = CAT(A_KIND, _fetch)(
                    a, a_rows[j], CAT(A_KIND, _depth)(a, p), m0 + i, p, last, WIDE_A);
            }
            UNROLL
            for (int j = 0; j < LOADS_B; j++) {
                int i = load_i(j, GROUP_N, B_ALONG), p = next + load_p(j, GROUP_N, B_ALONG);
                b_next[j] = CAT(B_KIND, _fetch)(
                    b, b_rows[j], CAT(B_KIND, _depth)(b, p), n0 + i, p, last, WIDE_B);
            }
        }
        if (at >= first) {
            __local const real *slice = tiles + (SLICE - other);
            multiply_slice(slice, slice + GROUP_K * ROW_A, &c);
        }
        if (next < last) {
            __local real *slice = tiles + other;
            UNROLL
            for (int j = 0; j < LOADS_A; j++)
                put_four(slice, ROW_A, a_next[j], load_i(j, GROUP_M, A_ALONG),
                    load_p(j, GROUP_M, A_ALONG), A_ALONG);
            UNROLL
            for (int j = 0; j < LOADS_B; j++)
                put_four(slice + GROUP_K * ROW_A, ROW_B, b_next[j], load_i(j, GROUP_N, B_ALONG),
                    load_p(j, GROUP_N, B_ALONG), B_ALONG);
        }
        other = SLICE - other;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return c;
}

INLINE void store_product(const result_side *to, int m0, int n0, const accumulators *c)
{
    int row = m0 + 4 * item_y(), column = n0 + 4 * item_x();
    UNROLL
    for (int r = 0; r < ITEM_M; r++) {
        UNROLL
        for (int q = 0; q < QUADS; q++)
            store_four(to, row + r % 4 + r / 4 * 4 * ITEMS_Y, column + q * 4 * ITEMS_X,
                c->rows[r][q]);
    }
}
