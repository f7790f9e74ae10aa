// Two-dimensional convolution over channels-last data and its gradients (formulas and shapes:
// Ops/Convolution.cs). General kernels, right for any groups, stride, dilation and padding: one
// item for each pixel and LANES channels of the result. Faster ones:
//   _fat    processors, forward: a matrix product whose left panels are gathered from patches;
//           the gradients and special cases are in convolution_phases, convolution_weights,
//           convolution_few, depthwise and winograd.cl
//   GPUs    convolution_gpu.cl
// Depthwise (channels = groups = filters): _depthwise, one item for each pixel and LANES channels.
// A program holds one part, so that little is compiled for what is used; the shapes are in all.

#ifndef PART
#define PART -1          // 0: general, 1: matrix products, 2: depthwise, 3: none; other: all
#endif

#define HAS_PART(n) (PART == n || PART < 0)

#if HAS_PART(0)
KERNEL void convolution(
    __global const real *x, __global const real *w, __global const real *bias, __global real *y,
    conv_shape s, int has_bias)
{
    int group_channels = s.channels / s.groups, group_filters = s.filters / s.groups;
    int blocks = (group_filters - 1) / LANES + 1;
    FOR_ITEMS(item, s.batch * s.out_height * s.out_width * s.groups * blocks) {
        int block = item % blocks * LANES, rest = item / blocks;
        int group = rest % s.groups, pixel = rest / s.groups;
        int f = group * group_filters + block, count = group_filters - block;
        int ox = pixel % s.out_width, oy = pixel / s.out_width % s.out_height;
        int image = pixel / s.out_width / s.out_height;
        V sum = has_bias ? load(bias + f, count) : K(0);
        for (int ky = 0; ky < s.kernel_y; ky++) {
            int iy = oy * s.stride_y + ky * s.dilation_y - s.pad_top;
            if (iy < 0 || iy >= s.height) continue;
            for (int kx = 0; kx < s.kernel_x; kx++) {
                int ix = ox * s.stride_x + kx * s.dilation_x - s.pad_left;
                if (ix < 0 || ix >= s.width) continue;
                __global const real *px = x
                    + (((long)image * s.height + iy) * s.width + ix) * s.channels
                    + group * group_channels;
                __global const real *pw =
                    w + (long)(ky * s.kernel_x + kx) * group_channels * s.filters + f;
                for (int c = 0; c < group_channels; c++)
                    sum += px[c] * load(pw + (long)c * s.filters, count);
            }
        }
        store(y + (long)pixel * s.filters + f, sum, count);
    }
}

KERNEL void convolution_input_gradient(
    __global const real *dy, __global const real *w, __global real *dx, conv_shape s, real beta)
{
    int group_channels = s.channels / s.groups, group_filters = s.filters / s.groups;
    FOR_ITEMS(item, s.batch * s.height * s.width * s.channels) {
        int channel = item % s.channels, pixel = item / s.channels;
        int group = channel / group_channels, c = channel % group_channels;
        int ix = pixel % s.width, iy = pixel / s.width % s.height;
        int image = pixel / s.width / s.height;
        V sum = K(0);
        for (int ky = 0; ky < s.kernel_y; ky++) {
            int oy = iy + s.pad_top - ky * s.dilation_y;
            if (oy < 0 || oy % s.stride_y != 0 || oy / s.stride_y >= s.out_height) continue;
            for (int kx = 0; kx < s.kernel_x; kx++) {
                int ox = ix + s.pad_left - kx * s.dilation_x;
                if (ox < 0 || ox % s.stride_x != 0 || ox / s.stride_x >= s.out_width) continue;
                __global const real *p = dy + group * group_filters
                    + (((long)image * s.out_height + oy / s.stride_y) * s.out_width
                        + ox / s.stride_x) * s.filters;
                __global const real *pw = w + group * group_filters
                    + ((long)(ky * s.kernel_x + kx) * group_channels + c) * s.filters;
                for (int f = 0; f < group_filters; f += LANES)
                    sum += load_or(p + f, group_filters - f, 0)
                        * load_or(pw + f, group_filters - f, 0);
            }
        }
        real value = sum_lanes(sum);
        dx[item] = beta == 0 ? value : value + beta * dx[item];
    }
}

// One item for each tap, channel and LANES filters, over all pixels.
KERNEL void convolution_weight_gradient(
    __global const real *x, __global const real *dy, __global real *dw, conv_shape s, real beta)
{
    int group_channels = s.channels / s.groups, group_filters = s.filters / s.groups;
    int blocks = (group_filters - 1) / LANES + 1;
    FOR_ITEMS(item, s.kernel_y * s.kernel_x * group_channels * s.groups * blocks) {
        int block = item % blocks * LANES, rest = item / blocks;
        int group = rest % s.groups, element = rest / s.groups;
        int c = element % group_channels, tap = element / group_channels;
        int kx = tap % s.kernel_x, ky = tap / s.kernel_x;
        int f = group * group_filters + block, count = group_filters - block;
        V sum = K(0);
        for (int image = 0; image < s.batch; image++) {
            for (int oy = 0; oy < s.out_height; oy++) {
                int iy = oy * s.stride_y + ky * s.dilation_y - s.pad_top;
                if (iy < 0 || iy >= s.height) continue;
                for (int ox = 0; ox < s.out_width; ox++) {
                    int ix = ox * s.stride_x + kx * s.dilation_x - s.pad_left;
                    if (ix < 0 || ix >= s.width) continue;
                    long at = ((long)image * s.out_height + oy) * s.out_width + ox;
                    sum += x[(((long)image * s.height + iy) * s.width + ix) * s.channels
                               + group * group_channels + c]
                        * load_or(dy + at * s.filters + f, count, 0);
                }
            }
        }
        accumulate(dw + (long)element * s.filters + f, sum, beta, count);
    }
}

#endif

// ---- Matrix product over gathered patches (groups = 1) ----------------------------------------

// Where tap (ky, kx) of a target pixel reads its source: forward from x, backward from dy; null in
// the padding and between strides.
typedef struct {
    int image, y, x;
} pixel;

INLINE pixel pixel_at(int index, int height, int width)
{
    pixel p;
    p.x = index % width;
    p.y = index / width % height;
    p.image = index / width / height;
    return p;
}

INLINE pixel next_pixel(pixel p, int height, int width)
{
    if (++p.x == width) {
        p.x = 0;
        if (++p.y == height) {
            p.y = 0;
            p.image++;
        }
    }
    return p;
}

INLINE __global const real *patch_source(
    __global const real *x, const conv_shape *s, pixel o, int ky, int kx)
{
    int iy = o.y * s->stride_y + ky * s->dilation_y - s->pad_top;
    int ix = o.x * s->stride_x + kx * s->dilation_x - s->pad_left;
    if (iy < 0 || iy >= s->height || ix < 0 || ix >= s->width)
        return 0;
    return x + (((long)o.image * s->height + iy) * s->width + ix) * s->channels;
}

INLINE __global const real *gradient_source(
    __global const real *dy, const conv_shape *s, pixel i, int ky, int kx)
{
    int oy = i.y + s->pad_top - ky * s->dilation_y, ox = i.x + s->pad_left - kx * s->dilation_x;
    if (oy < 0 || ox < 0 || oy % s->stride_y != 0 || ox % s->stride_x != 0)
        return 0;
    oy /= s->stride_y;
    ox /= s->stride_x;
    if (oy >= s->out_height || ox >= s->out_width)
        return 0;
    return dy + (((long)i.image * s->out_height + oy) * s->out_width + ox) * s->filters;
}

#if HAS_PART(1)

#if FAT

// Runs of channels within one tap that a block of depth block_k can touch.
#define MAX_RUNS 24

// y (pixels x filters) = gathered patches (pixels x taps * channels) times weights; group (x, y)
// does `rows` pixels of group y of the convolution. With many channels patches are read where they
// lie, the padding from `zeros` (block_k of them); with few they are packed first. Scratch as for
// matmul_fat.
KERNEL void convolution_fat(
    __global const real *x, __global const real *w, __global const real *bias,
    __global const real *zeros, __global real *y, conv_shape s, int has_bias, int rows,
    int block_m, int block_n, int block_k, __local real *scratch)
{
    int n = s.filters / s.groups, channels = s.channels / s.groups;
    int k = s.kernel_y * s.kernel_x * channels, in_place = block_k / channels + 2 <= MAX_RUNS;
    int m0 = get_group_id(0) * rows, m1 = min(s.batch * s.out_height * s.out_width, m0 + rows);
    x += get_group_id(1) * channels;
    w += get_group_id(1) * n;
    y += get_group_id(1) * n;
    bias += has_bias ? get_group_id(1) * n : 0;
    __local real *packed_a = scratch, *packed_b = scratch + block_m * block_k + 16;
    __global const real *from[MAX_RUNS * TILE_M];
    int lengths[MAX_RUNS];
    for (int mb = m0; mb < m1; mb += block_m) {
        int tall = min(m1 - mb, block_m);
        for (int kb = 0; kb < k; kb += block_k) {
            int depth = min(k - kb, block_k), first = kb == 0;
            for (int nb = 0; nb < n; nb += block_n) {
                int wide = min(n - nb, block_n);
                for (int j = 0; j < wide; j += TILE_N)
                    pack_b_columns(w + (long)kb * s.filters + nb + j, s.filters, wide - j, depth,
                        packed_b + j * depth);
                for (int i = 0; i < tall; i += TILE_M) {
                    pixel pixels[TILE_M];
                    pixels[0] = pixel_at(mb + i, s.out_height, s.out_width);
                    for (int r = 1; r < TILE_M; r++)
                        pixels[r] = next_pixel(pixels[r - 1], s.out_height, s.out_width);
                    int runs = 0;
                    for (int at = 0, length; at < depth; at += length) {
                        int tap = (kb + at) / channels, c = (kb + at) % channels;
                        int ky = tap / s.kernel_x, kx = tap % s.kernel_x;
                        __global const real **run = from + (in_place ? runs * TILE_M : 0);
                        length = min(channels - c, depth - at);
                        for (int r = 0; r < TILE_M; r++) {
                            __global const real *p =
                                i + r >= tall ? 0 : patch_source(x, &s, pixels[r], ky, kx);
                            run[r] = p ? p + c : in_place ? zeros : 0;
                        }
                        if (in_place)
                            lengths[runs++] = length;
                        else
                            pack_rows(run, TILE_M, length, packed_a + at * TILE_M, TILE_M);
                    }
                    for (int j = 0; j < wide; j += TILE_N) {
                        __global real *c = y + (long)(mb + i) * s.filters + nb + j;
                        __local const real *b = packed_b + j * depth;
                        int some_rows = min(tall - i, TILE_M), columns = min(wide - j, TILE_N);
                        if (in_place)
                            tile_product_in_place(from, lengths, runs, b, bias + nb + j, c,
                                s.filters, some_rows, columns, has_bias && first, !first);
                        else
                            tile_product(packed_a, b, bias + nb + j, c, s.filters, depth,
                                some_rows, columns, has_bias && first, !first);
                    }
                }
            }
        }
    }
}
#endif
#endif

#if HAS_PART(2)
// ---- Depthwise: channels = groups = filters ---------------------------------------------------

KERNEL void convolution_depthwise(
    __global const real *x, __global const real *w, __global const real *bias, __global real *y,
    conv_shape s, int has_bias)
{
    int blocks = (s.channels - 1) / LANES + 1;
    FOR_ITEMS(item, s.batch * s.out_height * s.out_width * blocks) {
        int c = item % blocks * LANES, at = item / blocks, count = s.channels - c;
        pixel o = pixel_at(at, s.out_height, s.out_width);
        V sum = has_bias ? load(bias + c, count) : K(0);
        for (int ky = 0; ky < s.kernel_y; ky++) {
            for (int kx = 0; kx < s.kernel_x; kx++) {
                __global const real *p = patch_source(x, &s, o, ky, kx);
                if (p)
                    sum += load(p + c, count)
                        * load(w + (ky * s.kernel_x + kx) * s.channels + c, count);
            }
        }
        store(y + (long)at * s.channels + c, sum, count);
    }
}

KERNEL void convolution_input_gradient_depthwise(
    __global const real *dy, __global const real *w, __global real *dx, conv_shape s, real beta)
{
    int blocks = (s.channels - 1) / LANES + 1;
    FOR_ITEMS(item, s.batch * s.height * s.width * blocks) {
        int c = item % blocks * LANES, at = item / blocks, count = s.channels - c;
        pixel i = pixel_at(at, s.height, s.width);
        V sum = K(0);
        for (int ky = 0; ky < s.kernel_y; ky++) {
            for (int kx = 0; kx < s.kernel_x; kx++) {
                __global const real *p = gradient_source(dy, &s, i, ky, kx);
                if (p)
                    sum += load(p + c, count)
                        * load(w + (ky * s.kernel_x + kx) * s.channels + c, count);
            }
        }
        accumulate(dx + (long)at * s.channels + c, sum, beta, count);
    }
}

// partial[slice][tap][c]: one item for each slice of pixels, tap and LANES channels; the slices are
// added by reduce_sum_columns.
KERNEL void convolution_weight_gradient_depthwise(
    __global const real *x, __global const real *dy, __global real *partial, conv_shape s,
    int slice, int slices)
{
    int blocks = (s.channels - 1) / LANES + 1, taps = s.kernel_y * s.kernel_x;
    int pixels = s.batch * s.out_height * s.out_width;
    FOR_ITEMS(item, slices * taps * blocks) {
        int c = item % blocks * LANES, rest = item / blocks, count = s.channels - c;
        int tap = rest % taps, first = rest / taps * slice, last = min(pixels, first + slice);
        pixel o = pixel_at(first, s.out_height, s.out_width);
        V sum = K(0);
        for (int at = first; at < last; at++) {
            __global const real *p = patch_source(x, &s, o, tap / s.kernel_x, tap % s.kernel_x);
            if (p)
                sum += load(p + c, count) * load(dy + (long)at * s.channels + c, count);
            o = next_pixel(o, s.out_height, s.out_width);
        }
        store(partial + (long)rest * s.channels + c, sum, count);
    }
}

#endif
