// Counter-based random numbers, Philox4x32-10, bit for bit as Tensors/Rng.cs: element i of a call is
// word i % 4 of block first + i / 4. One item for each block of four.

// Uniform numbers and dropout must have the same bits everywhere.
#pragma OPENCL FP_CONTRACT OFF

INLINE uint4 philox(ulong seed, ulong stream, ulong block)
{
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    uint4 c = (uint4)((uint)block, (uint)(block >> 32), (uint)stream, (uint)(stream >> 32));
    for (int round = 0; round < 10; round++) {
        ulong p0 = (ulong)0xD2511F53u * c.x;
        ulong p1 = (ulong)0xCD9E8D57u * c.z;
        c = (uint4)((uint)(p1 >> 32) ^ c.y ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c.w ^ k1, (uint)p0);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

// 24 bits in [0, 1).
INLINE float4 to_uniform(uint4 bits) { return convert_float4(bits >> 8) * (1.0f / (1 << 24)); }

INLINE void store_four(__global real *y, float4 value, real beta, int count)
{
    real part[4];
    vstore4(value, 0, part);
    for (int i = 0; i < min(count, 4); i++)
        y[i] = beta == 0 ? part[i] : part[i] + beta * y[i];
}

// y = low + width * u.
KERNEL void fill_uniform(
    __global real *y, int n, real low, real width, ulong seed, ulong stream, ulong first)
{
    FOR_ITEMS(block, (n - 1) / 4 + 1) {
        float4 u = to_uniform(philox(seed, stream, first + block));
        store_four(y + 4L * block, low + width * u, 0, n - 4 * block);
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
        store_four(y + 4L * block, mean + deviation * z, 0, n - 4 * block);
    }
}

// y = (u >= rate ? x / (1 - rate) : 0) + beta * y; the gradient is the same map.
KERNEL void dropout(
    __global const real *x, __global real *y, int n, real rate, ulong seed, ulong stream,
    ulong first, real beta)
{
    FOR_ITEMS(block, (n - 1) / 4 + 1) {
        float4 u = to_uniform(philox(seed, stream, first + block));
        int count = n - 4 * block;
        __global const real *p = x + 4L * block;
        float4 v = (float4)(p[0], count > 1 ? p[1] : 0, count > 2 ? p[2] : 0, count > 3 ? p[3] : 0);
        float4 kept = v / (1.0f - rate);
        store_four(y + 4L * block, u >= (float4)(rate) ? kept : (float4)(0), beta, count);
    }
}
