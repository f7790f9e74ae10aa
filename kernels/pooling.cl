// Maximum and average over windows of channels-last images (shapes: Ops/Pooling.cs). One item for
// each output pixel and LANES channels. Gradients gather: each input pixel asks the windows that
// cover it, so there is nothing to race for.

typedef struct {
    int batch, height, width, channels;
    int window_y, window_x, stride_y, stride_x;
    int pad_top, pad_bottom, pad_left, pad_right;
    int out_height, out_width;
} pool_shape;

// A half-open range of taps or windows along one dimension.
typedef int2 range;

// Pixels of window o that lie inside the image.
INLINE range taps(int o, int window, int stride, int pad, int extent)
{
    int start = o * stride - pad;
    return (range)(max(start, 0), min(start + window, extent));
}

// Windows that cover pixel i.
INLINE range windows(int i, int window, int stride, int pad, int outputs)
{
    int last = i + pad, first = last - window + 1;
    return (range)(first <= 0 ? 0 : (first + stride - 1) / stride, min(last / stride + 1, outputs));
}

#define CHANNEL_BLOCKS(s) (((s).channels - 1) / LANES + 1)

KERNEL void max_pool(
    __global const real *x, __global real *y, __global int *indices, pool_shape s)
{
    int blocks = CHANNEL_BLOCKS(s);
    FOR_ITEMS(item, s.batch * s.out_height * s.out_width * blocks) {
        int pixel = item / blocks, c = item % blocks * LANES, count = s.channels - c;
        int ox = pixel % s.out_width, oy = pixel / s.out_width % s.out_height;
        int image = pixel / s.out_width / s.out_height;
        range rows = taps(oy, s.window_y, s.stride_y, s.pad_top, s.height);
        range columns = taps(ox, s.window_x, s.stride_x, s.pad_left, s.width);
        V best = K(-INFINITY);
        // The first tap inside the image wins at the start, whatever its value.
        VI where = (VI)(rows.x * s.width + columns.x);
        for (int iy = rows.x; iy < rows.y; iy++) {
            for (int ix = columns.x; ix < columns.y; ix++) {
                int at = iy * s.width + ix;
                long from = ((long)image * s.height * s.width + at) * s.channels + c;
                PREFETCH(x + from + (long)s.stride_y * s.width * s.channels);
                V v = load(x + from, count);
                // NaN wins and stays.
                VI wins = (v > best) || (v != v && best == best);
                best = wins ? v : best;
                where = wins ? (VI)(at) : where;
            }
        }
        store(y + (long)pixel * s.channels + c, best, count);
        store_ints(indices + (long)pixel * s.channels + c, where, count);
    }
}

// Windows side by side that cover the image: each pixel belongs to one, so dy is read once. Pixel 0
// of the window of output `pixel`, channel c; `first` is its number within its image.
INLINE long tile(int pixel, int c, pool_shape s, int *first)
{
    int ox = pixel % s.out_width, row = pixel / s.out_width;
    *first = row % s.out_height * s.window_y * s.width + ox * s.window_x;
    return ((long)row * s.window_y * s.width + ox * s.window_x) * s.channels + c;
}

KERNEL void max_pool_gradient_tiles(
    __global const real *dy, __global const int *indices, __global real *dx, pool_shape s,
    real beta)
{
    int blocks = CHANNEL_BLOCKS(s);
    FOR_ITEMS(item, s.batch * s.out_height * s.out_width * blocks) {
        int pixel = item / blocks, c = item % blocks * LANES, count = s.channels - c, first;
        long from = (long)pixel * s.channels + c, to = tile(pixel, c, s, &first);
        V d = load(dy + from, count);
        VI where = load_ints(indices + from, count) - (VI)(first);
        for (int iy = 0; iy < s.window_y; iy++) {
            for (int ix = 0; ix < s.window_x; ix++) {
                int at = iy * s.width + ix;
                PREFETCH(dx + to + (long)(at + s.window_y * s.width) * s.channels);
                accumulate(dx + to + (long)at * s.channels, where == (VI)(at) ? d : K(0), beta,
                    count);
            }
        }
    }
}

KERNEL void average_pool_gradient_tiles(
    __global const real *dy, __global real *dx, pool_shape s, real beta)
{
    int blocks = CHANNEL_BLOCKS(s);
    real share = 1.0f / (s.window_y * s.window_x);
    FOR_ITEMS(item, s.batch * s.out_height * s.out_width * blocks) {
        int pixel = item / blocks, c = item % blocks * LANES, count = s.channels - c, first;
        long to = tile(pixel, c, s, &first);
        V d = load(dy + (long)pixel * s.channels + c, count) * share;
        for (int iy = 0; iy < s.window_y; iy++) {
            for (int ix = 0; ix < s.window_x; ix++) {
                int at = iy * s.width + ix;
                PREFETCH(dx + to + (long)(at + s.window_y * s.width) * s.channels);
                accumulate(dx + to + (long)at * s.channels, d, beta, count);
            }
        }
    }
}

KERNEL void max_pool_gradient(
    __global const real *dy, __global const int *indices, __global real *dx, pool_shape s,
    real beta)
{
    int blocks = CHANNEL_BLOCKS(s);
    FOR_ITEMS(item, s.batch * s.height * s.width * blocks) {
        int pixel = item / blocks, c = item % blocks * LANES, count = s.channels - c;
        int ix = pixel % s.width, iy = pixel / s.width % s.height;
        int image = pixel / s.width / s.height;
        range rows = windows(iy, s.window_y, s.stride_y, s.pad_top, s.out_height);
        range columns = windows(ix, s.window_x, s.stride_x, s.pad_left, s.out_width);
        V sum = K(0);
        for (int oy = rows.x; oy < rows.y; oy++) {
            for (int ox = columns.x; ox < columns.y; ox++) {
                long at = (((long)image * s.out_height + oy) * s.out_width + ox) * s.channels + c;
                VI mine = load_ints(indices + at, count) == (VI)(iy * s.width + ix);
                sum += mine ? load(dy + at, count) : K(0);
            }
        }
        accumulate(dx + (long)pixel * s.channels + c, sum, beta, count);
    }
}

// Reads the places of the maxima; one item for each window and channel.
KERNEL void max_unpool_gradient(
    __global const real *dy, __global const int *indices, __global real *dx, pool_shape s,
    real beta)
{
    FOR_ITEMS(item, s.batch * s.out_height * s.out_width * s.channels) {
        int c = item % s.channels, image = item / s.channels / s.out_width / s.out_height;
        long pixel = (long)image * s.height * s.width + indices[item];
        real value = dy[pixel * s.channels + c];
        dx[item] = beta == 0 ? value : value + beta * dx[item];
    }
}

// Taps that a window's sum is divided by.
INLINE real divisor(int oy, int ox, pool_shape s, int count_padding)
{
    range rows = taps(oy, s.window_y, s.stride_y, s.pad_top, s.height);
    range columns = taps(ox, s.window_x, s.stride_x, s.pad_left, s.width);
    return count_padding ? s.window_y * s.window_x
                         : max((rows.y - rows.x) * (columns.y - columns.x), 1);
}

KERNEL void average_pool(
    __global const real *x, __global real *y, pool_shape s, int count_padding)
{
    int blocks = CHANNEL_BLOCKS(s);
    FOR_ITEMS(item, s.batch * s.out_height * s.out_width * blocks) {
        int pixel = item / blocks, c = item % blocks * LANES, count = s.channels - c;
        int ox = pixel % s.out_width, oy = pixel / s.out_width % s.out_height;
        int image = pixel / s.out_width / s.out_height;
        range rows = taps(oy, s.window_y, s.stride_y, s.pad_top, s.height);
        range columns = taps(ox, s.window_x, s.stride_x, s.pad_left, s.width);
        V sum = K(0);
        for (int iy = rows.x; iy < rows.y; iy++)
            for (int ix = columns.x; ix < columns.y; ix++)
                sum += load(x + (((long)image * s.height + iy) * s.width + ix) * s.channels + c,
                    count);
        store(y + (long)pixel * s.channels + c, sum / divisor(oy, ox, s, count_padding), count);
    }
}

KERNEL void average_pool_gradient(
    __global const real *dy, __global real *dx, pool_shape s, int count_padding, real beta)
{
    int blocks = CHANNEL_BLOCKS(s);
    FOR_ITEMS(item, s.batch * s.height * s.width * blocks) {
        int pixel = item / blocks, c = item % blocks * LANES, count = s.channels - c;
        int ix = pixel % s.width, iy = pixel / s.width % s.height;
        int image = pixel / s.width / s.height;
        range rows = windows(iy, s.window_y, s.stride_y, s.pad_top, s.out_height);
        range columns = windows(ix, s.window_x, s.stride_x, s.pad_left, s.out_width);
        V sum = K(0);
        for (int oy = rows.x; oy < rows.y; oy++) {
            for (int ox = columns.x; ox < columns.y; ox++) {
                long at = (((long)image * s.out_height + oy) * s.out_width + ox) * s.channels + c;
                sum += load(dy + at, count) / divisor(oy, ox, s, count_padding);
            }
        }
        accumulate(dx + (long)pixel * s.channels + c, sum, beta, count);
    }
}
