// Philox4x32-10 (Salmon et al. 2011), bit for bit as Tensors/Rng.cs, for the programs that draw.

// Ten rounds over the words a, b, c, d of as many counters as U has lanes.
#define PHILOX(U, WIDE, TO_WIDE, TO_WORD)                                     \
    for (int round = 0; round < 10; round++) {                                \
        WIDE p0 = TO_WIDE(a) * 0xD2511F53ul, p1 = TO_WIDE(c) * 0xCD9E8D57ul;  \
        U a2 = TO_WORD(p1 >> 32) ^ b ^ k0, c2 = TO_WORD(p0 >> 32) ^ d ^ k1;   \
        b = TO_WORD(p1 & 0xFFFFFFFFul);                                       \
        d = TO_WORD(p0 & 0xFFFFFFFFul);                                       \
        a = a2;                                                               \
        c = c2;                                                               \
        k0 += 0x9E3779B9u;                                                    \
        k1 += 0xBB67AE85u;                                                    \
    }

INLINE uint4 philox(ulong seed, ulong stream, ulong block)
{
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    uint a = (uint)block, b = (uint)(block >> 32), c = (uint)stream, d = (uint)(stream >> 32);
    PHILOX(uint, ulong, (ulong), (uint))
    return (uint4)(a, b, c, d);
}

// 24 bits in [0, 1).
INLINE float4 to_uniform(uint4 bits) { return convert_float4(bits >> 8) * (1.0f / (1 << 24)); }
