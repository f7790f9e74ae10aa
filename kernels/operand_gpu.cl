// What the tiles of tile_gpu.cl and tile_mma.cl are filled from. Both sides of a product are seen
// as rows i (of a) or columns i (of b) against depth p, and are read four elements at a time:
//   along 1: p ... p + 3 of one i       along 0: i ... i + 3 at one p
// A kind of operand is a struct KIND_side that all items share and three functions: KIND_row of
// what stays the same for one i, KIND_depth of what stays the same for one p, and KIND_fetch of the
// four elements, zeros outside. WIDE says where the four lie together, 16-byte aligned.
//   matrix   rows or columns of a contiguous matrix
//   patch    rows are pixels, p = tap * channels + channel of what a filter there sees; along
//   column   the same turned: i is the element of the patch, p the pixel; across
//   weight   weights turned for the gradient of the input: i is the channel, p = tap * filters + f

// Each kind names the type of what its KIND_row gives KIND_at.

#ifndef PRODUCT
#define PRODUCT 0        // 0 matmul, 1 convolution, 2 gradient of its input, 3 of its weights
#endif
#ifndef TURN
#define TURN 0           // matmul, bits: 1 a lies as k x m, 2 b lies as n x k
#endif
#ifndef WIDE
#define WIDE 0           // bits: 1 operand a, 2 operand b, 4 result c
#endif

#if PRODUCT == 0
#define A_KIND matrix
#define B_KIND matrix
#define A_ALONG (!(TURN & 1))
#define B_ALONG (TURN >> 1 & 1)
#elif PRODUCT == 1
#define A_KIND patch
#define B_KIND matrix
#define A_ALONG 1
#define B_ALONG 0
#elif PRODUCT == 2
#define A_KIND patch
#define B_KIND weight
#define A_ALONG 1
#define B_ALONG 1
#else
#define A_KIND column
#define B_KIND matrix
#define A_ALONG 0
#define B_ALONG 0
#endif
#define WIDE_A (WIDE & 1)
#define WIDE_B (WIDE >> 1 & 1)
#define WIDE_C (WIDE & 4)

// Division by a number that is the same for all items, as one multiplication where that is exact.
typedef struct {
    uint divisor, magic;
} divider;

// Exact up to `limit`: ceil(2^32 / d) is too large by less than d / 2^32 of the quotient's unit.
INLINE divider divider_of(uint d, ulong limit)
{
    divider result = {d, d > 1 && limit * d < (1UL << 32) ? 0xffffffffu / d + 1 : 0};
    return result;
}

// Numbers up to which a tile asks beyond n: it may begin in front of n and is read whole.
#define BEHIND(n) ((ulong)(n) + 1024)

INLINE int divide(int n, divider d)
{
    return d.magic ? (int)mul_hi((uint)n, d.magic) : (int)((uint)n / d.divisor);
}

// The first `count` of the four elements at p, zeros for the others.
INLINE float4 load_four(__global const real *p, int count, int wide)
{
    if (wide)
        return count > 0 ? *(__global const float4 *)p : (float4)(0);
    return (float4)(count > 0 ? p[0] : 0, count > 1 ? p[1] : 0, count > 2 ? p[2] : 0,
        count > 3 ? p[3] : 0);
}

// ---- matrix -----------------------------------------------------------------------------------

typedef struct {
    __global const real *p;
    int stride, extent, along;   // extent: how many rows (along) or columns (across)
} matrix_side;

typedef struct {
    __global const real *p;
    int count;
} matrix_at;

INLINE matrix_at matrix_row(const matrix_side *m, int i)
{
    matrix_at row = {m->p + (m->along ? (long)i * m->stride : i), m->extent - i};
    return row;
}

INLINE int matrix_depth(const matrix_side *m, int p) { return p; }

INLINE float4 matrix_fetch(
    const matrix_side *m, matrix_at row, int depth, int i, int p, int last, int wide)
{
    return m->along ? load_four(row.p + p, row.count > 0 ? last - p : 0, wide)
                    : load_four(row.p + (long)p * m->stride, p < last ? row.count : 0, wide);
}

#if PRODUCT != 0

// ---- patch and column ---------------------------------------------------------------------------

// A grid of pixels and the taps around each: pixel (y, x) of the grid and tap (i, j) meet at
// (y * step_y + start_y + i * tap_y, ...) of an image. Forward the image is x and the grid is y's;
// backward the image is dy, and the grid every stride-th pixel of x (see phase_of).
typedef struct {
    __global const real *image;
    int height, width, channels;             // of the image
    int grid_height, grid_width, pixels, elements;
    int step_y, step_x, start_y, start_x, tap_y, tap_x, taps_x;
    divider by_channels, by_taps, by_width, by_height;
} patch_side;

typedef patch_side column_side;

typedef struct {
    int line, y, x;
} pixel_place;

typedef struct {
    int channel, y, x;
} tap_place;

typedef pixel_place patch_at;
typedef tap_place column_at;
typedef int weight_at;

#define OUTSIDE (-(1 << 29))

INLINE pixel_place place_of_pixel(const patch_side *a, int i)
{
    int row = divide(i, a->by_width), image = divide(row, a->by_height);
    pixel_place at = {image * a->height,
        (row - image * a->grid_height) * a->step_y + a->start_y,
        (i - row * a->grid_width) * a->step_x + a->start_x};
    at.y = i < a->pixels ? at.y : OUTSIDE;
    return at;
}

INLINE tap_place place_of_tap(const patch_side *a, int element)
{
    int tap = divide(element, a->by_channels), ky = divide(tap, a->by_taps);
    tap_place at = {element - tap * a->channels, ky * a->tap_y, (tap - ky * a->taps_x) * a->tap_x};
    at.y = element < a->elements ? at.y : OUTSIDE;
    return at;
}

// Where pixel and tap meet; `inside` says whether that may be read.
INLINE __global const real *meeting(
    const patch_side *a, pixel_place at, tap_place tap, int *inside)
{
    int y = at.y + tap.y, x = at.x + tap.x;
    *inside = (uint)y < (uint)a->height && (uint)x < (uint)a->width;
    return a->image + ((long)(at.line + y) * a->width + x) * a->channels + tap.channel;
}

INLINE real patch_element(const patch_side *a, pixel_place at, tap_place tap)
{
    int inside;
    __global const real *p = meeting(a, at, tap, &inside);
    return inside ? *p : 0;
}

INLINE float4 patch_four(const patch_side *a, pixel_place at, tap_place tap)
{
    int inside;
    __global const real *p = meeting(a, at, tap, &inside);
    return inside ? *(__global const float4 *)p : (float4)(0);
}

INLINE pixel_place patch_row(const patch_side *a, int i) { return place_of_pixel(a, i); }

INLINE tap_place patch_depth(const patch_side *a, int p) { return place_of_tap(a, p); }

INLINE float4 patch_fetch(
    const patch_side *a, pixel_place row, tap_place depth, int i, int p, int last, int wide)
{
    if (wide)
        return p < last ? patch_four(a, row, depth) : (float4)(0);
    float4 v;
    v.x = p < last ? patch_element(a, row, depth) : 0;
    v.y = p + 1 < last ? patch_element(a, row, place_of_tap(a, p + 1)) : 0;
    v.z = p + 2 < last ? patch_element(a, row, place_of_tap(a, p + 2)) : 0;
    v.w = p + 3 < last ? patch_element(a, row, place_of_tap(a, p + 3)) : 0;
    return v;
}

INLINE tap_place column_row(const patch_side *a, int i) { return place_of_tap(a, i); }

INLINE pixel_place column_depth(const patch_side *a, int p) { return place_of_pixel(a, p); }

INLINE float4 column_fetch(
    const patch_side *a, tap_place row, pixel_place depth, int i, int p, int last, int wide)
{
    if (p >= last)
        return (float4)(0);
    if (wide)
        return patch_four(a, depth, row);
    return (float4)(patch_element(a, depth, row),
        patch_element(a, depth, place_of_tap(a, i + 1)),
        patch_element(a, depth, place_of_tap(a, i + 2)),
        patch_element(a, depth, place_of_tap(a, i + 3)));
}

INLINE patch_side forward_patches(__global const real *x, const conv_shape *s)
{
    patch_side a;
    int taps = s->kernel_y * s->kernel_x;
    a.image = x;
    a.height = s->height, a.width = s->width, a.channels = s->channels;
    a.grid_height = s->out_height, a.grid_width = s->out_width;
    a.pixels = s->batch * s->out_height * s->out_width, a.elements = taps * s->channels;
    a.step_y = s->stride_y, a.step_x = s->stride_x;
    a.start_y = -s->pad_top, a.start_x = -s->pad_left;
    a.tap_y = s->dilation_y, a.tap_x = s->dilation_x, a.taps_x = s->kernel_x;
    a.by_channels = divider_of(s->channels, BEHIND(a.elements));
    a.by_taps = divider_of(s->kernel_x, BEHIND(taps));
    a.by_width = divider_of(s->out_width, BEHIND(a.pixels));
    a.by_height = divider_of(s->out_height, BEHIND(a.pixels));
    return a;
}

// ---- The gradient of the input, in phases -------------------------------------------------------

// Inputs i = phase + stride * q meet only the taps k = first + step * j for which
// i + pad - k * dilation is a multiple of the stride, at o = q + start - j * spread. Each phase is
// thus a product without holes.
typedef struct {
    int pixels, taps, first, step, start, spread;
} phase;

INLINE phase phase_of(int number, int extent, int kernel_extent, int stride, int pad, int dilation)
{
    int shared = dilation % stride, rest = stride;
    while (shared != 0) {
        int next = rest % shared;
        rest = shared;
        shared = next;
    }
    // rest is now the greatest common divisor of stride and dilation.
    phase f = {(extent - number + stride - 1) / stride, 0, 0, stride / rest, 0, dilation / rest};
    while (f.first < f.step && (number + pad - f.first * dilation) % stride != 0)
        f.first++;
    if (f.first < f.step && f.first < kernel_extent)
        f.taps = (kernel_extent - f.first - 1) / f.step + 1;
    f.start = (number + pad - f.first * dilation) / stride;
    return f;
}

INLINE patch_side gradient_patches(
    __global const real *dy, const conv_shape *s, phase vertical, phase horizontal)
{
    patch_side a;
    int taps = vertical.taps * horizontal.taps;
    a.image = dy;
    a.height = s->out_height, a.width = s->out_width, a.channels = s->filters;
    a.grid_height = vertical.pixels, a.grid_width = horizontal.pixels;
    a.pixels = s->batch * vertical.pixels * horizontal.pixels, a.elements = taps * s->filters;
    a.step_y = 1, a.step_x = 1, a.start_y = vertical.start, a.start_x = horizontal.start;
    a.tap_y = -vertical.spread, a.tap_x = -horizontal.spread;
    a.taps_x = max(horizontal.taps, 1);
    a.by_channels = divider_of(s->filters, BEHIND(a.elements));
    a.by_taps = divider_of(a.taps_x, BEHIND(taps));
    a.by_width = divider_of(max(a.grid_width, 1), BEHIND(a.pixels));
    a.by_height = divider_of(max(a.grid_height, 1), BEHIND(a.pixels));
    return a;
}

typedef struct {
    __global const real *w;
    int channels, filters, kernel_x, taps_x, first_y, first_x, step_y, step_x;
    divider by_filters, by_taps;
} weight_side;

INLINE weight_side turned_weights(
    __global const real *w, const conv_shape *s, const patch_side *a, phase vertical,
    phase horizontal)
{
    weight_side b = {w, s->channels, s->filters, s->kernel_x, a->taps_x, vertical.first,
        horizontal.first, vertical.step, horizontal.step, a->by_channels, a->by_taps};
    return b;
}

INLINE int weight_row(const weight_side *b, int i) { return i; }

// Offset of channel 0, less p's own filter number, which weight_fetch adds.
INLINE long weight_depth(const weight_side *b, int p)
{
    int tap = divide(p, b->by_filters), ky = divide(tap, b->by_taps), kx = tap - ky * b->taps_x;
    long at = (long)(b->first_y + ky * b->step_y) * b->kernel_x + b->first_x + kx * b->step_x;
    return at * b->channels * b->filters + (p - tap * b->filters);
}

INLINE float4 weight_fetch(
    const weight_side *b, int row, long depth, int i, int p, int last, int wide)
{
    __global const real *w = b->w + (long)i * b->filters;
    if (i >= b->channels)
        return (float4)(0);
    if (wide)
        return load_four(w + depth, last - p, 1);
    return (float4)(p < last ? w[depth] : 0, p + 1 < last ? w[weight_depth(b, p + 1)] : 0,
        p + 2 < last ? w[weight_depth(b, p + 2)] : 0, p + 3 < last ? w[weight_depth(b, p + 3)] : 0);
}
#endif

// ---- Groups and results -------------------------------------------------------------------------

// The tile, slice of the depth and outer number (of a batch, of a phase) of a work-group. Tiles go
// in bands of eight rows, so that groups which run together share both operands in the cache.
typedef struct {
    int m0, n0, slice, outer;
} group_place;

INLINE group_place place_of_group(int rows, int columns, int slices, int tile_m, int tile_n)
{
    const int band = 8;
    int down = (rows - 1) / tile_m + 1, across = (columns - 1) / tile_n + 1;
    int id = get_group_id(0), outer = id / (down * across), tile = id % (down * across);
    int top = tile / (band * across) * band, height = min(band, down - top);
    tile -= top * across;
    group_place at = {
        (top + tile % height) * tile_m, tile / height * tile_n, outer % slices, outer / slices};
    return at;
}

// c = product + bias + beta * c, rows x columns. The rows of an input's gradient are the pixels of
// a phase.
typedef struct {
    __global real *c;
    __global const real *bias;
    int rows, columns, has_bias;
    real beta;
#if PRODUCT == 2
    int grid_height, grid_width, height, width, first_y, first_x, step_y, step_x;
#endif
} result_side;

INLINE __global real *result_at(const result_side *to, int row, int column)
{
    long at = row;
#if PRODUCT == 2
    int line = row / to->grid_width, image = line / to->grid_height;
    int y = (line - image * to->grid_height) * to->step_y + to->first_y;
    int x = (row - line * to->grid_width) * to->step_x + to->first_x;
    at = ((long)image * to->height + y) * to->width + x;
#endif
    return to->c + at * to->columns + column;
}

INLINE void store_one(const result_side *to, __global real *p, real v, int column)
{
    if (column >= to->columns)
        return;
    if (to->has_bias)
        v += to->bias[column];
    *p = to->beta == 0 ? v : v + to->beta * *p;
}

INLINE void store_two(const result_side *to, int row, int column, float2 v)
{
    if (row >= to->rows || column >= to->columns)
        return;
    __global real *p = result_at(to, row, column);
#if WIDE_C
    if (to->has_bias)
        v += *(__global const float2 *)(to->bias + column);
    if (to->beta != 0)
        v += to->beta * *(__global const float2 *)p;
    *(__global float2 *)p = v;
#else
    store_one(to, p, v.x, column);
    store_one(to, p + 1, v.y, column + 1);
#endif
}

INLINE void store_four(const result_side *to, int row, int column, float4 v)
{
    if (row >= to->rows || column >= to->columns)
        return;
    __global real *p = result_at(to, row, column);
#if WIDE_C
    if (to->has_bias)
        v += *(__global const float4 *)(to->bias + column);
    if (to->beta != 0)
        v += to->beta * *(__global const float4 *)p;
    *(__global float4 *)p = v;
#else
    store_one(to, p, v.x, column);
    store_one(to, p + 1, v.y, column + 1);
    store_one(to, p + 2, v.z, column + 2);
    store_one(to, p + 3, v.w, column + 3);
#endif
}
