// Layer and RMS norm: normalisation of contiguous rows (norm.cl has the formula), an item for each
// row; GPU form: a group (`_tiled`). Sums for scale and shift are joined by norm_scale_gradient.

#define GROUP 256        // work-items of a tiled group, a power of two
#define CHAIN 32         // rows that are added together

INLINE real inverse_deviation(real variance, real epsilon) { return 1 / sqrt(variance + epsilon); }

// Shares of a row: an item has all of it (general), or every GROUPth element (tiled).
#if FAT
#define ROW_KERNEL KERNEL
#define FOR_ROWS(row, rows) FOR_ITEMS(row, rows)
#define FOR_SHARE(c, columns) for (int c = 0; c < columns; c += LANES)
#define SHARED(name)
#define TOTALS(name, a, b) (real2)(sum_lanes(a), sum_lanes(b))
#define IS_FIRST 1
#else
#define ROW_KERNEL __kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
#define FOR_ROWS(row, rows) for (int row = get_group_id(0); row < rows; row += get_num_groups(0))
#define FOR_SHARE(c, columns) for (int c = get_local_id(0); c < columns; c += GROUP)
#define SHARED(name) __local real2 name[GROUP];
#define TOTALS(name, a, b) group_totals(name, (real2)(a, b))
#define IS_FIRST (get_local_id(0) == 0)
#endif

typedef CAT(real, 2) real2;

#if !FAT
INLINE real2 group_totals(__local real2 *part, real2 value)
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
#endif

// centered 0: RMS norm, the mean is 0 and not written.
ROW_KERNEL void norm_rows(
    __global const real *x, __global const real *w, __global const real *b, __global real *mean,
    __global real *variance, __global real *y, int rows, int columns, int centered, int scaled,
    int shifted, real epsilon)
{
    SHARED(shared)
    FOR_ROWS(row, rows) {
        __global const real *p = x + (long)row * columns;
        __global real *q = y + (long)row * columns;
        real center = 0;
        if (centered) {
            V sum = K(0);
            FOR_SHARE(c, columns)
                sum += load_or(p + c, columns - c, 0);
            center = TOTALS(shared, sum, K(0)).x / columns;
        }
        V once = K(0), twice = K(0);
        FOR_SHARE(c, columns) {
            V d = load_or(p + c, columns - c, center) - center;
            once += d;
            twice += d * d;
        }
        real2 totals = TOTALS(shared, once, twice) / (real)columns;
        // What rounding the center left over.
        real rest = centered ? totals.x : 0;
        real spread = totals.y - rest * rest;
        real inverse = inverse_deviation(spread, epsilon);
        if (IS_FIRST) {
            variance[row] = spread;
            if (centered)
                mean[row] = center;
        }
        FOR_SHARE(c, columns) {
            V z = (load(p + c, columns - c) - center - rest) * inverse;
            z = scaled ? z * load(w + c, columns - c) : z;
            z = shifted ? z + load(b + c, columns - c) : z;
            store(q + c, z, columns - c);
        }
    }
}

ROW_KERNEL void norm_rows_gradient(
    __global const real *x, __global const real *w, __global const real *mean,
    __global const real *variance, __global const real *dy, __global real *dx, int rows,
    int columns, int centered, int scaled, real epsilon, real beta)
{
    SHARED(shared)
    FOR_ROWS(row, rows) {
        long at = (long)row * columns;
        real center = centered ? mean[row] : 0;
        real inverse = inverse_deviation(variance[row], epsilon);
        V sum = K(0), product = K(0);
        FOR_SHARE(c, columns) {
            V g = load_or(dy + at + c, columns - c, 0);
            g = scaled ? g * load(w + c, columns - c) : g;
            sum += g;
            product += g * ((load(x + at + c, columns - c) - center) * inverse);
        }
        real2 means = TOTALS(shared, sum, product) / (real)columns;
        real mean_g = centered ? means.x : 0;
        FOR_SHARE(c, columns) {
            V g = load(dy + at + c, columns - c);
            g = scaled ? g * load(w + c, columns - c) : g;
            V z = (load(x + at + c, columns - c) - center) * inverse;
            accumulate(dx + at + c, inverse * (g - mean_g - z * means.y), beta, columns - c);
        }
    }
}

// Sums of dy and of dy z over chunks of rows, (chunk, 2, column): parts of norm_scale_gradient.
KERNEL void norm_rows_products(
    __global const real *x, __global const real *mean, __global const real *variance,
    __global const real *dy, __global real *partial, int rows, int columns, int chunks, int chunk,
    int centered, real epsilon)
{
    int blocks = (columns - 1) / LANES + 1;
    FOR_ITEMS(item, chunks * blocks) {
        int column = item % blocks * LANES, part = item / blocks, lanes = columns - column;
        int last = min(rows, (part + 1) * chunk);
        V sums = K(0), products = K(0);
        for (int start = part * chunk; start < last; start += CHAIN) {
            V sum = K(0), product = K(0);
            for (int row = start; row < min(last, start + CHAIN); row++) {
                long at = (long)row * columns + column;
                real center = centered ? mean[row] : 0;
                V d = load(dy + at, lanes);
                sum += d;
                product += d
                    * ((load(x + at, lanes) - center) * inverse_deviation(variance[row], epsilon));
            }
            sums += sum;
            products += product;
        }
        __global real *target = partial + (long)part * 2 * columns + column;
        store(target, sums, lanes);
        store(target + columns, products, lanes);
    }
}
