// Softmax along rows, its logarithm and the fused softmax cross-entropy, with gradients
// (formulas: Ops/Softmax.cs). General kernels: one item for each row. GPU form: a work-group for
// each row (`_tiled`), for rows longer than a few elements.

#ifndef GROUP
#define GROUP 256        // work-items of a tiled group, a power of two
#endif

INLINE real row_max(__global const real *p, int columns)
{
    V most = K(-INFINITY);
    for (int i = 0; i < columns; i += LANES) {
        V v = load_or(p + i, columns - i, -INFINITY);
        most = v > most ? v : most;
    }
    return max_lanes(most);
}

// sum exp(x - most) over a row; NaN and +infinity make it NaN.
INLINE real row_sum_exp(__global const real *p, int columns, real most)
{
    V sum = K(0);
    for (int i = 0; i < columns; i += LANES)
        sum += exp_v(load_or(p + i, columns - i, -INFINITY) - most);
    return sum_lanes(sum);
}

INLINE real log_one(real x) { return FIRST(log_v(K(x))); }

INLINE real exp_one(real x) { return FIRST(exp_v(K(x))); }

// ---- Softmax ----------------------------------------------------------------------------------

KERNEL void softmax(__global const real *x, __global real *y, int rows, int columns)
{
    FOR_ITEMS(row, rows) {
        __global const real *p = x + (long)row * columns;
        __global real *q = y + (long)row * columns;
        real most = row_max(p, columns);
        V sum = K(0);
        for (int i = 0; i < columns; i += LANES) {
            V e = exp_v(load_or(p + i, columns - i, -INFINITY) - most);
            sum += e;
            store(q + i, e, columns - i);
        }
        real inverse = 1.0f / sum_lanes(sum);
        for (int i = 0; i < columns; i += LANES)
            store(q + i, load(q + i, columns - i) * inverse, columns - i);
    }
}

// dx = y * (dy - sum(y * dy)) + beta * dx.
KERNEL void softmax_gradient(
    __global const real *y, __global const real *dy, __global real *dx, int rows, int columns,
    real beta)
{
    FOR_ITEMS(row, rows) {
        long at = (long)row * columns;
        V sum = K(0);
        for (int i = 0; i < columns; i += LANES)
            sum += load_or(y + at + i, columns - i, 0) * load_or(dy + at + i, columns - i, 0);
        real dot_product = sum_lanes(sum);
        for (int i = 0; i < columns; i += LANES) {
            V d = load(y + at + i, columns - i) * (load(dy + at + i, columns - i) - dot_product);
            accumulate(dx + at + i, d, beta, columns - i);
        }
    }
}

KERNEL void log_softmax(__global const real *x, __global real *y, int rows, int columns)
{
    FOR_ITEMS(row, rows) {
        __global const real *p = x + (long)row * columns;
        __global real *q = y + (long)row * columns;
        real most = row_max(p, columns);
        real log_sum = log_one(row_sum_exp(p, columns, most));
        for (int i = 0; i < columns; i += LANES)
            store(q + i, load(p + i, columns - i) - most - log_sum, columns - i);
    }
}

// dx = dy - exp(y) * sum(dy) + beta * dx.
KERNEL void log_softmax_gradient(
    __global const real *y, __global const real *dy, __global real *dx, int rows, int columns,
    real beta)
{
    FOR_ITEMS(row, rows) {
        long at = (long)row * columns;
        V sum = K(0);
        for (int i = 0; i < columns; i += LANES)
            sum += load_or(dy + at + i, columns - i, 0);
        real total = sum_lanes(sum);
        for (int i = 0; i < columns; i += LANES) {
            V d = load(dy + at + i, columns - i) - exp_v(load(y + at + i, columns - i)) * total;
            accumulate(dx + at + i, d, beta, columns - i);
        }
    }
}

#if !FAT
// ---- The same for a work-group a row ------------------------------------------------------------

INLINE real group_sum(__local real *part, real value)
{
    int id = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    part[id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_size = GROUP / 2; half_size > 0; half_size /= 2) {
        if (id < half_size)
            part[id] += part[id + half_size];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return part[0];
}

INLINE real group_max(__local real *part, real value)
{
    int id = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    part[id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_size = GROUP / 2; half_size > 0; half_size /= 2) {
        if (id < half_size && part[id + half_size] > part[id])
            part[id] = part[id + half_size];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return part[0];
}

#define TILED __kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
#define FOR_ROWS(row, rows) for (int row = get_group_id(0); row < rows; row += get_num_groups(0))
#define FOR_SHARE(i, n) for (int i = get_local_id(0); i < n; i += GROUP)

INLINE real share_max(__global const real *p, int columns)
{
    real most = -INFINITY;
    FOR_SHARE(i, columns)
        most = p[i] > most ? p[i] : most;
    return most;
}

TILED void softmax_tiled(__global const real *x, __global real *y, int rows, int columns)
{
    __local real part[GROUP];
    FOR_ROWS(row, rows) {
        __global const real *p = x + (long)row * columns;
        __global real *q = y + (long)row * columns;
        real most = group_max(part, share_max(p, columns));
        real sum = 0;
        FOR_SHARE(i, columns) {
            real e = exp_v(p[i] - most);
            sum += e;
            q[i] = e;
        }
        real inverse = 1.0f / group_sum(part, sum);
        FOR_SHARE(i, columns)
            q[i] *= inverse;
    }
}

TILED void softmax_gradient_tiled(
    __global const real *y, __global const real *dy, __global real *dx, int rows, int columns,
    real beta)
{
    __local real part[GROUP];
    FOR_ROWS(row, rows) {
        long at = (long)row * columns;
        real sum = 0;
        FOR_SHARE(i, columns)
            sum += y[at + i] * dy[at + i];
        real dot_product = group_sum(part, sum);
        FOR_SHARE(i, columns)
            accumulate(dx + at + i, y[at + i] * (dy[at + i] - dot_product), beta, 1);
    }
}

TILED void log_softmax_tiled(__global const real *x, __global real *y, int rows, int columns)
{
    __local real part[GROUP];
    FOR_ROWS(row, rows) {
        __global const real *p = x + (long)row * columns;
        __global real *q = y + (long)row * columns;
        real most = group_max(part, share_max(p, columns));
        real sum = 0;
        FOR_SHARE(i, columns)
            sum += exp_v(p[i] - most);
        real log_sum = log_one(group_sum(part, sum));
        FOR_SHARE(i, columns)
            q[i] = p[i] - most - log_sum;
    }
}

TILED void log_softmax_gradient_tiled(
    __global const real *y, __global const real *dy, __global real *dx, int rows, int columns,
    real beta)
{
    __local real part[GROUP];
    FOR_ROWS(row, rows) {
        long at = (long)row * columns;
        real sum = 0;
        FOR_SHARE(i, columns)
            sum += dy[at + i];
        real total = group_sum(part, sum);
        FOR_SHARE(i, columns)
            accumulate(dx + at + i, dy[at + i] - exp_v(y[at + i]) * total, beta, 1);
    }
}
#endif

// ---- Cross-entropy ------------------------------------------------------------------------------

// Each row's loss and weight; a target out of range gives NaN rather than a read out of bounds.
KERNEL void softmax_cross_entropy(
    __global const real *x, __global const int *target, __global const real *weight,
    __global real *losses, __global real *weights, int rows, int columns, real smoothing,
    int ignore_index, int weighted)
{
    FOR_ITEMS(row, rows) {
        int t = target[row];
        if (t == ignore_index || t < 0 || t >= columns) {
            losses[row] = t == ignore_index ? 0 : NAN;
            weights[row] = 0;
            continue;
        }
        __global const real *p = x + (long)row * columns;
        real most = row_max(p, columns);
        real log_sum = log_one(row_sum_exp(p, columns, most));
        real w = weighted ? weight[t] : 1;
        real loss = (1 - smoothing) * w * (log_sum - (p[t] - most));
        if (smoothing != 0) {
            V sum = K(0);
            for (int i = 0; i < columns; i += LANES) {
                V share = weighted ? load_or(weight + i, columns - i, 0) : K(1);
                V d = log_sum - (load_or(p + i, columns - i, most + log_sum) - most);
                sum += share * d;
            }
            loss += smoothing / columns * sum_lanes(sum);
        }
        losses[row] = loss;
        weights[row] = w;
    }
}

// loss[0] = sum of losses / sum of weights, total[0] = sum of weights; one item, fixed order.
KERNEL void softmax_cross_entropy_mean(
    __global const real *losses, __global const real *weights, __global real *loss,
    __global real *total, int rows)
{
    if (get_global_id(0) != 0)
        return;
    V a = K(0), b = K(0);
    for (int i = 0; i < rows; i += LANES) {
        a += load_or(losses + i, rows - i, 0);
        b += load_or(weights + i, rows - i, 0);
    }
    real sum = sum_lanes(b);
    total[0] = sum;
    loss[0] = sum_lanes(a) / sum;
}

// dx = dloss / total * (q p - target) + beta * dx, q the sum of the smoothed target's weights.
KERNEL void softmax_cross_entropy_gradient(
    __global const real *x, __global const int *target, __global const real *weight,
    __global const real *dloss, __global const real *total, __global real *dx, int rows,
    int columns, real smoothing, int ignore_index, int weighted, real beta)
{
    real factor = dloss[0] / total[0];
    FOR_ITEMS(row, rows) {
        int t = target[row];
        __global const real *p = x + (long)row * columns;
        __global real *q = dx + (long)row * columns;
        if (t == ignore_index || t < 0 || t >= columns) {
            for (int i = 0; i < columns; i += LANES)
                accumulate(q + i, K(t == ignore_index ? 0 : NAN), beta, columns - i);
            continue;
        }
        real most = row_max(p, columns);
        real inverse = 1.0f / row_sum_exp(p, columns, most);
        real even = smoothing / columns, class_sum = columns;
        if (smoothing != 0 && weighted) {
            V sum = K(0);
            for (int i = 0; i < columns; i += LANES)
                sum += load_or(weight + i, columns - i, 0);
            class_sum = sum_lanes(sum);
        }
        real own = (1 - smoothing) * (weighted ? weight[t] : 1);
        real mass = own + even * class_sum;
        // The target's element is written a second time, from what it was before.
        real old = beta == 0 ? 0 : beta * q[t];
        for (int i = 0; i < columns; i += LANES) {
            V share = weighted ? load_or(weight + i, columns - i, 0) : K(1);
            V e = exp_v(load(p + i, columns - i) - most) * inverse;
            accumulate(q + i, factor * (mass * e - even * share), beta, columns - i);
        }
        real probability = exp_one(p[t] - most) * inverse;
        real share_t = even * (weighted ? weight[t] : 1);
        q[t] = factor * (mass * probability - share_t - own) + old;
    }
}

// ---- Cross-entropy against shares of classes ----------------------------------------------------

// w q: the smoothed, weighted share of columns i ...; 0 behind the row.
INLINE V share_of(
    __global const real *target, __global const real *weight, int i, int columns, real smoothing,
    int weighted)
{
    // What is behind the row becomes 0 by smoothing it to 0.
    V even = K(smoothing / columns);
    V q = load_or(target + i, columns - i, 0) * (1 - smoothing) + even;
#if FAT
    VI lane = (VI)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    q = lane < columns - i ? q : K(0);
#endif
    return weighted ? q * load_or(weight + i, columns - i, 0) : q;
}

KERNEL void soft_cross_entropy(
    __global const real *x, __global const real *target, __global const real *weight,
    __global real *losses, int rows, int columns, real smoothing, int weighted)
{
    FOR_ITEMS(row, rows) {
        __global const real *p = x + (long)row * columns;
        __global const real *t = target + (long)row * columns;
        real most = row_max(p, columns);
        real log_sum = log_one(row_sum_exp(p, columns, most));
        V sum = K(0);
        for (int i = 0; i < columns; i += LANES) {
            V distance = log_sum - (load_or(p + i, columns - i, most) - most);
            sum += share_of(t, weight, i, columns, smoothing, weighted) * distance;
        }
        losses[row] = sum_lanes(sum);
    }
}

// dx = dlosses * (p sum(w q) - w q) + beta * dx.
KERNEL void soft_cross_entropy_gradient(
    __global const real *x, __global const real *target, __global const real *weight,
    __global const real *dlosses, __global real *dx, int rows, int columns, real smoothing,
    int weighted, real beta)
{
    FOR_ITEMS(row, rows) {
        long at = (long)row * columns;
        V sum = K(0);
        for (int i = 0; i < columns; i += LANES)
            sum += share_of(target + at, weight, i, columns, smoothing, weighted);
        real most = row_max(x + at, columns);
        real mass = sum_lanes(sum) / row_sum_exp(x + at, columns, most);
        for (int i = 0; i < columns; i += LANES) {
            V p = mass * exp_v(load(x + at + i, columns - i) - most);
            V q = share_of(target + at, weight, i, columns, smoothing, weighted);
            accumulate(dx + at + i, dlosses[row] * (p - q), beta, columns - i);
        }
    }
}

// ---- Focal loss ---------------------------------------------------------------------------------

// Sum of exp(x - most) over all columns but the target: 1 - p without a difference.
INLINE real rest_sum_exp(__global const real *p, int columns, int target, real most)
{
    real before = target > 0 ? row_sum_exp(p, target, most) : 0;
    int after = columns - target - 1;
    return before + (after > 0 ? row_sum_exp(p + target + 1, after, most) : 0);
}

// A target out of range gives NaN rather than a read out of bounds.
KERNEL void softmax_focal(
    __global const real *x, __global const int *target, __global real *losses, int rows,
    int columns, real gamma)
{
    FOR_ITEMS(row, rows) {
        int t = target[row];
        if (t < 0 || t >= columns) {
            losses[row] = NAN;
            continue;
        }
        __global const real *p = x + (long)row * columns;
        real most = row_max(p, columns), own = exp_one(p[t] - most);
        real rest = rest_sum_exp(p, columns, t, most), sum = own + rest;
        // log(1 + rest/own) where the target leads, so that a small loss keeps its digits.
        real distance = rest < own ? FIRST(log1p_v(K(rest / own)))
                                   : log_one(sum) - (p[t] - most);
        real missing = rest / sum;
        real factor = gamma == 0 ? 1 : missing > 0 ? exp_one(gamma * log_one(missing)) : 0;
        losses[row] = factor * distance;
    }
}

// dx_j = dlosses * g * ([j = t] - p_j) + beta * dx_j.
KERNEL void softmax_focal_gradient(
    __global const real *x, __global const int *target, __global const real *dlosses,
    __global real *dx, int rows, int columns, real gamma, real beta)
{
    FOR_ITEMS(row, rows) {
        int t = target[row];
        __global const real *p = x + (long)row * columns;
        __global real *q = dx + (long)row * columns;
        if (t < 0 || t >= columns) {
            for (int i = 0; i < columns; i += LANES)
                accumulate(q + i, K(NAN), beta, columns - i);
            continue;
        }
        real most = row_max(p, columns), own = exp_one(p[t] - most);
        real rest = rest_sum_exp(p, columns, t, most), inverse = 1 / (own + rest);
        real distance = rest < own ? FIRST(log1p_v(K(rest / own)))
                                   : log_one(own + rest) - (p[t] - most);
        real missing = rest * inverse;
        real power = gamma == 0 ? 1 : missing > 0 ? exp_one(gamma * log_one(missing)) : 0;
        real slope = gamma == 0 || missing == 0
            ? 0 : gamma * power / missing * own * inverse * -distance;
        real g = dlosses[row] * (slope - power);
        // The target's element is written a second time, from what it was before.
        real old = beta == 0 ? 0 : beta * q[t];
        for (int i = 0; i < columns; i += LANES) {
            V e = exp_v(load(p + i, columns - i) - most);
            accumulate(q + i, -g * inverse * e, beta, columns - i);
        }
        q[t] = g * missing + old;
    }
}
