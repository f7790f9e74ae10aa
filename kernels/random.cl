// Counter-based random numbers, Philox4x32-10, bit for bit as Tensors/Rng.cs: element i of a call
// is word i % 4 of block first + i / 4. One item for each SPAN of numbers.

// Uniform numbers and dropout must have the same bits everywhere.
#pragma OPENCL FP_CONTRACT OFF

#if FAT
#define SPAN 64          // numbers an item draws: 16 blocks at once
typedef struct {
    real16 part[4];
} uniforms;

// Numbers 64 * item ... 64 * item + 63 of a span in their order.
INLINE uniforms draw(ulong seed, ulong stream, ulong first, int item)
{
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    ulong16 block = first + 16ul * (ulong)item
        + (ulong16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    uint16 a = convert_uint16(block & 0xFFFFFFFFul), b = convert_uint16(block >> 32);
    uint16 c = (uint16)((uint)stream), d = (uint16)((uint)(stream >> 32));
    PHILOX(uint16, ulong16, convert_ulong16, convert_uint16)
    // Words of one block lie in one lane of a, b, c, d; they belong side by side.
#define QUAD(l0, l1, l2, l3)                                                              \
    (convert_float16((uint16)(a.l0, b.l0, c.l0, d.l0, a.l1, b.l1, c.l1, d.l1,             \
                              a.l2, b.l2, c.l2, d.l2, a.l3, b.l3, c.l3, d.l3) >> 8)       \
        * (1.0f / (1 << 24)))
    uniforms u;
    u.part[0] = QUAD(s0, s1, s2, s3);
    u.part[1] = QUAD(s4, s5, s6, s7);
    u.part[2] = QUAD(s8, s9, sa, sb);
    u.part[3] = QUAD(sc, sd, se, sf);
    return u;
}
#else
#define SPAN 4           // numbers an item draws: one block
typedef struct {
    real part[4];
} uniforms;

INLINE uniforms draw(ulong seed, ulong stream, ulong first, int item)
{
    uniforms u;
    vstore4(to_uniform(philox(seed, stream, first + item)), 0, u.part);
    return u;
}
#endif

// y = low + width * u.
KERNEL void fill_uniform(
    __global real *y, int n, real low, real width, ulong seed, ulong stream, ulong first)
{
    FOR_ITEMS(item, (n - 1) / SPAN + 1) {
        uniforms u = draw(seed, stream, first, item);
        for (int part = 0; part < 4; part++) {
            int i = item * SPAN + part * LANES;
            if (i < n)
                store(y + i, low + width * u.part[part], n - i);
        }
    }
}

// y = (u >= rate ? x / (1 - rate) : 0) + beta * y; the gradient is the same map.
KERNEL void dropout(
    __global const real *x, __global real *y, int n, real rate, ulong seed, ulong stream,
    ulong first, real beta)
{
    FOR_ITEMS(item, (n - 1) / SPAN + 1) {
        uniforms u = draw(seed, stream, first, item);
        for (int part = 0; part < 4; part++) {
            int i = item * SPAN + part * LANES;
            if (i >= n)
                break;
            V kept = load(x + i, n - i) / (1.0f - rate);
            V value = u.part[part] >= K(rate) ? kept : K(0);
            accumulate(y + i, value, beta, n - i);
        }
    }
}

// y = mean + deviation * z; a pair of words gives a pair of normal numbers (Box-Muller).
KERNEL void fill_normal(
    __global real *y, int n, real mean, real deviation, ulong seed, ulong stream, ulong first)
{
    FOR_ITEMS(block, (n - 1) / 4 + 1) {
        float4 u = to_uniform(philox(seed, stream, first + block));
        float2 radius = sqrt(-2.0f * log(1.0f - u.even));
        // In half turns, which keep their precision.
        float4 z;
        z.even = radius * cospi(2.0f * u.odd);
        z.odd = radius * sinpi(2.0f * u.odd);
        real part[4];
        vstore4(mean + deviation * z, 0, part);
        for (int i = 0; i < 4 && 4L * block + i < n; i++)
            y[4L * block + i] = part[i];
    }
}
