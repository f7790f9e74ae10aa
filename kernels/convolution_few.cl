// Convolution of images with few channels (a first layer) and the gradient of its weights, on
// processors (FAT=1), for one group and any kernel, stride, dilation and padding. Patches of a
// block of pixels are copied into scratch as rows of `elements` numbers, zeros where the padding
// is; the rest is a small matrix product over them.
// Program = common.cl, tile.cl, the shapes of convolution.cl, and this.

#if FAT

#define MAX_PIXELS 192   // pixels gathered at a time, in whole 12s
#define STRIP 8          // elements of a patch in a register tile of the gradient

#define EACH_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

// `count` elements, sixteen at a time where as many can be read: what is written too much is
// overwritten by what follows.
INLINE void copy_run(
    __global const real *p, __global const real *end, int count, __local real *d)
{
    for (int e = 0; e < count; e += 16) {
        if (p + e + 16 <= end)
            vstore16(vload16(0, p + e), 0, d + e);
        else
            for (int i = e; i < count; i++)
                d[i] = p[i];
    }
}

// d[pixels][row] for `pixels` pixels from `first`; row >= elements.
INLINE void gather_patches(
    __global const real *x, const conv_shape *s, int first, int pixels, int row, __local real *d)
{
    __global const real *end = x + (long)s->batch * s->height * s->width * s->channels;
    int run = s->kernel_x * s->channels;
    pixel o = pixel_at(first, s->out_height, s->out_width);
    for (int k = 0; k < pixels; k++, d += row) {
        int x0 = o.x * s->stride_x - s->pad_left;
        int together = s->dilation_x == 1 && x0 >= 0 && x0 + s->kernel_x <= s->width;
        for (int ky = 0; ky < s->kernel_y; ky++) {
            __local real *q = d + ky * run;
            int iy = o.y * s->stride_y + ky * s->dilation_y - s->pad_top;
            if (together && iy >= 0 && iy < s->height) {
                long at = (((long)o.image * s->height + iy) * s->width + x0) * s->channels;
                copy_run(x + at, end, run, q);
                continue;
            }
            for (int kx = 0; kx < s->kernel_x; kx++) {
                __global const real *p = patch_source(x, s, o, ky, kx);
                for (int c = 0; c < s->channels; c++)
                    q[kx * s->channels + c] = p ? p[c] : 0;
            }
        }
        o = next_pixel(o, s->out_height, s->out_width);
    }
}

#define PATCH_STEP(i) STEP(i, a[i * row + p])

// c = rows of patches, `row` apart, times b[elements][32] + bias.
INLINE void patch_tile(
    __local const real *a, int row, int elements, __local const real *b,
    __global const real *bias, __global real *c, long stride, int rows, int columns, int has_bias)
{
    const real scale = 0;
    EACH_ROW(START)
    for (int p = 0; p < elements; p++, b += TILE_N) {
        real16 b0 = *(__local const real16 *)b;
        real16 b1 = *(__local const real16 *)(b + 16);
        EACH_ROW(PATCH_STEP)
    }
    TILE_END
}

// Scratch: elements x filters (in whole 32s), MAX_PIXELS x row, 16.
KERNEL void convolution_few_channels(
    __global const real *x, __global const real *w, __global const real *bias,
    __global real *y, conv_shape s, int has_bias, int rows, int row, __local real *packed)
{
    int elements = s.kernel_y * s.kernel_x * s.channels;
    int m0 = get_group_id(0) * rows, m1 = min(s.batch * s.out_height * s.out_width, m0 + rows);
    int panels = (s.filters - 1) / TILE_N + 1;
    __local real *patches = packed + panels * elements * TILE_N;
    for (int j = 0; j < panels; j++)
        pack_b_columns(w + j * TILE_N, s.filters, s.filters - j * TILE_N, elements,
            packed + j * elements * TILE_N);
    for (int block = m0; block < m1; block += MAX_PIXELS) {
        int pixels = min(m1 - block, MAX_PIXELS);
        gather_patches(x, &s, block, pixels, row, patches);
        for (int i = 0; i < pixels; i += TILE_M)
            for (int j = 0; j < panels; j++)
                patch_tile(patches + i * row, row, elements, packed + j * elements * TILE_N,
                    bias + j * TILE_N, y + (long)(block + i) * s.filters + j * TILE_N, s.filters,
                    min(pixels - i, TILE_M), min(s.filters - j * TILE_N, TILE_N), has_bias);
    }
}

#define STRIP_STEP(i) STEP(i, a[i])

// part[8][32] = sum over pixels of eight elements at a and 32 at b.
INLINE void strip_product(
    __local const real *a, int row, __local const real *b, int pixels, real *part)
{
    EACH_8(START)
    for (int t = 0; t < pixels; t++, a += row, b += TILE_N) {
        real16 b0 = *(__local const real16 *)b;
        real16 b1 = *(__local const real16 *)(b + 16);
        EACH_8(STRIP_STEP)
    }
    EACH_8(SPILL)
}

// partial[slice][element][f], a group for each slice of pixels. Scratch: MAX_PIXELS x filters (in
// whole 32s), MAX_PIXELS x row, 16.
KERNEL void convolution_weight_gradient_few(
    __global const real *x, __global const real *dy, __global real *partial, conv_shape s,
    int slice, int row, __local real *packed)
{
    int elements = s.kernel_y * s.kernel_x * s.channels, first = get_group_id(0) * slice;
    int last = min(s.batch * s.out_height * s.out_width, first + slice);
    int panels = (s.filters - 1) / TILE_N + 1;
    __local real *patches = packed + panels * MAX_PIXELS * TILE_N;
    __global real *target = partial + (long)get_group_id(0) * elements * s.filters;
    for (int block = first; block < last; block += MAX_PIXELS) {
        int pixels = min(last - block, MAX_PIXELS);
        gather_patches(x, &s, block, pixels, row, patches);
        for (int j = 0; j < panels; j++)
            pack_b_columns(dy + (long)block * s.filters + j * TILE_N, s.filters,
                s.filters - j * TILE_N, pixels, packed + j * MAX_PIXELS * TILE_N);
        for (int e = 0; e < elements; e += STRIP) {
            for (int j = 0; j < panels; j++) {
                real part[STRIP * TILE_N];
                int columns = s.filters - j * TILE_N;
                strip_product(patches + e, row, packed + j * MAX_PIXELS * TILE_N, pixels, part);
                for (int r = 0; r < min(STRIP, elements - e); r++)
                    for (int f = 0; f < min(columns, TILE_N); f += 16)
                        accumulate(target + (long)(e + r) * s.filters + j * TILE_N + f,
                            vload16(0, part + r * TILE_N + f), block > first, columns - f);
            }
        }
    }
}
#endif
