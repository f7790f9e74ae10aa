// Gradient of a convolution's weights as a matrix product on processors (FAT=1), for any stride,
// dilation, padding and groups.
//   dw[tap, c, f] = sum over pixels of x[pixel's source for the tap, c] dy[pixel, f]
// For one tap the pixels whose source lies inside the image are listed once; then eight channels
// are read where they lie, against panels of dy packed as [pixel][32]. Padding costs nothing.
// Program = common.cl, tile.cl, the shapes of convolution.cl, and this.

#if FAT

#define STRIP 8          // channels of a register tile
#define MAX_PIXELS 256   // pixels listed and packed at a time

#define EACH_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

#define STRIP_STEP(i)                                \
    {                                                \
        real16 v = (real16)(p[i]);                   \
        c##i##_0 = v * b0 + c##i##_0;                \
        if (wide)                                    \
            c##i##_1 = v * b1 + c##i##_1;            \
    }

// part[8][32] = sum over listed pixels of eight elements at from[t] + offset and 32 (16 where not
// wide) at b + at[t].
INLINE void strip_product(
    __global const real *const *from, const int *at, int count, int offset,
    __local const real *b, real *part, const int wide)
{
    EACH_8(START)
    for (int t = 0; t < count; t++) {
        __global const real *p = from[t] + offset;
        real16 b0 = *(__local const real16 *)(b + at[t]);
        real16 b1 = wide ? *(__local const real16 *)(b + at[t] + 16) : b0;
        EACH_8(STRIP_STEP)
    }
    EACH_8(SPILL)
}

// partial[slice][tap][c][f]: group (x, y, z) does one tap and `columns` filters of one group of the
// convolution, slice y of `slice` pixels. Needs eight channels in all, so that a strip fits into a
// row of x. Scratch: MAX_PIXELS x columns in whole 32s.
KERNEL void convolution_weight_gradient_taps(
    __global const real *x, __global const real *dy, __global real *partial, conv_shape s,
    int columns, int slice, __local real *packed)
{
    int taps = s.kernel_y * s.kernel_x, tap = get_group_id(0) % taps, group = get_group_id(2);
    int channels = s.channels / s.groups, filters = s.filters / s.groups;
    int ky = tap / s.kernel_x, kx = tap % s.kernel_x;
    int f0 = get_group_id(0) / taps * columns, wide = min(filters - f0, columns);
    int first = get_group_id(1) * slice;
    int last = min(s.batch * s.out_height * s.out_width, first + slice);
    __global real *target = partial + group * filters + f0
        + ((long)get_group_id(1) * taps + tap) * channels * s.filters;
    __global const real *from[MAX_PIXELS];
    int at[MAX_PIXELS];
    for (int block = first; block < last; block += MAX_PIXELS) {
        int depth = min(last - block, MAX_PIXELS), count = 0;
        pixel o = pixel_at(block, s.out_height, s.out_width);
        for (int k = 0; k < depth; k++) {
            __global const real *p = patch_source(x, &s, o, ky, kx);
            from[count] = p;
            at[count] = k * TILE_N;
            count += p != 0;
            o = next_pixel(o, s.out_height, s.out_width);
        }
        for (int j = 0; j < wide; j += TILE_N)
            pack_b_columns(dy + (long)block * s.filters + group * filters + f0 + j, s.filters,
                wide - j, depth, packed + j * MAX_PIXELS);
        for (int c = 0; c < channels; c += STRIP) {
            // The last strip starts earlier where it would reach beyond the row.
            int start = min(group * channels + c, s.channels - STRIP);
            int skip = group * channels + c - start, end = min(STRIP, skip + channels - c);
            for (int j = 0; j < wide; j += TILE_N) {
                real part[STRIP * TILE_N];
                if (wide - j > 16)
                    strip_product(from, at, count, start, packed + j * MAX_PIXELS, part, 1);
                else
                    strip_product(from, at, count, start, packed + j * MAX_PIXELS, part, 0);
                for (int r = skip; r < end; r++)
                    for (int e = 0; e < TILE_N && j + e < wide; e += 16)
                        accumulate(target + (long)(c + r - skip) * s.filters + j + e,
                            vload16(0, part + r * TILE_N + e), block > first, wide - j - e);
            }
        }
    }
}
#endif
