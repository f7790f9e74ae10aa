// The update of weights by a rule over one flat run of parameters: the rows of Ops/UpdateRows.cs
// in one skeleton, and the norm and clipping of gradients (formulas: Ops/OptimizerStep.cs).
//   update_RULE          any n; a, b, c are the rule's state, absent runs are not touched
//   square_sums, gradient_norm   the norm in two stages, cut by n alone; _tiled is for GPUs
//   clip_norm, clip_value, factored_direction

#define GROUP 256        // work-items of a tiled group, a power of two

// As Dl.Ops.UpdateNumbers lies in memory.
typedef struct {
    real scale, decay, keep, threshold;
    real rate, rate2, beta1, take1, beta2, take2, epsilon, root;
} numbers;

// sign(x) max(|x| - t, 0).
INLINE V soft(V x, real t)
{
    return x > K(t) ? x - t : (x < K(-t) ? x + t : (x == x ? K(0) : x));
}

// A rule's body turns w and g into the new w; a, b and c are its state, STATES of them.
#define UPDATE(name, STATES, body)                                                     \
    KERNEL void update_##name(                                                         \
        __global real *pw, __global const real *pg, __global real *pa, __global real *pb, \
        __global real *pc, int n, numbers k)                                           \
    {                                                                                  \
        FOR_VECTORS(i, n) {                                                            \
            int count = n - i;                                                         \
            V w = load(pw + i, count);                                                 \
            V g = k.scale * load(pg + i, count);                                       \
            V a = STATES > 0 ? load(pa + i, count) : K(0);                             \
            V b = STATES > 1 ? load(pb + i, count) : K(0);                             \
            V c = STATES > 2 ? load(pc + i, count) : K(0);                             \
            if (k.decay != 0)                                                          \
                g += k.decay * w;                                                      \
            w *= k.keep;                                                               \
            body                                                                       \
            if (k.threshold != 0)                                                      \
                w = soft(w, k.threshold);                                              \
            store(pw + i, w, count);                                                   \
            if (STATES > 0)                                                            \
                store(pa + i, a, count);                                               \
            if (STATES > 1)                                                            \
                store(pb + i, b, count);                                               \
            if (STATES > 2)                                                            \
                store(pc + i, c, count);                                               \
        }                                                                              \
    }

UPDATE(sgd, 0, w -= k.rate * g;)

// a is the velocity.
UPDATE(momentum, 1,
    a = k.beta1 * a + k.take1 * g;
    w -= k.rate * a;)

UPDATE(nesterov, 1,
    a = k.beta1 * a + k.take1 * g;
    w -= k.rate * (g + k.beta1 * a);)

UPDATE(adagrad, 1,
    a += g * g;
    w -= k.rate * g / (sqrt(a) + k.epsilon);)

// a is the mean of squared gradients, b that of squared changes.
UPDATE(adadelta, 2,
    a = k.beta2 * a + k.take2 * g * g;
    V d = sqrt(b + k.epsilon) / sqrt(a + k.epsilon) * g;
    b = k.beta2 * b + k.take2 * d * d;
    w -= k.rate * d;)

// a is the mean of squares; then the mean where centred; last the velocity.
UPDATE(rmsprop, 1,
    a = k.beta2 * a + k.take2 * g * g;
    w -= k.rate * g / (sqrt(a) + k.epsilon);)

UPDATE(rmsprop_momentum, 2,
    a = k.beta2 * a + k.take2 * g * g;
    b = k.beta1 * b + g / (sqrt(a) + k.epsilon);
    w -= k.rate * b;)

// Rounding may leave a variance below 0.
#define DEVIATION                                       \
    a = k.beta2 * a + k.take2 * g * g;                  \
    b = k.beta2 * b + k.take2 * g;                      \
    V variance = a - b * b;                             \
    V size = sqrt(variance < K(0) ? K(0) : variance) + k.epsilon;

UPDATE(rmsprop_centered, 2,
    DEVIATION
    w -= k.rate * g / size;)

UPDATE(rmsprop_centered_momentum, 3,
    DEVIATION
    c = k.beta1 * c + g / size;
    w -= k.rate * c;)

#define MOMENTS                                         \
    a = k.beta1 * a + k.take1 * g;                      \
    b = k.beta2 * b + k.take2 * g * g;

UPDATE(adam, 2,
    MOMENTS
    w -= k.rate * a / (k.root * sqrt(b) + k.epsilon);)

UPDATE(amsgrad, 3,
    MOMENTS
    c = c > b ? c : b;
    w -= k.rate * a / (k.root * sqrt(c) + k.epsilon);)

UPDATE(adamax, 2,
    a = k.beta1 * a + k.take1 * g;
    V old = k.beta2 * b;
    V new = abs_v(g) + k.epsilon;
    b = old > new ? old : new;
    w -= k.rate * a / b;)

UPDATE(nadam, 2,
    MOMENTS
    w -= (k.rate * a + k.rate2 * g) / (k.root * sqrt(b) + k.epsilon);)

UPDATE(radam, 2,
    MOMENTS
    w -= (k.rate + k.rate2 / (sqrt(b) + k.epsilon)) * a;)

// The sign of 0 is 0, that of NaN NaN.
UPDATE(lion, 1,
    V d = k.beta1 * a + k.take1 * g;
    a = k.beta2 * a + k.take2 * g;
    w -= d > K(0) ? K(k.rate) : (d < K(0) ? K(-k.rate) : d);)

// a is z, b the sum of squares; rate and rate2 are 1 / rate now and before, take1 and take2 are l1
// and l2.
UPDATE(ftrl, 2,
    V before = k.rate2 * (k.epsilon + sqrt(b));
    b += g * g;
    V now = k.rate * (k.epsilon + sqrt(b));
    a += g - (now - before) * w;
    w = -soft(a, k.take1) / (now + k.take2);)

// ---- Norm -----------------------------------------------------------------------------------

KERNEL void square_sums(__global const real *x, __global real *sums, int n, int chunks, int chunk)
{
    FOR_ITEMS(item, chunks) {
        int first = item * chunk;
        int count = min(n - first, chunk);
        __global const real *p = x + first;
        V sum = K(0), sum2 = K(0);
        int j = 0;
        for (; j + 2 * LANES <= count; j += 2 * LANES) {
            V v = load(p + j, LANES), v2 = load(p + j + LANES, LANES);
            sum += v * v;
            sum2 += v2 * v2;
        }
        for (; j < count; j += LANES) {
            V v = load_or(p + j, count - j, 0);
            sum += v * v;
        }
        sums[item] = sum_lanes(sum + sum2);
    }
}

#if !FAT
// The same, a work-group for each chunk: the items' sums meet in local memory.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void square_sums_tiled(
    __global const real *x, __global real *sums, int n, int chunks, int chunk)
{
    __local real part[GROUP];
    int id = get_local_id(0);
    for (int item = get_group_id(0); item < chunks; item += get_num_groups(0)) {
        int first = item * chunk;
        int count = min(n - first, chunk);
        real sum = 0;
        for (int j = id; j < count; j += GROUP)
            sum += x[first + j] * x[first + j];
        part[id] = sum;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int half_size = GROUP / 2; half_size > 0; half_size /= 2) {
            if (id < half_size)
                part[id] += part[id + half_size];
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        if (id == 0)
            sums[item] = part[0];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
#endif

// One item adds up what the chunks left.
KERNEL void gradient_norm(__global const real *sums, __global real *norm, int chunks)
{
    FOR_ITEMS(item, 1) {
        real sum = 0;
        for (int i = 0; i < chunks; i++)
            sum += sums[i];
        norm[0] = sqrt(sum);
    }
}

// ---- Clipping -------------------------------------------------------------------------------

KERNEL void clip_norm(
    __global real *g, __global const real *norm, int n, real limit, real epsilon)
{
    real factor = limit / (norm[0] + epsilon);
    // Not for a NaN, which every element is to get.
    if (factor >= 1)
        return;
    FOR_VECTORS(i, n)
        store(g + i, factor * load(g + i, n - i), n - i);
}

KERNEL void clip_value(__global real *g, int n, real limit)
{
    FOR_VECTORS(i, n) {
        V v = load(g + i, n - i);
        v = v > K(limit) ? K(limit) : v;
        store(g + i, v < K(-limit) ? K(-limit) : v, n - i);
    }
}

// ---- Adafactor ------------------------------------------------------------------------------

#if FAT
#define STRIP 1024       // columns of a row that one item takes
#else
#define STRIP 1
#endif

KERNEL void factored_direction(
    __global const real *g, __global const real *r, __global const real *c,
    __global const real *mean, __global real *u, int items, int rows, int columns, real epsilon)
{
    int strips = (columns - 1) / STRIP + 1;
    FOR_ITEMS(item, items) {
        int row = item / strips, batch = row / rows;
        int first = item % strips * STRIP, end = min(first + STRIP, columns);
        real size = sqrt((mean[batch] + epsilon) / (r[row] + epsilon));
        long at = (long)row * columns;
        for (int j = first; j < end; j += LANES) {
            V root = sqrt(load(c + (long)batch * columns + j, end - j) + epsilon);
            store(u + at + j, load(g + at + j, end - j) * size / root, end - j);
        }
    }
}
