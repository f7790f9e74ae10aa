// Normalisation y = (x - mean) / sqrt(variance + epsilon) * w + b of x as (outer, n, channels),
// with statistics for each of outer x groups, and its gradients (formulas: Ops/Norm.cs).
// Columns (batch, group and instance norm), any sizes: chunks of n are measured around a shift (the
// column's first mean) in two passes over CHAIN rows, so no digits cancel, and joined after Chan,
// Golub and LeVeque 1979; then one multiplication and addition an element, with factors for each
// (outer, channel). Partial sums lie as (outer, chunk, 2, channel), factors as (k, outer, channel).
// With relu, y is cut off below 0, and dy counts where x says that y was not.
// Rows (n = groups = 1: layer and RMS norm): an item for each row; GPU form: a group (`_tiled`).

#define GROUP 256        // work-items of a tiled group, a power of two
#define CHAIN 32         // rows that are measured or added together

INLINE real inverse_deviation(real variance, real epsilon) { return 1 / sqrt(variance + epsilon); }

// The factors of elements i ... : arrays of them, `all` apart. Counters instead of divisions for
// each lane.
INLINE void load_factors(
    __global const real *f, V *k, int arrays, long all, int i, int total, int n, int channels)
{
    long start = total == n * channels ? 0 : i / (n * channels) * channels;
    int column = i % channels;
#if FAT
    if (column + LANES <= channels) {
        for (int a = 0; a < arrays; a++)
            k[a] = vload16(0, f + a * all + start + column);
        return;
    }
    real part[5][LANES];
    int row = i / channels % n;
    for (int lane = 0; lane < LANES; lane++) {
        for (int a = 0; a < arrays; a++)
            part[a][lane] = f[a * all + start + column];
        if (i + lane + 1 < total && ++column == channels) {
            column = 0;
            if (++row == n) {
                row = 0;
                start += channels;
            }
        }
    }
    for (int a = 0; a < arrays; a++)
        k[a] = vload16(0, part[a]);
#else
    for (int a = 0; a < arrays; a++)
        k[a] = f[a * all + start + column];
#endif
}

// ---- Columns: statistics and factors ---------------------------------------------------------

// Mean (from the shift on) and sum of squared deviations of each (outer, chunk, column). The shift,
// the mean of the column's first rows, goes to the first factors.
KERNEL void norm_moments(
    __global const real *x, __global real *partial, __global real *factors, int outer, int n,
    int channels, int chunks, int chunk)
{
    int blocks = (channels - 1) / LANES + 1;
    FOR_ITEMS(item, outer * chunks * blocks) {
        int column = item % blocks * LANES, part = item / blocks;
        int first = part % chunks * chunk, lanes = channels - column;
        int rows = min(n - first, chunk);
        __global const real *p = x + (long)(part / chunks) * n * channels + column;
        __global real *target = partial + (long)part * 2 * channels + column;
        V shift = K(0);
        for (int j = 0; j < min(n, CHAIN); j++)
            shift += load(p + (long)j * channels, lanes);
        shift = shift / (real)min(n, CHAIN);
        if (first == 0)
            store(factors + (long)(part / chunks) * channels + column, shift, lanes);
        V mean = K(0), square = K(0);
        p += (long)first * channels;
        for (int row = 0; row < rows; row += CHAIN) {
            int count = min(rows - row, CHAIN);
            V sum = K(0), once = K(0), twice = K(0);
            for (int j = 0; j < count; j++)
                sum += load(p + (long)j * channels, lanes) - shift;
            V center = sum / (real)count;
            for (int j = 0; j < count; j++, p += channels) {
                V d = load(p, lanes) - shift - center;
                once += d;
                twice += d * d;
            }
            V rest = once / (real)count;
            V delta = center + rest - mean;
            real share = (real)count / (row + count);
            mean += delta * share;
            square += twice - once * rest + delta * delta * (row * share);
        }
        store(target, mean, lanes);
        store(target + channels, square, lanes);
    }
}

// Joins the chunks and channels of each statistic. Factors: mean, scale, shift of
// y = (x - mean) * scale + shift, where shift makes up for the rounding of the mean.
KERNEL void norm_join(
    __global const real *partial, __global const real *w,
    __global const real *b, __global real *mean, __global real *variance, __global real *factors,
    int outer, int n, int channels, int groups, int chunks, int chunk, int scaled, int shifted,
    real epsilon)
{
    long all = (long)outer * channels;
    int width = channels / groups;
    FOR_ITEMS(item, outer * groups) {
        int o = item / groups, start = item % groups * width;
        __global const real *shift = factors + (long)o * channels;
        real base = shift[start], center = 0, square = 0, total = 0;
        for (int c = start; c < start + width; c++) {
            for (int k = 0; k < chunks; k++) {
                __global const real *p = partial + ((long)o * chunks + k) * 2 * channels + c;
                real rows = min(n - k * chunk, chunk);
                real delta = shift[c] - base + p[0] - center;
                real share = rows / (total + rows);
                center += delta * share;
                square += p[channels] + delta * delta * (total * share);
                total += rows;
            }
        }
        real m = base + center, v = square / total;
        real rest = center - (m - base);
        real inverse = inverse_deviation(v, epsilon);
        mean[item] = m;
        variance[item] = v;
        for (int c = start; c < start + width; c++) {
            real scale = scaled ? inverse * w[c] : inverse;
            __global real *f = factors + (long)o * channels + c;
            f[0] = m;
            f[all] = scale;
            f[2 * all] = (shifted ? b[c] : 0) - rest * scale;
        }
    }
}

// The same factors from given statistics.
KERNEL void norm_given(
    __global const real *w, __global const real *b, __global const real *mean,
    __global const real *variance, __global real *factors, int outer, int channels, int groups,
    int scaled, int shifted, real epsilon)
{
    int all = outer * channels;
    FOR_ITEMS(i, all) {
        int c = i % channels;
        int s = i / channels * groups + c / (channels / groups);
        real inverse = inverse_deviation(variance[s], epsilon);
        factors[i] = mean[s];
        factors[all + (long)i] = scaled ? inverse * w[c] : inverse;
        factors[2 * (long)all + i] = shifted ? b[c] : 0;
    }
}

// max(v, 0); NaN stays.
INLINE V cut_off(V v) { return v < K(0) ? K(0) : v; }

KERNEL void norm_scale(
    __global const real *x, __global const real *factors, __global real *y, int total, int n,
    int channels, int outer, int relu)
{
    FOR_VECTORS(i, total) {
        V k[3];
        load_factors(factors, k, 3, (long)outer * channels, i, total, n, channels);
        V v = (load(x + i, total - i) - k[0]) * k[1] + k[2];
        store(y + i, relu ? cut_off(v) : v, total - i);
    }
}

// ---- Columns: gradients ----------------------------------------------------------------------

// dy where what the ReLU saw was above 0.
INLINE V passed(V dy, V deviation, V scale, V shift)
{
    return deviation * scale + shift > K(0) ? dy : K(0);
}

// Sums of dy and of dy (x - mean) for each (outer, chunk, column).
KERNEL void norm_products(
    __global const real *x, __global const real *dy, __global const real *factors,
    __global real *partial, int outer, int n, int channels, int chunks, int chunk, int relu)
{
    int blocks = (channels - 1) / LANES + 1;
    long all = (long)outer * channels;
    FOR_ITEMS(item, outer * chunks * blocks) {
        int column = item % blocks * LANES, part = item / blocks;
        int o = part / chunks, first = part % chunks * chunk, lanes = channels - column;
        int rows = min(n - first, chunk);
        long at = ((long)o * n + first) * channels + column;
        __global const real *f = factors + (long)o * channels + column;
        V mean = load(f, lanes), scale = load(f + all, lanes), shift = load(f + 2 * all, lanes);
        V sums = K(0), products = K(0);
        for (int row = 0; row < rows; row += CHAIN) {
            int end = min(rows, row + CHAIN);
            V sum = K(0), product = K(0);
            for (int j = row; j < end; j++, at += channels) {
                V d = load(dy + at, lanes), z = load(x + at, lanes) - mean;
                d = relu ? passed(d, z, scale, shift) : d;
                sum += d;
                product += d * z;
            }
            sums += sum;
            products += product;
        }
        __global real *target = partial + (long)part * 2 * channels + column;
        store(target, sums, lanes);
        store(target + channels, products, lanes);
    }
}

// Joins chunks: chunk 0 then holds sum dy and sum dy z. Behind mean, scale, shift go the factors q
// and r of dx = scale dy - q (x - mean) - r.
KERNEL void norm_join_products(
    __global real *partial, __global const real *w, __global const real *variance,
    __global real *factors, int outer, int n, int channels, int groups, int chunks, int scaled,
    int given, real epsilon)
{
    long all = (long)outer * channels;
    int width = channels / groups;
    FOR_ITEMS(item, outer * groups) {
        int o = item / groups, start = item % groups * width;
        __global real *f = factors + (long)o * channels;
        __global real *totals = partial + (long)o * chunks * 2 * channels;
        real inverse = inverse_deviation(variance[item], epsilon), sum = 0, product = 0;
        for (int c = start; c < start + width; c++) {
            real dy_sum = 0, dy_product = 0;
            for (int k = 0; k < chunks; k++) {
                dy_sum += totals[(long)k * 2 * channels + c];
                dy_product += totals[((long)k * 2 + 1) * channels + c];
            }
            dy_product *= inverse;
            totals[c] = dy_sum;
            totals[channels + c] = dy_product;
            real weight = scaled ? w[c] : 1;
            sum += weight * dy_sum;
            product += weight * dy_product;
        }
        real share = given ? 0 : inverse / ((real)n * width);
        for (int c = start; c < start + width; c++) {
            f[3 * all + c] = product * inverse * share;
            f[4 * all + c] = sum * share;
        }
    }
}

// dw and db: sums over parts of (2, channels), `stride` apart: sum dy, then sum dy z.
KERNEL void norm_scale_gradient(
    __global const real *partial, __global real *dw, __global real *db, int channels, int parts,
    int stride, int scales, int shifts, real beta_w, real beta_b)
{
    FOR_VECTORS(c, channels) {
        int lanes = channels - c;
        V sum = K(0), product = K(0);
        for (int part = 0; part < parts; part++) {
            sum += load(partial + (long)part * stride + c, lanes);
            product += load(partial + (long)part * stride + channels + c, lanes);
        }
        if (scales)
            accumulate(dw + c, product, beta_w, lanes);
        if (shifts)
            accumulate(db + c, sum, beta_b, lanes);
    }
}

KERNEL void norm_gradient(
    __global const real *x, __global const real *dy, __global const real *factors,
    __global real *dx, int total, int n, int channels, int outer, int relu, real beta)
{
    FOR_VECTORS(i, total) {
        V k[5];
        load_factors(factors, k, 5, (long)outer * channels, i, total, n, channels);
        V z = load(x + i, total - i) - k[0], d = load(dy + i, total - i);
        d = relu ? passed(d, z, k[1], k[2]) : d;
        accumulate(dx + i, k[1] * d - k[3] * z - k[4], beta, total - i);
    }
}

// ---- Rows ------------------------------------------------------------------------------------

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
