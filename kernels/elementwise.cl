// One number in, one number out: y = value(x, alpha), gradient dy * slope. An op is a row, the same
// as in Ops/Elementwise.cs. A program holds the kernels of one op, named by UNARY_OP or BINARY_OP,
// so that programs stay small; the rows of the other ops cost nothing. The prefix op_ keeps names
// like tanh apart from builtins, which some compilers define as macros.

#if !defined(UNARY_OP) && !defined(BINARY_OP)
#define UNARY_OP op_relu // the op of one argument that `unary` and `unary_gradient` compute
#define BINARY_OP op_add  // the op of two arguments
#endif

#define UNARY(name, value, slope)                                  \
    INLINE V op_##name##_value(V x, V alpha) { return value; }          \
    INLINE V op_##name##_slope(V x, V y, V alpha) { return slope; }

#define BINARY(name, value, slope_a, slope_b)                      \
    INLINE V op_##name##_value(V a, V b, V alpha) { return value; }     \
    INLINE V op_##name##_slope_a(V a, V b, V alpha) { return slope_a; } \
    INLINE V op_##name##_slope_b(V a, V b, V alpha) { return slope_b; }

// Choices that are false for NaN.
INLINE V above(V x, V a, V b) { return x > K(0) ? a : b; }
INLINE V below(V x, V a, V b) { return x < K(0) ? a : b; }
INLINE V least(V a, V b) { return a > b ? b : a; }
INLINE V most(V a, V b) { return a < b ? b : a; }
INLINE V sign_v(V e) { return above(e, K(1), below(e, K(-1), K(0))); }

// a b <= margin ? -slope : 0.
INLINE V violated(V a, V b, V margin, V slope) { return a * b <= margin ? -slope : K(0); }

INLINE V gelu_inner(V x) { return 1.5957691f * x * (1.0f + 0.044715f * x * x); }

INLINE V gelu_tanh_derivative(V x)
{
    V s = sigmoid_v(gelu_inner(x));
    return s + x * s * (1.0f - s) * (1.5957691f * (1.0f + 0.134145f * x * x));
}

INLINE V silu_derivative(V x)
{
    V s = sigmoid_v(x);
    return s * (1.0f + x * (1.0f - s));
}

INLINE V mish_derivative(V x)
{
    V t = tanh_v(softplus_v(x));
    return t + x * (1.0f - t * t) * sigmoid_v(x);
}

INLINE V huber_error(V e, V alpha)
{
    return e < alpha ? 0.5f * e * e : alpha * (e - 0.5f * alpha);
}

// -log(1 - tanh^2 e) / 2 near 0, where the other form cancels.
INLINE V log_cosh(V e)
{
    V t = tanh_v(e);
    V near_zero = -0.5f * log1p_v(-(t * t));
    return e < K(0.625f) ? near_zero : e + log1p_v(exp_v(-2.0f * e)) - 0.69314718f;
}

// Logarithm of a probability, ended at -100 as PyTorch's is.
INLINE V log_p(V p) { return most(log_v(p), K(-100)); }

// Focal loss: the probability that is missing, above 0 so that its logarithm is finite.
INLINE V focal_missing(V a, V b)
{
    return most(sigmoid_v(a) * (1.0f - b) + sigmoid_v(-a) * b, K(1e-38f));
}

INLINE V focal_weight(V a, V b, V alpha) { return exp_v(alpha * log_v(focal_missing(a, b))); }

INLINE V focal_slope_a(V a, V b, V alpha)
{
    V p = sigmoid_v(a);
    V dm = p * sigmoid_v(-a) * (1.0f - b - b) / focal_missing(a, b);
    return focal_weight(a, b, alpha) * (alpha * dm * (softplus_v(a) - a * b) + p - b);
}

INLINE V focal_slope_b(V a, V b, V alpha)
{
    V dm = (sigmoid_v(-a) - sigmoid_v(a)) / focal_missing(a, b);
    return focal_weight(a, b, alpha) * (alpha * dm * (softplus_v(a) - a * b) - a);
}

// Barron's robust loss: w l phi(b l), w = 2 - b, l = log(a/w + 1) / 2, phi(t) = (e^t - 1) / t.
INLINE V robust_phi(V t)
{
    V p = K(1 / 5040.0f);
    p = p * t + 1 / 720.0f;
    p = p * t + 1 / 120.0f;
    p = p * t + 1 / 24.0f;
    p = p * t + 1 / 6.0f;
    p = p * t + 0.5f;
    p = p * t + 1.0f;
    return abs_v(t) < K(0.5f) ? p : (exp_v(t) - 1.0f) / t;
}

INLINE V robust_phi_slope(V t)
{
    V p = K(1 / 45360.0f);
    p = p * t + 1 / 5760.0f;
    p = p * t + 1 / 840.0f;
    p = p * t + 1 / 144.0f;
    p = p * t + 1 / 30.0f;
    p = p * t + 0.125f;
    p = p * t + 1 / 3.0f;
    p = p * t + 0.5f;
    return abs_v(t) < K(0.5f) ? p : (exp_v(t) * (t - 1.0f) + 1.0f) / (t * t);
}

INLINE V robust_log(V a, V b) { return 0.5f * log1p_v(a / (2.0f - b)); }

INLINE V robust_value(V a, V b)
{
    V l = robust_log(a, b);
    return (2.0f - b) * l * robust_phi(b * l);
}

INLINE V robust_slope_b(V a, V b)
{
    V w = 2.0f - b, z = a / w, l = robust_log(a, b);
    V dl = 0.5f * z / (w * (1.0f + z));
    return (w * dl - l) * robust_phi(b * l) + w * l * robust_phi_slope(b * l) * (l + b * dl);
}

// ---- Rows of one argument: name, value, slope -----------------------------------------------

UNARY(linear, x, K(1))
UNARY(relu, below(x, K(0), x), above(x, K(1), K(0)))
UNARY(relu6, least(most(x, K(0)), K(6)), above(x, above(6.0f - x, K(1), K(0)), K(0)))
UNARY(leaky_relu, above(x, x, alpha * x), above(x, K(1), alpha))
UNARY(elu, above(x, x, alpha * (exp_v(x) - 1.0f)), above(x, K(1), y + alpha))
UNARY(selu, above(x, 1.05070099f * x, 1.75809934f * (exp_v(x) - 1.0f)),
    above(x, K(1.05070099f), y + 1.75809934f))
UNARY(gelu, 0.5f * x * (1.0f + erf_v(x * 0.70710678f)),
    0.5f * (1.0f + erf_v(x * 0.70710678f)) + x * 0.39894228f * exp_v(-0.5f * x * x))
UNARY(gelu_tanh, x * sigmoid_v(gelu_inner(x)), gelu_tanh_derivative(x))
UNARY(silu, x * sigmoid_v(x), silu_derivative(x))
UNARY(sigmoid, sigmoid_v(x), y * (1.0f - y))
UNARY(hard_sigmoid, least(most(x + 3.0f, K(0)), K(6)) * (1.0f / 6),
    above(x + 3.0f, above(3.0f - x, K(1.0f / 6), K(0)), K(0)))
UNARY(tanh, tanh_v(x), 1.0f - y * y)
UNARY(hard_tanh, least(most(x, K(-1)), K(1)),
    above(x + 1.0f, above(1.0f - x, K(1), K(0)), K(0)))
UNARY(softplus, softplus_v(x), sigmoid_v(x))
UNARY(softsign, x / (1.0f + abs_v(x)), (1.0f - abs_v(y)) * (1.0f - abs_v(y)))
UNARY(hard_swish, x * least(most(x + 3.0f, K(0)), K(6)) * (1.0f / 6),
    above(x + 3.0f, above(x - 3.0f, K(1), x * (1.0f / 3) + 0.5f), K(0)))
UNARY(mish, x * tanh_v(softplus_v(x)), mish_derivative(x))
UNARY(step, x >= K(0) ? K(1) : K(0), K(0))
UNARY(exp, exp_v(x), y)
UNARY(log, log_v(x), 1.0f / x)
UNARY(abs, abs_v(x), sign_v(x))
UNARY(square, x * x, x + x)
UNARY(sqrt, sqrt(x), 0.5f / y)
UNARY(scale, alpha * x, alpha)

// ---- Rows of two arguments: name, value, slope in a, slope in b ------------------------------

BINARY(add, a + b, K(1), K(1))
BINARY(add_relu, below(a + b, K(0), a + b), above(a + b, K(1), K(0)), above(a + b, K(1), K(0)))
BINARY(subtract, a - b, K(1), K(-1))
BINARY(multiply, a * b, b, a)
BINARY(divide, a / b, 1.0f / b, -a / (b * b))
BINARY(squared_error, (a - b) * (a - b), 2.0f * (a - b), 2.0f * (b - a))
BINARY(absolute_error, abs_v(a - b), sign_v(a - b), sign_v(b - a))
BINARY(huber, huber_error(abs_v(a - b), alpha),
    least(most(a - b, -alpha), alpha), least(most(b - a, -alpha), alpha))
BINARY(log_cosh, log_cosh(abs_v(a - b)), tanh_v(a - b), tanh_v(b - a))
BINARY(pinball, most(alpha * (b - a), (alpha - 1.0f) * (b - a)),
    b > a ? -alpha : 1.0f - alpha, b > a ? alpha : alpha - 1.0f)
BINARY(poisson_nll, exp_v(a) - a * b, exp_v(a) - b, -a)
BINARY(sigmoid_cross_entropy, softplus_v(a) - a * b, sigmoid_v(a) - b, -a)
BINARY(probability_cross_entropy, -(b * log_p(a) + (1.0f - b) * log_p(1.0f - a)),
    (a - b) / most(a * (1.0f - a), K(1e-12f)), log_p(1.0f - a) - log_p(a))
BINARY(sigmoid_focal, focal_weight(a, b, alpha) * (softplus_v(a) - a * b),
    focal_slope_a(a, b, alpha), focal_slope_b(a, b, alpha))
BINARY(kl_divergence, b <= K(0) ? K(0) : b * (log_v(b) - a), b <= K(0) ? K(0) : -b,
    b <= K(0) ? K(0) : log_v(b) + 1.0f - a)
BINARY(hinge, most(K(0), 1.0f - a * b), violated(a, b, K(1), b), violated(a, b, K(1), a))
BINARY(perceptron_criterion, most(K(0), -(a * b)), violated(a, b, K(0), b),
    violated(a, b, K(0), a))
BINARY(robust, robust_value(a, b), 0.5f * exp_v(b * robust_log(a, b)) / (1.0f + a / (2.0f - b)),
    robust_slope_b(a, b))
BINARY(prelu, above(a, a, b * a), above(a, K(1), b), above(a, K(0), a))

// ---- Kernels of one argument ----------------------------------------------------------------

#ifdef UNARY_OP

// y[i] = value(x[i]); x and y may be the same.
KERNEL void unary(__global const real *x, __global real *y, int n, real alpha)
{
    FOR_VECTORS(i, n)
        store(y + i, CAT(UNARY_OP, _value)(load(x + i, n - i), K(alpha)), n - i);
}

// dx[i] = dy[i] * slope(x[i], y[i]) + beta * dx[i].
KERNEL void unary_gradient(
    __global const real *x, __global const real *y, __global const real *dy, __global real *dx,
    int n, real alpha, real beta)
{
    FOR_VECTORS(i, n) {
        V slope = CAT(UNARY_OP, _slope)(load(x + i, n - i), load(y + i, n - i), K(alpha));
        accumulate(dx + i, load(dy + i, n - i) * slope, beta, n - i);
    }
}

#endif

// ---- Kernels of two arguments ---------------------------------------------------------------

#ifdef BINARY_OP

// b[j] for the elements i ... of (outer, n, inner): one load where they run along n, one number
// where they stay within inner, else lane by lane.
INLINE V load_b(__global const real *b, int i, int total, int n, int inner)
{
#if FAT
    int count = total - i;
    if (total == n)
        return load(b + i, count);
    if (inner == 1 && i % n + LANES <= n)
        return vload16(0, b + i % n);
    if (i % inner + LANES <= inner)
        return K(b[i / inner % n]);
    // Counters instead of a division for each lane.
    real part[LANES];
    int j = i / inner % n, left = inner - i % inner;
    for (int lane = 0; lane < LANES; lane++) {
        part[lane] = b[j];
        if (--left == 0) {
            left = inner;
            j = j + 1 == n ? 0 : j + 1;
        }
    }
    return vload16(0, part);
#else
    return b[i / inner % n];
#endif
}

// y[o,j,i] = value(a[o,j,i], b[j]) over total = outer * n * inner elements; y may be a.
KERNEL void binary(
    __global const real *a, __global const real *b, __global real *y, int total, int n, int inner,
    real alpha)
{
    FOR_VECTORS(i, total) {
        V right = load_b(b, i, total, n, inner);
        store(y + i, CAT(BINARY_OP, _value)(load(a + i, total - i), right, K(alpha)), total - i);
    }
}

// d = dy * slope + beta * d, as large as a on either side; d may be dy when beta is 0.
KERNEL void binary_gradient(
    __global const real *a, __global const real *b, __global const real *dy, __global real *d,
    int total, int n, int inner, int second, real alpha, real beta)
{
    FOR_VECTORS(i, total) {
        V left = load(a + i, total - i);
        V right = load_b(b, i, total, n, inner);
        V slope = second ? CAT(BINARY_OP, _slope_b)(left, right, K(alpha))
                         : CAT(BINARY_OP, _slope_a)(left, right, K(alpha));
        accumulate(d + i, load(dy + i, total - i) * slope, beta, total - i);
    }
}

#endif
