// Convolution of images with few channels (a first layer) and the gradient of its weights, on
// processors (FAT=1), for one group and any kernel, stride, dilation and padding. For each row of
// outputs the rows of x that it reads are copied into scratch between their padding. There pixel i
// of the row begins i * stride_x * channels behind the first, and the taps of one kernel row lie
// together, so a small matrix product reads patches where they lie.
// Program = common.cl, tile.cl, the shapes of convolution.cl, and this.

#if FAT

#define STRIP 8          // elements of a kernel row in a register tile of the gradient

#define EACH_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

// Elements of one padded row of x, with room for what whole tiles read too much.
INLINE int padded_row(const conv_shape *s)
{
    int pixels = (s->out_width + TILE_M) * s->stride_x + s->kernel_x * s->dilation_x;
    return max(pixels, s->width + s->pad_left) * s->channels + 16;
}

// rows[kernel_y][padded_row]: what output row `row` of all images' rows reads, zeros outside.
INLINE void copy_rows(
    __global const real *x, const conv_shape *s, int row, int length, __local real *rows)
{
    int y0 = row % s->out_height * s->stride_y - s->pad_top;
    int left = s->pad_left * s->channels, inner = s->width * s->channels;
    for (int ky = 0; ky < s->kernel_y; ky++, rows += length) {
        int iy = y0 + ky * s->dilation_y, inside = iy >= 0 && iy < s->height;
        __global const real *p = x + ((long)(row / s->out_height) * s->height + iy) * inner;
        for (int e = 0; e < length; e++)
            rows[e] = 0;
        for (int e = 0; inside && e < inner; e++)
            rows[left + e] = p[e];
    }
}

#define PATCH_STEP(i) STEP(i, a[i * pixel_step + p])

// c = patches of twelve pixels, `pixel_step` apart, times b[elements][32] + bias. Taps lie in
// `runs` runs of `run` elements each, `run_step` apart, in each of `kernel_y` rows.
INLINE void patch_tile(
    __local const real *row, int length, int kernel_y, int pixel_step, int runs, int run,
    int run_step, __local const real *b, __global const real *bias, __global real *c, long stride,
    int rows, int columns, int has_bias)
{
    const real scale = 0;
    EACH_ROW(START)
    for (int ky = 0; ky < kernel_y; ky++, row += length) {
        __local const real *a = row;
        for (int kx = 0; kx < runs; kx++, a += run_step) {
            for (int p = 0; p < run; p++, b += TILE_N) {
                real16 b0 = *(__local const real16 *)b;
                real16 b1 = *(__local const real16 *)(b + 16);
                EACH_ROW(PATCH_STEP)
            }
        }
    }
    TILE_END
}

// Group x takes `rows` rows of outputs.
// Scratch: elements x filters (in whole 32s), kernel_y padded rows.
KERNEL void convolution_few_channels(
    __global const real *x, __global const real *w, __global const real *bias,
    __global real *y, conv_shape s, int has_bias, int rows, __local real *packed)
{
    int elements = s.kernel_y * s.kernel_x * s.channels, panels = (s.filters - 1) / TILE_N + 1;
    int first = get_group_id(0) * rows, last = min(s.batch * s.out_height, first + rows);
    int length = padded_row(&s), pixel_step = s.stride_x * s.channels;
    int together = s.dilation_x == 1, runs = together ? 1 : s.kernel_x;
    int run = together ? s.kernel_x * s.channels : s.channels;
    __local real *copied = packed + panels * elements * TILE_N;
    for (int j = 0; j < panels; j++)
        pack_b_columns(w + j * TILE_N, s.filters, s.filters - j * TILE_N, elements,
            packed + j * elements * TILE_N);
    for (int row = first; row < last; row++) {
        copy_rows(x, &s, row, length, copied);
        for (int i = 0; i < s.out_width; i += TILE_M)
            for (int j = 0; j < panels; j++)
                patch_tile(copied + i * pixel_step, length, s.kernel_y, pixel_step, runs, run,
                    s.dilation_x * s.channels, packed + j * elements * TILE_N,
                    bias + j * TILE_N,
                    y + ((long)row * s.out_width + i) * s.filters + j * TILE_N, s.filters,
                    min(s.out_width - i, TILE_M), min(s.filters - j * TILE_N, TILE_N), has_bias);
    }
}

#define STRIP_STEP(i) STEP(i, a[i])
#define STRIP_LOAD(i) \
    real16 c##i##_0 = vload16(2 * i, sums), c##i##_1 = vload16(2 * i + 1, sums);
#define STRIP_STORE(i)                               \
    vstore16(c##i##_0, 2 * i, sums);                 \
    vstore16(c##i##_1, 2 * i + 1, sums);

// sums[8][32] += eight elements at a times 32 at b, over the pixels of a row.
INLINE void strip_product(
    __local const real *a, int pixel_step, __local const real *b, int pixels, __local real *sums)
{
    EACH_8(STRIP_LOAD)
    for (int t = 0; t < pixels; t++, a += pixel_step, b += TILE_N) {
        real16 b0 = *(__local const real16 *)b;
        real16 b1 = *(__local const real16 *)(b + 16);
        EACH_8(STRIP_STEP)
    }
    EACH_8(STRIP_STORE)
}

// partial[slice][element][f], a group for each slice of `slice` rows of outputs. Scratch:
// out_width x filters of dy, sums of `strips` strips x filters, kernel_y padded rows; filters in
// whole 32s.
KERNEL void convolution_weight_gradient_few(
    __global const real *x, __global const real *dy, __global real *partial, conv_shape s,
    int slice, __local real *packed)
{
    int first = get_group_id(0) * slice, last = min(s.batch * s.out_height, first + slice);
    int panels = (s.filters - 1) / TILE_N + 1, length = padded_row(&s);
    int together = s.dilation_x == 1, runs = s.kernel_y * (together ? 1 : s.kernel_x);
    int run = together ? s.kernel_x * s.channels : s.channels, strips = (run - 1) / STRIP + 1;
    __local real *sums = packed + panels * s.out_width * TILE_N;
    __local real *copied = sums + runs * strips * panels * STRIP * TILE_N;
    for (int e = 0; e < runs * strips * panels * STRIP * 2; e++)
        vstore16((real16)(0), e, sums);
    for (int row = first; row < last; row++) {
        copy_rows(x, &s, row, length, copied);
        for (int j = 0; j < panels; j++)
            pack_b_columns(dy + (long)row * s.out_width * s.filters + j * TILE_N, s.filters,
                s.filters - j * TILE_N, s.out_width, packed + j * s.out_width * TILE_N);
        for (int r = 0; r < runs; r++) {
            int ky = together ? r : r / s.kernel_x, kx = together ? 0 : r % s.kernel_x;
            for (int e = 0; e < strips; e++)
                for (int j = 0; j < panels; j++)
                    strip_product(
                        copied + ky * length + kx * s.dilation_x * s.channels + e * STRIP,
                        s.stride_x * s.channels, packed + j * s.out_width * TILE_N, s.out_width,
                        sums + ((r * strips + e) * panels + j) * STRIP * TILE_N);
        }
    }
    partial += (long)get_group_id(0) * runs * run * s.filters;
    for (int element = 0; element < runs * run; element++) {
        int r = element / run, e = element % run;
        __local const real *from =
            sums + ((r * strips + e / STRIP) * panels * STRIP + e % STRIP) * TILE_N;
        for (int f = 0; f < s.filters; f++)
            partial[(long)element * s.filters + f] =
                from[f / TILE_N * STRIP * TILE_N + f % TILE_N];
    }
}
#endif
