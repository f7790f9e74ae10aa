// Shared by every program: element and vector types, work distribution, and the transcendental
// functions. Every kernel is written once over V, LANES elements wide:
//   FAT=1  processors: V is 16 wide, a few one-item groups each take a contiguous run, no barriers
//   FAT=0  GPUs: V is one element, one work-item for each (striding where there are more). With
//          WIDTH=4 it is four, read and written 16 bytes at a time: for programs whose vectors
//          start at multiples of four from the start of a buffer
// Polynomials after Cephes (Moshier), as in Ops/VectorMath.cs. Builtins are avoided because PoCL
// calls them one lane at a time.

#ifndef FAT
#define FAT 1            // 1: the form for processors, 0: the form for GPUs
#endif
#ifndef WIDTH
#define WIDTH 1          // elements of V in the form for GPUs: 1 or 4
#endif
#ifndef real
#define real float       // element type of all arithmetic
#endif

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define INLINE static inline __attribute__((always_inline))

typedef CAT(real, 16) real16;

#if FAT
#define LANES 16
typedef real16 V;
typedef int16 VI;
#define AS_V(x) as_float16(x)
#define AS_VI(x) as_int16(x)
#define TO_V(x) convert_float16(x)
#define TO_VI(x) convert_int16(x)
#define FIRST(x) (x).s0
#define KERNEL __kernel __attribute__((reqd_work_group_size(1, 1, 1)))
#elif WIDTH == 4
#define LANES 4
typedef float4 V;
typedef int4 VI;
#define AS_V(x) as_float4(x)
#define AS_VI(x) as_int4(x)
#define TO_V(x) convert_float4(x)
#define TO_VI(x) convert_int4(x)
#define FIRST(x) (x).x
#define KERNEL __kernel
#else
#define LANES 1
typedef real V;
typedef int VI;
#define AS_V(x) as_float(x)
#define AS_VI(x) as_int(x)
#define TO_V(x) ((real)(x))
#define TO_VI(x) ((int)(x))
#define FIRST(x) (x)
#define KERNEL __kernel
#endif

#define K(c) ((V)(c))    // a constant in every lane

// Asks for memory that will be read soon, where the hardware cannot guess the step.
#if FAT && defined(__clang__)
#define PREFETCH(p) __builtin_prefetch((const void *)(size_t)(p))
#else
#define PREFETCH(p)
#endif

// ---- Work distribution ----------------------------------------------------------------------

#if FAT
// Vectors [0, n) start at i = 0, LANES, ...; each group takes one run of them.
INLINE long run_length(int n)
{
    long groups = get_num_groups(0), vectors = (n - 1) / LANES + 1;
    return ((vectors - 1) / groups + 1) * LANES;
}

INLINE int run_start(int n) { return (int)min((long)n, (long)get_group_id(0) * run_length(n)); }

INLINE int run_end(int n) { return (int)min((long)n, (long)(get_group_id(0) + 1) * run_length(n)); }

#define FOR_VECTORS(i, n) for (int i = run_start(n), i##_end = run_end(n); i < i##_end; i += LANES)

// Items [0, total), equal shares.
#define FOR_ITEMS(i, total)                                                     \
    for (int i = (long)(total) * get_group_id(0) / get_num_groups(0),           \
             i##_end = (long)(total) * (get_group_id(0) + 1) / get_num_groups(0); \
         i < i##_end; i++)
#else
#define FOR_VECTORS(i, n)                               \
    for (long i = (long)get_global_id(0) * LANES; i < (n); \
         i += (long)get_global_size(0) * LANES)
#define FOR_ITEMS(i, total) \
    for (long i = get_global_id(0); i < (total); i += get_global_size(0))
#endif

// ---- Loads and stores of up to LANES elements -----------------------------------------------

#if FAT
INLINE V load_part(__global const real *p, int count, real fill)
{
    real part[LANES];
    for (int lane = 0; lane < LANES; lane++)
        part[lane] = lane < count ? p[lane] : fill;
    return vload16(0, part);
}

INLINE V load_or(__global const real *p, int count, real fill)
{
    return count >= LANES ? vload16(0, p) : load_part(p, count, fill);
}

INLINE void store(__global real *p, V value, int count)
{
    if (count >= LANES) {
        vstore16(value, 0, p);
        return;
    }
    real part[LANES];
    vstore16(value, 0, part);
    for (int lane = 0; lane < count; lane++)
        p[lane] = part[lane];
}

INLINE VI load_ints(__global const int *p, int count)
{
    if (count >= LANES)
        return vload16(0, p);
    int part[LANES];
    for (int lane = 0; lane < LANES; lane++)
        part[lane] = lane < count ? p[lane] : -1;
    return vload16(0, part);
}

INLINE void store_ints(__global int *p, VI value, int count)
{
    if (count >= LANES) {
        vstore16(value, 0, p);
        return;
    }
    int part[LANES];
    vstore16(value, 0, part);
    for (int lane = 0; lane < count; lane++)
        p[lane] = part[lane];
}

INLINE real sum_lanes(V v)
{
    float8 a = v.lo + v.hi;
    float4 b = a.lo + a.hi;
    float2 c = b.lo + b.hi;
    return c.x + c.y;
}

INLINE real max_lanes(V v)
{
    float8 a = v.lo > v.hi ? v.lo : v.hi;
    float4 b = a.lo > a.hi ? a.lo : a.hi;
    float2 c = b.lo > b.hi ? b.lo : b.hi;
    return c.x > c.y ? c.x : c.y;
}
#elif WIDTH == 4
INLINE V load_or(__global const real *p, int count, real fill)
{
    if (count >= LANES)
        return *(__global const float4 *)p;
    return (float4)(
        count > 0 ? p[0] : fill, count > 1 ? p[1] : fill, count > 2 ? p[2] : fill, fill);
}

INLINE void store(__global real *p, V value, int count)
{
    if (count >= LANES) {
        *(__global float4 *)p = value;
        return;
    }
    if (count > 0)
        p[0] = value.x;
    if (count > 1)
        p[1] = value.y;
    if (count > 2)
        p[2] = value.z;
}

INLINE real sum_lanes(V v) { return v.x + v.y + (v.z + v.w); }
INLINE real max_lanes(V v) { return max(max(v.x, v.y), max(v.z, v.w)); }
#else
INLINE V load_or(__global const real *p, int count, real fill) { return *p; }
INLINE void store(__global real *p, V value, int count) { *p = value; }
INLINE VI load_ints(__global const int *p, int count) { return *p; }
INLINE void store_ints(__global int *p, VI value, int count) { *p = value; }
INLINE real sum_lanes(V v) { return v; }
INLINE real max_lanes(V v) { return v; }
#endif

// Missing lanes become 1, harmless to every formula.
INLINE V load(__global const real *p, int count) { return load_or(p, count, 1); }

// value + beta * old, without reading memory that has never been written.
INLINE void accumulate(__global real *p, V value, real beta, int count)
{
    store(p, beta == 0 ? value : value + beta * load(p, count), count);
}

#if FAT
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

// Applies X to 0 ... 15.
#define EACH_16(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#endif

// ---- Functions ------------------------------------------------------------------------------

INLINE V exp_v(V x)
{
    // Selections that are false for NaN, so NaN stays.
    V limited = x > K(89) ? K(89) : x;
    limited = limited < K(-104) ? K(-104) : limited;
    V n = limited * 1.44269504f + 12582912.0f;
    n = n - 12582912.0f;
    V r = n * -0.693359375f + limited;
    r = n * 2.12194440e-4f + r;
    V p = K(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    // 2^n in two halves: n runs from -150 to 128, beyond what one exponent field holds.
    VI whole = TO_VI(n);
    VI low = whole >> 1;
    return p * AS_V((low + 127) << 23) * AS_V((whole - low + 127) << 23);
}

INLINE V log_v(V x)
{
    VI tiny = x < K(1.17549435e-38f);
    V scaled = tiny ? x * 8388608.0f : x;
    VI bits = AS_VI(scaled);
    // Exponent such that the fraction lies in [sqrt(1/2), sqrt(2)).
    VI exponent = (bits - 0x3f3504f3) >> 23;
    V f = AS_V(bits - (exponent << 23)) - 1.0f;
    V e = TO_V(exponent) - (tiny ? K(23) : K(0));
    V z = f * f;
    V p = K(7.0376836292e-2f);
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    V y = f * z * p;
    y = e * -2.12194440e-4f + y;
    y = z * -0.5f + y;
    V result = e * 0.693359375f + (f + y);
    result = x == K(INFINITY) ? x : result;
    result = x == K(0) ? K(-INFINITY) : result;
    return x >= K(0) ? result : K(NAN);
}

// log(1 + e) for e >= 0, accurate for small e (Kahan's correction).
INLINE V log1p_v(V e)
{
    V u = e + 1.0f;
    V d = u - 1.0f;
    return u == K(1) ? e : log_v(u) * (e / d);
}

INLINE V abs_v(V x) { return AS_V(AS_VI(x) & 0x7fffffff); }

INLINE V sigmoid_v(V x) { return 1.0f / (1.0f + exp_v(-x)); }

// max(x, 0) + log(1 + e^-|x|).
INLINE V softplus_v(V x) { return (x < K(0) ? K(0) : x) + log1p_v(exp_v(-abs_v(x))); }

INLINE V tanh_v(V x)
{
    V z = abs_v(x);
    V large = 1.0f - 2.0f / (exp_v(z + z) + 1.0f);
    large = x < K(0) ? -large : large;
    // Near 0 the difference above cancels; an odd polynomial does not.
    V s = x * x;
    V p = K(-5.70498872745e-3f);
    p = p * s + 2.06390887954e-2f;
    p = p * s - 5.37397155531e-2f;
    p = p * s + 1.33314422036e-1f;
    p = p * s - 3.33332819422e-1f;
    V small = p * s * x + x;
    return z < K(0.625f) ? small : large;
}

// Absolute error below 2e-7 (Abramowitz and Stegun, 7.1.26).
INLINE V erf_v(V x)
{
    V z = abs_v(x);
    V t = 1.0f / (z * 0.3275911f + 1.0f);
    V p = K(1.061405429f);
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    V e = 1.0f - p * t * exp_v(-(z * z));
    return x < K(0) ? -e : e;
}
