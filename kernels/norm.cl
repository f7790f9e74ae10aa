// Normalisation y = (x - mean) / sqrt(variance + epsilon) * w + b of x as (outer, n, channels),
// with statistics for each of outer x groups, and its gradients (formulas: Ops/Norm.cs).
// Columns (batch, group and instance norm), any sizes: chunks of n are measured around a shift (the
// column's first mean) in two passes over CHAIN rows, so no digits cancel, and joined after Chan,
// Golub and LeVeque 1979; then one multiplication and addition an element, with factors for each
// (outer, channel). Partial sums lie as (outer, chunk, 2, channel), factors as (k, outer, channel).
// With relu, y is cut off below 0, and dy counts where x says that y was not.
// Rows (n = groups = 1: layer and RMS norm) are in norm_rows.cl.

#define CHAIN 32         // rows that are measured or added together

INLINE real inverse_deviation(real variance, real epsilon) { return 1 / sqrt(variance + epsilon); }

INLINE V inverse_deviation_v(V variance, real epsilon) { return 1 / sqrt(variance + epsilon); }

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
            V sum = K(0), sum2 = K(0), once = K(0), once2 = K(0), twice = K(0), twice2 = K(0);
            __global const real *q = p;
            int j = 0;
            for (; j < count - 1; j += 2, q += 2 * channels) {
                sum += load(q, lanes) - shift;
                sum2 += load(q + channels, lanes) - shift;
            }
            if (j < count)
                sum += load(q, lanes) - shift;
            V center = (sum + sum2) / (real)count;
            for (j = 0; j < count - 1; j += 2, p += 2 * channels) {
                PREFETCH(p + (long)CHAIN * channels);
                PREFETCH(p + (long)(CHAIN + 1) * channels);
                V d = load(p, lanes) - shift - center;
                V e = load(p + channels, lanes) - shift - center;
                once += d;
                once2 += e;
                twice += d * d;
                twice2 += e * e;
            }
            if (j < count) {
                V d = load(p, lanes) - shift - center;
                once += d;
                twice += d * d;
                p += channels;
            }
            once += once2;
            twice += twice2;
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
    int width = channels / groups, blocks = (channels - 1) / LANES + 1;
    if (width == 1) {
        // Every column by itself: a vector of them.
        FOR_ITEMS(item, outer * blocks) {
            int o = item / blocks, c = item % blocks * LANES, lanes = channels - c;
            long at = (long)o * channels + c;
            V base = load(factors + at, lanes), center = K(0), square = K(0);
            real total = 0;
            for (int k = 0; k < chunks; k++) {
                __global const real *p = partial + ((long)o * chunks + k) * 2 * channels + c;
                real rows = min(n - k * chunk, chunk), share = rows / (total + rows);
                V delta = load(p, lanes) - center;
                center += delta * share;
                square += load(p + channels, lanes) + delta * delta * (total * share);
                total += rows;
            }
            V m = base + center, v = square / total;
            V rest = center - (m - base), scale = inverse_deviation_v(v, epsilon);
            scale = scaled ? scale * load(w + c, lanes) : scale;
            store(mean + at, m, lanes);
            store(variance + at, v, lanes);
            store(factors + at, m, lanes);
            store(factors + all + at, scale, lanes);
            store(factors + 2 * all + at, (shifted ? load(b + c, lanes) : K(0)) - rest * scale,
                lanes);
        }
        return;
    }
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

// y from x and the factors k: mean, scale, shift.
INLINE V scaled_value(V x, const V *k, int relu)
{
    V v = (x - k[0]) * k[1] + k[2];
    return relu ? cut_off(v) : v;
}

KERNEL void norm_scale(
    __global const real *x, __global const real *factors, __global real *y, int total, int n,
    int channels, int outer, int relu)
{
    long all = (long)outer * channels;
#if FAT
    if (channels % LANES == 0) {
        FOR_ITEMS(row, total / channels) {
            __global const real *f = factors + (long)(row / n) * channels;
            long at = (long)row * channels;
            for (int c = 0; c < channels; c += LANES) {
                __global const real *g = f + c;
                V k[3] = { vload16(0, g), vload16(0, g + all), vload16(0, g + 2 * all) };
                vstore16(scaled_value(vload16(0, x + at + c), k, relu), 0, y + at + c);
            }
        }
        return;
    }
#endif
    FOR_VECTORS(i, total) {
        V k[3];
        load_factors(factors, k, 3, all, i, total, n, channels);
        store(y + i, scaled_value(load(x + i, total - i), k, relu), total - i);
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
            V sum = K(0), product = K(0), sum2 = K(0), product2 = K(0);
            int j = row;
            for (; j < end - 1; j += 2, at += 2 * channels) {
                long next = at + channels, ahead = at + (long)CHAIN * channels;
                PREFETCH(x + ahead);
                PREFETCH(dy + ahead);
                PREFETCH(x + ahead + channels);
                PREFETCH(dy + ahead + channels);
                V d = load(dy + at, lanes), z = load(x + at, lanes) - mean;
                V e = load(dy + next, lanes), y = load(x + next, lanes) - mean;
                if (relu) {
                    d = passed(d, z, scale, shift);
                    e = passed(e, y, scale, shift);
                }
                sum += d;
                product += d * z;
                sum2 += e;
                product2 += e * y;
            }
            if (j < end) {
                V d = load(dy + at, lanes), z = load(x + at, lanes) - mean;
                d = relu ? passed(d, z, scale, shift) : d;
                sum += d;
                product += d * z;
                at += channels;
            }
            sums += sum + sum2;
            products += product + product2;
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
    int width = channels / groups, blocks = (channels - 1) / LANES + 1;
    if (width == 1) {
        FOR_ITEMS(item, outer * blocks) {
            int o = item / blocks, c = item % blocks * LANES, lanes = channels - c;
            long at = (long)o * channels + c;
            __global real *totals = partial + (long)o * chunks * 2 * channels + c;
            V inverse = inverse_deviation_v(load(variance + at, lanes), epsilon);
            V sum = K(0), product = K(0);
            for (int k = 0; k < chunks; k++) {
                sum += load(totals + (long)k * 2 * channels, lanes);
                product += load(totals + ((long)k * 2 + 1) * channels, lanes);
            }
            product *= inverse;
            store(totals, sum, lanes);
            store(totals + channels, product, lanes);
            V share = given ? K(0) : inverse / (real)n;
            share = scaled ? share * load(w + c, lanes) : share;
            store(factors + 3 * all + at, product * inverse * share, lanes);
            store(factors + 4 * all + at, sum * share, lanes);
        }
        return;
    }
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

// dx from x, dy and the factors k: mean, scale, shift, q, r.
INLINE V gradient_value(V x, V dy, const V *k, int relu)
{
    V z = x - k[0];
    V d = relu ? passed(dy, z, k[1], k[2]) : dy;
    return k[1] * d - k[3] * z - k[4];
}

KERNEL void norm_gradient(
    __global const real *x, __global const real *dy, __global const real *factors,
    __global real *dx, int total, int n, int channels, int outer, int relu, real beta)
{
    long all = (long)outer * channels;
#if FAT
    if (channels % LANES == 0) {
        FOR_ITEMS(row, total / channels) {
            __global const real *f = factors + (long)(row / n) * channels;
            long at = (long)row * channels;
            for (int c = 0; c < channels; c += LANES) {
                __global const real *g = f + c;
                V k[5] = { vload16(0, g), vload16(0, g + all), vload16(0, g + 2 * all),
                           vload16(0, g + 3 * all), vload16(0, g + 4 * all) };
                accumulate(dx + at + c,
                    gradient_value(vload16(0, x + at + c), vload16(0, dy + at + c), k, relu), beta,
                    LANES);
            }
        }
        return;
    }
#endif
    FOR_VECTORS(i, total) {
        V k[5];
        load_factors(factors, k, 5, all, i, total, n, channels);
        accumulate(dx + i,
            gradient_value(load(x + i, total - i), load(dy + i, total - i), k, relu), beta,
            total - i);
    }
}
