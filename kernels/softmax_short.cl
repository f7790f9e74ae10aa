// Cross-entropy of rows of at most LANES classes (the pixels of a mask, ten digits), for
// processors: LANES rows at a time, turned so that a vector holds one class of each. A row by
// itself would leave most of a vector empty. Formulas and targets out of range: softmax.cl, whose
// softmax_cross_entropy_mean joins the losses.

#if FAT

// part[c] = class c of the rows; returns the largest class of each. Missing rows are 0.
INLINE V turn(__global const real *p, V *part, int count, int columns)
{
    V most = K(0);
    for (int c = 0; c < columns; c++) {
        real lanes[LANES];
        for (int row = 0; row < LANES; row++)
            lanes[row] = row < count ? p[row * columns + c] : 0;
        part[c] = vload16(0, lanes);
        most = c == 0 || part[c] > most || part[c] != part[c] ? part[c] : most;
    }
    return most;
}

INLINE V sum_exp(const V *part, int columns, V most)
{
    V sum = K(0);
    for (int c = 0; c < columns; c++)
        sum += exp_v(part[c] - most);
    return sum;
}

// Weights of the rows' targets; 0 where there is none.
INLINE V target_weights(__global const real *weight, VI t, int columns, int weighted)
{
    VI inside = t >= 0 && t < columns;
    if (!weighted)
        return inside ? K(1) : K(0);
    int targets[LANES];
    real lanes[LANES];
    vstore16(t, 0, targets);
    for (int row = 0; row < LANES; row++)
        lanes[row] = targets[row] >= 0 && targets[row] < columns ? weight[targets[row]] : 0;
    return vload16(0, lanes);
}

// value; 0 where the row is ignored, NaN where its target is out of range.
INLINE V checked(V value, VI t, int columns, int ignore_index)
{
    value = t >= 0 && t < columns ? value : K(NAN);
    return t == ignore_index ? K(0) : value;
}

KERNEL void softmax_cross_entropy_short(
    __global const real *x, __global const int *target, __global const real *weight,
    __global real *losses, __global real *weights, int rows, int columns, real smoothing,
    int ignore_index, int weighted)
{
    FOR_VECTORS(row, rows) {
        V part[LANES];
        int count = rows - row;
        VI t = load_ints(target + row, count);
        V most = turn(x + (long)row * columns, part, count, columns);
        V log_sum = log_v(sum_exp(part, columns, most)), own = K(0), spread = K(0);
        V w = target_weights(weight, t, columns, weighted);
        for (int c = 0; c < columns; c++) {
            V distance = log_sum - (part[c] - most);
            own = t == (VI)(c) ? distance : own;
            spread += (weighted ? weight[c] : 1) * distance;
        }
        V loss = (1 - smoothing) * w * own;
        if (smoothing != 0)
            loss += smoothing / columns * spread;
        store(losses + row, checked(loss, t, columns, ignore_index), count);
        store(weights + row, t == (VI)(ignore_index) ? K(0) : w, count);
    }
}

KERNEL void softmax_cross_entropy_gradient_short(
    __global const real *x, __global const int *target, __global const real *weight,
    __global const real *dloss, __global const real *total, __global real *dx, int rows,
    int columns, real smoothing, int ignore_index, int weighted, real beta)
{
    real factor = dloss[0] / total[0], even = smoothing / columns, class_sum = columns;
    if (weighted) {
        class_sum = 0;
        for (int c = 0; c < columns; c++)
            class_sum += weight[c];
    }
    FOR_VECTORS(row, rows) {
        V part[LANES];
        int count = rows - row;
        VI t = load_ints(target + row, count);
        V most = turn(x + (long)row * columns, part, count, columns);
        V own = (1 - smoothing) * target_weights(weight, t, columns, weighted);
        V scale = (own + even * class_sum) / sum_exp(part, columns, most);
        __global real *q = dx + (long)row * columns;
        for (int c = 0; c < columns; c++) {
            V d = scale * exp_v(part[c] - most) - even * (weighted ? weight[c] : 1);
            d = t == (VI)(c) ? d - own : d;
            real lanes[LANES];
            vstore16(checked(factor * d, t, columns, ignore_index), 0, lanes);
            for (int i = 0; i < min(count, LANES); i++) {
                __global real *to = q + i * columns + c;
                *to = beta == 0 ? lanes[i] : lanes[i] + beta * *to;
            }
        }
    }
}

#endif
