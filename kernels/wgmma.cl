// The matrix units of sm_90a, four warps at a time, under tile_mma.cl (ITEM_M 16, ITEM_N GROUP_N:
// a warp's rows, all columns). PTX ISA, "Asynchronous warpgroup level matrix instructions":
// 64 x N x 8 words of both operands come from local memory through descriptors; lane 4 g + t of
// warp v holds (16 v + g, 8 j + 2 t), its right neighbour and the two 8 rows below for each j, as
// with mma. No compiler for OpenCL knows these instructions or the target, so they stand here as
// comments that begin with //@. The host builds, takes the PTX, lifts the marks, names the target
// and loads the result (ClProgram.Splice).
//
// A slice lies as 64-byte rows in the pattern of swizzle mode 2: bits 4-5 of an address are those
// of the chunk, exclusive-ored with bits 7-8. Eight rows are 512 bytes, the distance between two
// groups of eight ("stride dimension"); the other distance is not read in this mode.

#define WGMMA 1

#ifndef EMULATE_MMA
#define EMULATE_MMA 0
#endif
#ifndef GROUP_N
#define GROUP_N 128
#endif
#ifndef GROUP_M
#define GROUP_M 128
#endif
#define ITEM_M 16
#define ITEM_N GROUP_N
#define RESULTS (GROUP_N / 2)    // of an item
#define ATOM_BYTES 512           // after which the pattern begins again

INLINE int chunk_at(int row, int part) { return row * 4 + (part ^ (row >> 1 & 3)); }

// What items wrote is to be seen by the matrix units, which read past the usual way.
INLINE void show_slice(void)
{
#if !EMULATE_MMA
    __asm__ volatile("//@ fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

#if EMULATE_MMA

// Two factors of a word, and their product.
INLINE float multiply_words(uint a, uint b);

// The word of a matrix at `base`, by the documented address: rows of 64 bytes, groups of eight
// ATOM_BYTES apart, then the exchange of bits.
INLINE uint described(__local const uint *base, int row, int word)
{
    uint at = row / 8 * ATOM_BYTES + row % 8 * 64 + word * 4;
    at ^= (at >> 7 & 3) << 4;
    return base[at / 4];
}

INLINE void multiply_described(__local const uint4 *a, __local const uint4 *b, float *c)
{
    int id = get_local_id(0) % 128, warp = id / 32, g = id % 32 / 4, t = id % 4;
    for (int e = 0; e < RESULTS; e++) {
        int row = 16 * warp + g + e / 2 % 2 * 8, column = e / 4 * 8 + 2 * t + e % 2;
        for (int word = 0; word < 16; word++)
            c[e] += multiply_words(described((__local const uint *)a, row, word),
                described((__local const uint *)b, column, word));
    }
}

#else

// Start and distances count 16 bytes.
INLINE ulong descriptor_of(__local const uint4 *matrix)
{
    ulong start = (ulong)matrix & 0x3ffff;
    return start >> 4 | 1UL << 16 | (ulong)(ATOM_BYTES >> 4) << 32 | 2UL << 62;
}

#define IN_OUT_8(i) "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3]), \
    "+f"(c[i + 4]), "+f"(c[i + 5]), "+f"(c[i + 6]), "+f"(c[i + 7])
#define IN_OUT_32(i) IN_OUT_8(i), IN_OUT_8(i + 8), IN_OUT_8(i + 16), IN_OUT_8(i + 24)
#define NAMES_32 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"

#if GROUP_N == 64
#define NAMES NAMES_32
#define IN_OUT IN_OUT_32(0)
#define OPERANDS_1 "%32, %33"
#define OPERANDS_2 "%34, %35"
#define YES "%36"
#define COLUMNS "64"
#else
#define NAMES NAMES_32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, " \
    "%46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define IN_OUT IN_OUT_32(0), IN_OUT_32(32)
#define OPERANDS_1 "%64, %65"
#define OPERANDS_2 "%66, %67"
#define YES "%68"
#define COLUMNS "128"
#endif

// The predicate says that c is added to; then the signs of a and b, and for bf16 that neither is
// turned.
#if BF16
#define WARPGROUP "//@ wgmma.mma_async.sync.aligned.m64n" COLUMNS "k16.f32.bf16.bf16 "
#define FLAGS ", adds, 1, 1, 0, 0;\n"
#else
#define WARPGROUP "//@ wgmma.mma_async.sync.aligned.m64n" COLUMNS "k8.f32.tf32.tf32 "
#define FLAGS ", adds, 1, 1;\n"
#endif

// c += a b over a slice: 64 rows of a against all columns, two steps of 8 words (32 bytes). One
// block of text, so that no compiler moves a result while it is under way.
INLINE void multiply_described(__local const uint4 *a, __local const uint4 *b, float *c)
{
    ulong a0 = descriptor_of(a), b0 = descriptor_of(b), a1 = a0 + 2, b1 = b0 + 2;
    __asm__ volatile(
        "//@ {\n"
        "//@ .reg .pred adds;\n"
        "//@ setp.ne.b32 adds, " YES ", 0;\n"
        "//@ wgmma.fence.sync.aligned;\n"
        WARPGROUP "{" NAMES "}, " OPERANDS_1 FLAGS
        WARPGROUP "{" NAMES "}, " OPERANDS_2 FLAGS
        "//@ wgmma.commit_group.sync.aligned;\n"
        "//@ wgmma.wait_group.sync.aligned 0;\n"
        "//@ }"
        : IN_OUT : "l"(a0), "l"(b0), "l"(a1), "l"(b1), "r"(1) : "memory");
}

#endif
