// Two-dimensional convolution over channels-last data and its gradients (formulas and shapes:
// Ops/Convolution.cs). General kernels, right for any groups, stride, dilation and padding: one item
// for each pixel and LANES channels of the result. Variants for one group (groups = 1):
//   _fat    processors: a matrix product whose left panels are gathered from patches into scratch

typedef struct {
    int batch, height, width, channels, filters;
    int kernel_y, kernel_x, stride_y, stride_x;
    int pad_top, pad_bottom, pad_left, pad_right;
    int dilation_y, dilation_x, groups;
    int out_height, out_width;
} conv_shape;

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
            if (iy < 0 || iy >= s.height)
                continue;
            for (int kx = 0; kx < s.kernel_x; kx++) {
                int ix = ox * s.stride_x + kx * s.dilation_x - s.pad_left;
                if (ix < 0 || ix >= s.width)
                    continue;
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
            if (oy < 0 || oy % s.stride_y != 0 || oy / s.stride_y >= s.out_height)
                continue;
            for (int kx = 0; kx < s.kernel_x; kx++) {
                int ox = ix + s.pad_left - kx * s.dilation_x;
                if (ox < 0 || ox % s.stride_x != 0 || ox / s.stride_x >= s.out_width)
                    continue;
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
                if (iy < 0 || iy >= s.height)
                    continue;
                for (int ox = 0; ox < s.out_width; ox++) {
                    int ix = ox * s.stride_x + kx * s.dilation_x - s.pad_left;
                    if (ix < 0 || ix >= s.width)
                        continue;
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

#if FAT
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

// target (pixels x n) = gathered patches (pixels x taps * depth) times the weights, for this group's
// `rows` pixels. backward 0: y from x, weights as [tap][c][f]. backward 1: dx from dy, their
// transpose. Scratch as for matmul_fat.
INLINE void patch_product(
    __global const real *source, __global const real *w, __global const real *bias,
    __global real *target, conv_shape s, int has_bias, real beta, int rows, int block_m,
    int block_n, int block_k, __local real *scratch, const int backward)
{
    int height = backward ? s.height : s.out_height, width = backward ? s.width : s.out_width;
    int n = backward ? s.channels : s.filters, channels = backward ? s.filters : s.channels;
    int k = s.kernel_y * s.kernel_x * channels;
    int m0 = get_group_id(0) * rows, m1 = min(s.batch * height * width, m0 + rows);
    __local real *packed_a = scratch, *packed_b = scratch + block_m * block_k + 16;
    for (int mb = m0; mb < m1; mb += block_m) {
        int tall = min(m1 - mb, block_m);
        for (int kb = 0; kb < k; kb += block_k) {
            int depth = min(k - kb, block_k);
            for (int i = 0; i < tall; i += TILE_M) {
                pixel pixels[TILE_M];
                pixels[0] = pixel_at(mb + i, height, width);
                for (int r = 1; r < TILE_M; r++)
                    pixels[r] = next_pixel(pixels[r - 1], height, width);
                // Runs of channels within one tap.
                for (int at = 0, length; at < depth; at += length) {
                    int tap = (kb + at) / channels, c = (kb + at) % channels;
                    int ky = tap / s.kernel_x, kx = tap % s.kernel_x;
                    length = min(channels - c, depth - at);
                    __global const real *from[TILE_M];
                    for (int r = 0; r < TILE_M; r++) {
                        __global const real *p = i + r >= tall ? 0
                            : backward ? gradient_source(source, &s, pixels[r], ky, kx)
                                       : patch_source(source, &s, pixels[r], ky, kx);
                        from[r] = p ? p + c : 0;
                    }
                    pack_rows(from, TILE_M, length, packed_a + i * depth + at * TILE_M, TILE_M);
                }
            }
            for (int nb = 0; nb < n; nb += block_n) {
                int wide = min(n - nb, block_n);
                for (int j = 0; j < wide; j += TILE_N) {
                    __local real *d = packed_b + j * depth;
                    if (!backward) {
                        pack_b_columns(w + (long)kb * n + nb + j, n, wide - j, depth, d);
                        continue;
                    }
                    for (int at = 0, length; at < depth; at += length) {
                        int tap = (kb + at) / channels, f = (kb + at) % channels;
                        length = min(channels - f, depth - at);
                        pack_b_rows(w + ((long)tap * n + nb + j) * channels + f, channels,
                            wide - j, length, d + at * TILE_N);
                    }
                }
                block_product(packed_a, packed_b, bias + nb, target + (long)mb * n + nb, n, depth,
                    tall, wide, has_bias && kb == 0, kb == 0 ? beta : 1);
            }
        }
    }
}

KERNEL void convolution_fat(
    __global const real *x, __global const real *w, __global const real *bias, __global real *y,
    conv_shape s, int has_bias, int rows, int block_m, int block_n, int block_k,
    __local real *scratch)
{
    patch_product(x, w, bias, y, s, has_bias, 0, rows, block_m, block_n, block_k, scratch, 0);
}

KERNEL void convolution_input_gradient_fat(
    __global const real *dy, __global const real *w, __global real *dx, conv_shape s, real beta,
    int rows, int block_m, int block_n, int block_k, __local real *scratch)
{
    patch_product(dy, w, w, dx, s, 0, beta, rows, block_m, block_n, block_k, scratch, 1);
}

// Columns e ... e + 31 of the patches of `depth` pixels: d[k][32].
INLINE void pack_patches(
    __global const real *x, const conv_shape *s, int first, int depth, int e, int columns,
    __local real *d)
{
    // Sixteen elements at a time where they lie together in x, else one at a time.
    int step = s->channels % 16 == 0 && columns >= 16 ? 16 : 1;
    for (int j = 0; j < TILE_N; j += step) {
        int tap = (e + j) / s->channels, c = (e + j) % s->channels;
        int ky = tap / s->kernel_x, kx = tap % s->kernel_x;
        int inside = j < columns;
        pixel o = pixel_at(first, s->out_height, s->out_width);
        for (int k = 0; k < depth; k++) {
            __global const real *p = inside ? patch_source(x, s, o, ky, kx) : 0;
            if (step == 16)
                vstore16(p ? vload16(0, p + c) : (real16)(0), 0, d + k * TILE_N + j);
            else
                d[k * TILE_N + j] = p ? p[c] : 0;
            o = next_pixel(o, s->out_height, s->out_width);
        }
    }
}

// partial[slice][f][element] = sum over the slice's `pixels` pixels of dy[pixel][f] times the
// patch's element. Group (x, y) does `columns` elements of slice y.
KERNEL void convolution_weight_gradient_fat(
    __global const real *x, __global const real *dy, __global real *partial, conv_shape s,
    int columns, int pixels, int block_m, int block_n, int block_k, __local real *scratch)
{
    int n = s.kernel_y * s.kernel_x * s.channels, k = s.batch * s.out_height * s.out_width;
    int n0 = get_group_id(0) * columns, n1 = min(n, n0 + columns);
    int k0 = get_group_id(1) * pixels, k1 = min(k, k0 + pixels);
    __local real *packed_a = scratch, *packed_b = scratch + block_m * block_k + 16;
    __global real *c = partial + (long)get_group_id(1) * s.filters * n;
    for (int nb = n0; nb < n1; nb += block_n) {
        int wide = min(n1 - nb, block_n);
        for (int kb = k0; kb < k1; kb += block_k) {
            int depth = min(k1 - kb, block_k);
            for (int j = 0; j < wide; j += TILE_N)
                pack_patches(x, &s, kb, depth, nb + j, wide - j, packed_b + j * depth);
            for (int mb = 0; mb < s.filters; mb += block_m) {
                int tall = min(s.filters - mb, block_m);
                for (int i = 0; i < tall; i += TILE_M)
                    pack_a_columns(dy + (long)kb * s.filters + mb + i, s.filters, tall - i, depth,
                        packed_a + i * depth);
                block_product(packed_a, packed_b, dy, c + (long)mb * n + nb, n, depth, tall, wide,
                    0, kb == k0 ? 0 : 1);
            }
        }
    }
}

// dw[element][f] = sum over slices, in their order, of partial[slice][f][element] + beta * dw.
KERNEL void convolution_weight_gradient_sum(
    __global const real *partial, __global real *dw, int elements, int filters, int slices,
    real beta)
{
    FOR_ITEMS(element, elements) {
        for (int f = 0; f < filters; f++) {
            real sum = 0;
            for (int slice = 0; slice < slices; slice++)
                sum += partial[((long)slice * filters + f) * elements + element];
            long at = (long)element * filters + f;
            dw[at] = beta == 0 ? sum : sum + beta * dw[at];
        }
    }
}
#endif
