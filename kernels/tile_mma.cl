// The product of two operands (operand_gpu.cl) by a work-group, on NVIDIA's matrix units: tf32 or
// bf16 factors, sums in f32. The same contract as tile_gpu.cl. PTX ISA, "Matrix multiply-accumulate
// operation using mma instruction": m16n8k8 for .tf32, m16n8k16 for .bf16. In a warp, lane
// 4 g + t holds
//   a   words (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4)   of 16 rows of 8 words
//   b   words (t, g), (t + 4, g)                               of 8 columns of 8 words
//   c   (g, 2 t), (g, 2 t + 1), (g + 8, 2 t), (g + 8, 2 t + 1)
// where a word is one tf32 or two neighbouring bf16. Which depth a word stands for is free as long
// as a and b agree: words t and t + 4 of step s are taken from 4 t + 2 s and 4 t + 2 s + 1 of a
// slice of 16 words, so a lane reads its share of a row as one uint4.
// EMULATE_MMA does what the instructions do through local memory, following that table: it proves
// everything but the instructions where there are none.

#ifndef BF16
#define BF16 0           // factors: 0 tf32, 1 bf16
#endif
#ifndef EMULATE_MMA
#define EMULATE_MMA 0
#endif
#ifndef WGMMA
#define WGMMA 0          // 1: over wgmma.cl
#endif
#ifndef GROUP_M
#define GROUP_M 128      // rows of c for a group
#endif
#ifndef GROUP_N
#define GROUP_N 128      // columns of c for a group
#endif
#ifndef ITEM_M
#define ITEM_M 64        // rows for a warp, a multiple of 16
#endif
#ifndef ITEM_N
#define ITEM_N 32        // columns for a warp, a multiple of 8
#endif

#if EMULATE_MMA
#define UNROLL
#else
#define UNROLL _Pragma("unroll")
#endif

#define WARPS_N (GROUP_N / ITEM_N)
#define WARPS (GROUP_M / ITEM_M * WARPS_N)
#define ITEMS (32 * WARPS)
#define GROUPED __kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))

#define WORDS 16                          // of a row of a slice: 64 bytes
#define PER_WORD (BF16 ? 2 : 1)
#define GROUP_K (WORDS * PER_WORD)        // depth of a slice
#define SLICE ((GROUP_M + GROUP_N) * 4)   // of both operands, in uint4
#define ROWS_16 (ITEM_M / 16)
#define COLUMNS_8 (ITEM_N / 8)

#define SCRATCH (EMULATE_MMA ? ITEMS * 8 / 4 : 0)
#define TILE_MEMORY \
    __local float4 tile_memory[2 * SLICE + SCRATCH] __attribute__((aligned(1024)))

typedef struct {
    float4 parts[ROWS_16][COLUMNS_8];
} accumulators;

// ---- Rounding -----------------------------------------------------------------------------------

// Nearest of 10 bits of fraction, ties away from zero (cvt.rna); infinities and NaN stay.
INLINE uint tf32_of(float v)
{
#if EMULATE_MMA
    uint bits = as_uint(v);
    return (bits & 0x7f800000) == 0x7f800000 ? bits : (bits + 0x1000) & 0xffffe000;
#else
    uint word;
    __asm__("cvt.rna.tf32.f32 %0, %1;" : "=r"(word) : "f"(v));
    return word;
#endif
}

#if EMULATE_MMA
// Nearest of 7 bits of fraction, ties to even (cvt.rn).
INLINE uint bf16_of(float v)
{
    uint bits = as_uint(v);
    return v != v ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}
#endif

// Two neighbours in the depth: the first in the lower half.
INLINE uint bf16_pair(float first, float second)
{
#if EMULATE_MMA
    return bf16_of(first) | bf16_of(second) << 16;
#else
    uint word;
    __asm__("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
    return word;
#endif
}

// ---- The instruction ----------------------------------------------------------------------------

#if EMULATE_MMA
INLINE float half_of(uint word, int upper)
{
    return as_float(upper ? word & 0xffff0000 : word << 16);
}

INLINE float multiply_words(uint a, uint b)
{
#if BF16
    return half_of(a, 0) * half_of(b, 0) + half_of(a, 1) * half_of(b, 1);
#else
    return as_float(a & 0xffffe000) * as_float(b & 0xffffe000);
#endif
}
#endif

#if !WGMMA
// c += a b for 16 x 8 of c. `shared` is scratch for the emulation.
INLINE float4 mma(uint4 a, uint2 b, float4 c, __local uint *shared)
{
#if EMULATE_MMA
    int id = get_local_id(0), lane = id % 32, g = lane / 4, t = lane % 4;
    __local uint *warp = shared + (id - lane) * 8;
    vstore4(a, 0, warp + lane * 8);
    vstore2(b, 0, warp + lane * 8 + 4);
    barrier(CLK_LOCAL_MEM_FENCE);
    float sums[4] = {c.x, c.y, c.z, c.w};
    for (int e = 0; e < 4; e++) {
        int row = g + e / 2 * 8, column = 2 * t + e % 2;
        for (int word = 0; word < 8; word++) {
            // The lanes and registers that hold (row, word) of a and (word, column) of b.
            uint left = warp[(row % 8 * 4 + word % 4) * 8 + row / 8 + word / 4 * 2];
            uint right = warp[(column * 4 + word % 4) * 8 + 4 + word / 4];
            sums[e] += multiply_words(left, right);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return (float4)(sums[0], sums[1], sums[2], sums[3]);
#else
    float d0, d1, d2, d3;
#if BF16
#define MMA "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
#else
#define MMA "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
#endif
    __asm__ volatile(MMA "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=f"(d0), "=f"(d1), "=f"(d2), "=f"(d3)
        : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y),
          "f"(c.x), "f"(c.y), "f"(c.z), "f"(c.w));
    return (float4)(d0, d1, d2, d3);
#endif
}
#endif

// ---- Slices in local memory: [row][16 words] of 16-byte chunks ----------------------------------

#if !WGMMA
// Where chunk `part` (0 ... 3) of a row lies. Lines of two rows are 128 bytes, all banks; their
// eight chunks are permuted so that neither reading fragments (8 rows, all parts) nor writing
// turned operands (every fourth row, one part) asks one bank twice.
INLINE int chunk_at(int row, int part)
{
    int line = row >> 1;
    return line * 8 + ((row % 2 * 4 + part) ^ ((line ^ line >> 3) & 7));
}

INLINE void show_slice(void) {}
#endif

// An item's loads of `extent` rows. Along: 16 bytes of a row of the slice; loads j and j + 1 make
// them where words are pairs. Across: four rows at as many depths as are 8 bytes.
#define FETCHES(extent) ((extent) * 4 / ITEMS * PER_WORD)
#define LOADS_A FETCHES(GROUP_M)
#define LOADS_B FETCHES(GROUP_N)
#define DEPTHS (2 * PER_WORD)

INLINE int load_i(int j, int extent, int along)
{
    int id = get_local_id(0);
    return along ? (id + j / PER_WORD * ITEMS) / 4
                 : (id / 2 + j / DEPTHS * (ITEMS / 2)) % (extent / 4) * 4;
}

INLINE int load_p(int j, int extent, int along)
{
    int id = get_local_id(0);
    if (along)
        return (id % 4 * PER_WORD + j % PER_WORD) * 4;
    int pair = id % 2 + (id / 2 + j / DEPTHS * (ITEMS / 2)) / (extent / 4) * 2;
    return pair * DEPTHS + j % DEPTHS;
}

INLINE void put_chunk(__local uint4 *slice, const float4 *v, int row, int part)
{
#if BF16
    slice[chunk_at(row, part)] = (uint4)(bf16_pair(v[0].x, v[0].y), bf16_pair(v[0].z, v[0].w),
        bf16_pair(v[1].x, v[1].y), bf16_pair(v[1].z, v[1].w));
#else
    slice[chunk_at(row, part)] =
        (uint4)(tf32_of(v[0].x), tf32_of(v[0].y), tf32_of(v[0].z), tf32_of(v[0].w));
#endif
}

// Two words of one row: half a chunk. v[d] is at depth d, of which `lane` is the row's.
#if BF16
#define WORD_PAIR(v, lane) \
    (uint2)(bf16_pair(v[0].lane, v[1].lane), bf16_pair(v[2].lane, v[3].lane))
#else
#define WORD_PAIR(v, lane) (uint2)(tf32_of(v[0].lane), tf32_of(v[1].lane))
#endif

INLINE void put_turned(__local uint4 *slice, const float4 *v, int row, int pair)
{
    __local uint2 *halves = (__local uint2 *)slice;
    halves[2 * chunk_at(row, pair / 2) + pair % 2] = WORD_PAIR(v, x);
    halves[2 * chunk_at(row + 1, pair / 2) + pair % 2] = WORD_PAIR(v, y);
    halves[2 * chunk_at(row + 2, pair / 2) + pair % 2] = WORD_PAIR(v, z);
    halves[2 * chunk_at(row + 3, pair / 2) + pair % 2] = WORD_PAIR(v, w);
}

// All loads of one operand into its part of a slice.
INLINE void put_all(__local uint4 *slice, const float4 *v, int loads, int extent, int along)
{
    int step = along ? PER_WORD : DEPTHS;
    UNROLL
    for (int j = 0; j < loads; j += step) {
        int i = load_i(j, extent, along), p = load_p(j, extent, along);
        if (along)
            put_chunk(slice, v + j, i, p / (4 * PER_WORD));
        else
            put_turned(slice, v + j, i, p / DEPTHS);
    }
}

// c += a b over one slice: two steps of 8 words.
INLINE void multiply_slice(
    __local const uint4 *slice, accumulators *c, __local uint *shared)
{
#if WGMMA
    float sums[RESULTS];
    UNROLL
    for (int n = 0; n < COLUMNS_8; n++) {
        sums[4 * n] = c->parts[0][n].x;
        sums[4 * n + 1] = c->parts[0][n].y;
        sums[4 * n + 2] = c->parts[0][n].z;
        sums[4 * n + 3] = c->parts[0][n].w;
    }
    multiply_described(
        slice + get_local_id(0) / 128 * (64 * 4), slice + GROUP_M * 4, sums);
    UNROLL
    for (int n = 0; n < COLUMNS_8; n++)
        c->parts[0][n] =
            (float4)(sums[4 * n], sums[4 * n + 1], sums[4 * n + 2], sums[4 * n + 3]);
#else
    int id = get_local_id(0), g = id % 32 / 4, t = id % 4, warp = id / 32;
    int row = warp / WARPS_N * ITEM_M + g, column = warp % WARPS_N * ITEM_N + g;
    __local const uint4 *b_slice = slice + GROUP_M * 4;
    uint4 b[COLUMNS_8];
    UNROLL
    for (int n = 0; n < COLUMNS_8; n++)
        b[n] = b_slice[chunk_at(column + 8 * n, t)];
    UNROLL
    for (int m = 0; m < ROWS_16; m++) {
        uint4 top = slice[chunk_at(row + 16 * m, t)];
        uint4 bottom = slice[chunk_at(row + 16 * m + 8, t)];
        UNROLL
        for (int n = 0; n < COLUMNS_8; n++)
            c->parts[m][n] = mma((uint4)(top.x, bottom.x, top.y, bottom.y), b[n].xy,
                c->parts[m][n], shared);
        UNROLL
        for (int n = 0; n < COLUMNS_8; n++)
            c->parts[m][n] = mma((uint4)(top.z, bottom.z, top.w, bottom.w), b[n].zw,
                c->parts[m][n], shared);
    }
#endif
}

// c = rows m0 ... of a times columns n0 ... of b, over depth [first, last).
INLINE accumulators group_product(
    const CAT(A_KIND, _side) *a, const CAT(B_KIND, _side) *b, int m0, int n0, int first, int last,
    __local float4 *memory)
{
    accumulators c;
    UNROLL
    for (int m = 0; m < ROWS_16; m++) {
        UNROLL
        for (int n = 0; n < COLUMNS_8; n++)
            c.parts[m][n] = (float4)(0);
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
    __local uint4 *slices = (__local uint4 *)memory;
    __local uint *shared = (__local uint *)(slices + 2 * SLICE);
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
        if (at >= first)
            multiply_slice(slices + (SLICE - other), &c, shared);
        if (next < last) {
            put_all(slices + other, a_next, LOADS_A, GROUP_M, A_ALONG);
            put_all(slices + other + GROUP_M * 4, b_next, LOADS_B, GROUP_N, B_ALONG);
            show_slice();
        }
        other = SLICE - other;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return c;
}

INLINE void store_product(const result_side *to, int m0, int n0, const accumulators *c)
{
    int id = get_local_id(0), g = id % 32 / 4, t = id % 4, warp = id / 32;
    int row = m0 + warp / WARPS_N * ITEM_M + g, column = n0 + warp % WARPS_N * ITEM_N + 2 * t;
    UNROLL
    for (int m = 0; m < ROWS_16; m++) {
        UNROLL
        for (int n = 0; n < COLUMNS_8; n++) {
            store_two(to, row + 16 * m, column + 8 * n, c->parts[m][n].xy);
            store_two(to, row + 16 * m + 8, column + 8 * n, c->parts[m][n].zw);
        }
    }
}
