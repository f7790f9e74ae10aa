// Depthwise convolution 3x3 (channels = groups = filters, dilation 1) and its gradients on
// processors (FAT=1). It is bound by memory, so a group walks along rows with sixteen channels at
// a time, the nine weights or sums in registers.
//   depthwise                  y[o, c] = bias[c]
//                                + sum over taps of x[o stride + tap - pad, c] w[tap, c]
//   depthwise_input_gradient   dx; without stride it is the forward map of dy with turned weights
//   depthwise_weight_gradient  partial sums over slices of the rows
// Program = common.cl, the shapes of convolution.cl, and this.

#if FAT

#define EACH_TAP(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)

// `whole` is a constant: all sixteen channels exist.
#define LOAD(p) (whole ? vload16(0, p) : load_part(p, count, 0))

#define TAP_WEIGHT(tap) V w##tap = LOAD(w + (turned ? 8 - tap : tap) * channels);

// Adds the tap at row `from`, where it has one; x0 is the first column of the patch.
#define ROW_TAP(from, i, weight)                                                        \
    if (from && (uint)(x0 + i) < (uint)width)                                           \
        sum += LOAD(from + (x0 + i) * channels) * weight;

// One row of sixteen channels of y, `length` outputs; r0, r1, r2 are the rows of x that it reads,
// null outside the image, `width` pixels long.
INLINE void depthwise_row(
    __global const real *r0, __global const real *r1, __global const real *r2, int width,
    __global const real *w, V shift, __global real *y, int length, int channels, int stride,
    int pad, real beta, int count, const int turned, const int whole)
{
    EACH_TAP(TAP_WEIGHT)
    // Outputs whose three columns are inside.
    int inner = min(length, (pad + stride - 1) / stride);
    int inner_end = width + pad >= 3 ? min(length, (width + pad - 3) / stride + 1) : 0;
    int full = r0 && r1 && r2;
    for (int o = 0; o < length; o++) {
        int x0 = o * stride - pad;
        V sum = shift;
        if (full && o >= inner && o < inner_end) {
            __global const real *p0 = r0 + x0 * channels, *p1 = r1 + x0 * channels;
            __global const real *p2 = r2 + x0 * channels;
            sum += LOAD(p0) * w0;
            V sum1 = LOAD(p1) * w3, sum2 = LOAD(p2) * w6;
            sum += LOAD(p0 + channels) * w1;
            sum1 += LOAD(p1 + channels) * w4;
            sum2 += LOAD(p2 + channels) * w7;
            sum += LOAD(p0 + 2 * channels) * w2;
            sum1 += LOAD(p1 + 2 * channels) * w5;
            sum2 += LOAD(p2 + 2 * channels) * w8;
            sum += sum1 + sum2;
        } else {
            ROW_TAP(r0, 0, w0)
            ROW_TAP(r0, 1, w1)
            ROW_TAP(r0, 2, w2)
            ROW_TAP(r1, 0, w3)
            ROW_TAP(r1, 1, w4)
            ROW_TAP(r1, 2, w5)
            ROW_TAP(r2, 0, w6)
            ROW_TAP(r2, 1, w7)
            ROW_TAP(r2, 2, w8)
        }
        if (whole)
            vstore16(beta == 0 ? sum : sum + beta * vload16(0, y), 0, y);
        else
            accumulate(y, sum, beta, count);
        y += channels;
    }
}

// The row of an image, or null outside it.
INLINE __global const real *row_of(
    __global const real *image, int y, int height, int width, int channels)
{
    return y >= 0 && y < height ? image + (long)y * width * channels : 0;
}

KERNEL void depthwise(
    __global const real *x, __global const real *w, __global const real *bias, __global real *y,
    conv_shape s, int has_bias)
{
    int blocks = (s.channels - 1) / LANES + 1;
    FOR_ITEMS(item, s.batch * s.out_height * blocks) {
        int c = item % blocks * LANES, row = item / blocks, count = s.channels - c;
        int y0 = row % s.out_height * s.stride_y - s.pad_top;
        __global const real *image =
            x + (long)(row / s.out_height) * s.height * s.width * s.channels + c;
        __global const real *r0 = row_of(image, y0, s.height, s.width, s.channels);
        __global const real *r1 = row_of(image, y0 + 1, s.height, s.width, s.channels);
        __global const real *r2 = row_of(image, y0 + 2, s.height, s.width, s.channels);
        __global real *to = y + (long)row * s.out_width * s.channels + c;
        V shift = has_bias ? load(bias + c, count) : K(0);
        if (count >= LANES)
            depthwise_row(r0, r1, r2, s.width, w + c, shift, to, s.out_width, s.channels,
                s.stride_x, s.pad_left, 0, count, 0, 1);
        else
            depthwise_row(r0, r1, r2, s.width, w + c, shift, to, s.out_width, s.channels,
                s.stride_x, s.pad_left, 0, count, 0, 0);
    }
}

// stride 1.
KERNEL void depthwise_input_gradient(
    __global const real *dy, __global const real *w, __global real *dx, conv_shape s, real beta)
{
    int blocks = (s.channels - 1) / LANES + 1;
    FOR_ITEMS(item, s.batch * s.height * blocks) {
        int c = item % blocks * LANES, row = item / blocks, count = s.channels - c;
        int y0 = row % s.height - (2 - s.pad_top);
        __global const real *image =
            dy + (long)(row / s.height) * s.out_height * s.out_width * s.channels + c;
        __global const real *r0 = row_of(image, y0, s.out_height, s.out_width, s.channels);
        __global const real *r1 = row_of(image, y0 + 1, s.out_height, s.out_width, s.channels);
        __global const real *r2 = row_of(image, y0 + 2, s.out_height, s.out_width, s.channels);
        __global real *to = dx + (long)row * s.width * s.channels + c;
        if (count >= LANES)
            depthwise_row(r0, r1, r2, s.out_width, w + c, K(0), to, s.width, s.channels, 1,
                2 - s.pad_left, beta, count, 1, 1);
        else
            depthwise_row(r0, r1, r2, s.out_width, w + c, K(0), to, s.width, s.channels, 1,
                2 - s.pad_left, beta, count, 1, 0);
    }
}

// One row of sixteen channels of dx for any stride: rows r0, r1, r2 of dy belong to taps ky = 0, 1,
// 2, null where the tap falls between outputs or outside.
INLINE void spread_row(
    __global const real *r0, __global const real *r1, __global const real *r2, int width,
    __global const real *w, __global real *dx, int length, int channels, int stride, int pad,
    real beta, int count, const int whole)
{
    const int turned = 0;
    EACH_TAP(TAP_WEIGHT)
    // Column of the output for tap 0, and how far the input is behind it.
    int place = pad / stride, behind = pad % stride;
    for (int i = 0; i < length; i++) {
        V sum = K(0);
#define SPREAD_COLUMN(i, wa, wb, wc)                                                    \
        {                                                                               \
            int back = behind - i, o = place;                                           \
            while (back < 0) {                                                          \
                back += stride;                                                         \
                o--;                                                                    \
            }                                                                           \
            if (back == 0 && o >= 0 && o < width) {                                     \
                if (r0) sum += LOAD(r0 + o * channels) * wa;                            \
                if (r1) sum += LOAD(r1 + o * channels) * wb;                            \
                if (r2) sum += LOAD(r2 + o * channels) * wc;                            \
            }                                                                           \
        }
        SPREAD_COLUMN(0, w0, w3, w6)
        SPREAD_COLUMN(1, w1, w4, w7)
        SPREAD_COLUMN(2, w2, w5, w8)
        if (whole)
            vstore16(beta == 0 ? sum : sum + beta * vload16(0, dx), 0, dx);
        else
            accumulate(dx, sum, beta, count);
        dx += channels;
        if (++behind == stride) {
            behind = 0;
            place++;
        }
    }
}

INLINE __global const real *spread_source(
    __global const real *image, int at, int stride, int height, int width, int channels)
{
    return at >= 0 && at % stride == 0
        ? row_of(image, at / stride, height, width, channels) : 0;
}

KERNEL void depthwise_input_gradient_strided(
    __global const real *dy, __global const real *w, __global real *dx, conv_shape s, real beta)
{
    int blocks = (s.channels - 1) / LANES + 1;
    FOR_ITEMS(item, s.batch * s.height * blocks) {
        int c = item % blocks * LANES, row = item / blocks, count = s.channels - c;
        int at = row % s.height + s.pad_top;
        __global const real *image =
            dy + (long)(row / s.height) * s.out_height * s.out_width * s.channels + c;
        __global const real *r0 =
            spread_source(image, at, s.stride_y, s.out_height, s.out_width, s.channels);
        __global const real *r1 =
            spread_source(image, at - 1, s.stride_y, s.out_height, s.out_width, s.channels);
        __global const real *r2 =
            spread_source(image, at - 2, s.stride_y, s.out_height, s.out_width, s.channels);
        __global real *to = dx + (long)row * s.width * s.channels + c;
        if (count >= LANES)
            spread_row(r0, r1, r2, s.out_width, w + c, to, s.width, s.channels, s.stride_x,
                s.pad_left, beta, count, 1);
        else
            spread_row(r0, r1, r2, s.out_width, w + c, to, s.width, s.channels, s.stride_x,
                s.pad_left, beta, count, 0);
    }
}

// Adds one row of dy and its three rows of x to the nine sums at `sums`, sixteen channels each.
INLINE void gradient_row(
    __global const real *r0, __global const real *r1, __global const real *r2, int width,
    __global const real *dy, int length, int channels, int stride, int pad, real *sums, int count,
    const int whole)
{
#define TAP_LOAD(tap) V s##tap = vload16(tap, sums);
#define TAP_STORE(tap) vstore16(s##tap, tap, sums);
    EACH_TAP(TAP_LOAD)
    for (int o = 0; o < length; o++, dy += channels) {
        int x0 = o * stride - pad;
        V d = LOAD(dy);
#define GRADIENT_COLUMN(i, sa, sb, sc)                                                  \
        if ((uint)(x0 + i) < (uint)width) {                                             \
            if (r0) sa += LOAD(r0 + (x0 + i) * channels) * d;                           \
            if (r1) sb += LOAD(r1 + (x0 + i) * channels) * d;                           \
            if (r2) sc += LOAD(r2 + (x0 + i) * channels) * d;                           \
        }
        GRADIENT_COLUMN(0, s0, s3, s6)
        GRADIENT_COLUMN(1, s1, s4, s7)
        GRADIENT_COLUMN(2, s2, s5, s8)
    }
    EACH_TAP(TAP_STORE)
}

// partial[slice][9][c]: one item for each slice of `slice` rows of dy and sixteen channels.
KERNEL void depthwise_weight_gradient(
    __global const real *x, __global const real *dy, __global real *partial, conv_shape s,
    int slice, int slices)
{
    int blocks = (s.channels - 1) / LANES + 1;
    FOR_ITEMS(item, slices * blocks) {
        int c = item % blocks * LANES, first = item / blocks * slice, count = s.channels - c;
        real sums[9 * LANES];
        for (int tap = 0; tap < 9; tap++)
            vstore16(K(0), tap, sums);
        for (int row = first; row < min(first + slice, s.batch * s.out_height); row++) {
            int y0 = row % s.out_height * s.stride_y - s.pad_top;
            __global const real *image =
                x + (long)(row / s.out_height) * s.height * s.width * s.channels + c;
            __global const real *r0 = row_of(image, y0, s.height, s.width, s.channels);
            __global const real *r1 = row_of(image, y0 + 1, s.height, s.width, s.channels);
            __global const real *r2 = row_of(image, y0 + 2, s.height, s.width, s.channels);
            __global const real *from = dy + (long)row * s.out_width * s.channels + c;
            if (count >= LANES)
                gradient_row(r0, r1, r2, s.width, from, s.out_width, s.channels, s.stride_x,
                    s.pad_left, sums, count, 1);
            else
                gradient_row(r0, r1, r2, s.width, from, s.out_width, s.channels, s.stride_x,
                    s.pad_left, sums, count, 0);
        }
        for (int tap = 0; tap < 9; tap++)
            store(partial + ((long)(item / blocks) * 9 + tap) * s.channels + c,
                vload16(tap, sums), count);
    }
}
#endif
