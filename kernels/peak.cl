// Chains of multiply-adds in registers (Ops/Peak.cs): ten vectors, or eight numbers on GPUs, so
// that none waits for its own last result.

#if FAT
#define CHAINS 10
#else
#define CHAINS 8
#endif

KERNEL void multiply_add_chain(__global real *x, int items, int rounds, real a, real b)
{
    FOR_ITEMS(item, items) {
        __global real *p = x + (long)item * CHAINS * LANES;
        V v0 = load(p, LANES), v1 = load(p + LANES, LANES);
        V v2 = load(p + 2 * LANES, LANES), v3 = load(p + 3 * LANES, LANES);
        V v4 = load(p + 4 * LANES, LANES), v5 = load(p + 5 * LANES, LANES);
        V v6 = load(p + 6 * LANES, LANES), v7 = load(p + 7 * LANES, LANES);
#if FAT
        V v8 = load(p + 8 * LANES, LANES), v9 = load(p + 9 * LANES, LANES);
#endif
        for (int i = 0; i < rounds; i++) {
            v0 = v0 * a + b;
            v1 = v1 * a + b;
            v2 = v2 * a + b;
            v3 = v3 * a + b;
            v4 = v4 * a + b;
            v5 = v5 * a + b;
            v6 = v6 * a + b;
            v7 = v7 * a + b;
#if FAT
            v8 = v8 * a + b;
            v9 = v9 * a + b;
#endif
        }
        store(p, v0, LANES);
        store(p + LANES, v1, LANES);
        store(p + 2 * LANES, v2, LANES);
        store(p + 3 * LANES, v3, LANES);
        store(p + 4 * LANES, v4, LANES);
        store(p + 5 * LANES, v5, LANES);
        store(p + 6 * LANES, v6, LANES);
        store(p + 7 * LANES, v7, LANES);
#if FAT
        store(p + 8 * LANES, v8, LANES);
        store(p + 9 * LANES, v9, LANES);
#endif
    }
}
