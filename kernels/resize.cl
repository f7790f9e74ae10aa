// Resizing channels-last images by the nearest pixel or linear interpolation (formulas and shapes:
// Ops/Resize.cs). One item for each output pixel and LANES channels; the gradient has one for each
// input pixel, which asks the outputs that may have read it.

typedef struct {
    int batch, height, width, channels, out_height, out_width;
    real scale_y, scale_x, shift;
    int linear;
} resize_shape;

// The two pixels along one dimension that an output reads, and how much of `high`.
typedef struct {
    int low, high;
    real share;
} pair;

INLINE pair taps(int o, int extent, real scale, resize_shape s)
{
    real position = max(scale * (o + s.shift) - s.shift, (real)0);
    pair p;
    p.low = min((int)position, extent - 1);
    p.high = min(p.low + 1, extent - 1);
    p.share = s.linear ? clamp(position - p.low, (real)0, (real)1) : 0;
    return p;
}

INLINE real weight(int i, pair p)
{
    return (i == p.low ? 1 - p.share : 0) + (i == p.high ? p.share : 0);
}

// Outputs that may read pixel i: the inverse of the position with a pixel to spare.
INLINE int2 readers(int i, int extent, int outputs, real scale, resize_shape s)
{
    if (scale == 0)
        return (int2)(0, outputs);
    real first = (i - 1 + s.shift) / scale - s.shift - 1;
    real last = (i + 1 + s.shift) / scale - s.shift + 2;
    return (int2)(i == 0 ? 0 : (int)clamp(first, (real)0, (real)outputs),
        i == extent - 1 ? outputs : (int)clamp(last, (real)0, (real)outputs));
}

#define CHANNEL_BLOCKS(s) (((s).channels - 1) / LANES + 1)

KERNEL void resize(__global const real *x, __global real *y, resize_shape s)
{
    int blocks = CHANNEL_BLOCKS(s);
    FOR_ITEMS(item, s.batch * s.out_height * s.out_width * blocks) {
        int pixel = item / blocks, c = item % blocks * LANES, count = s.channels - c;
        int ox = pixel % s.out_width, oy = pixel / s.out_width % s.out_height;
        int image = pixel / s.out_width / s.out_height;
        pair rows = taps(oy, s.height, s.scale_y, s), columns = taps(ox, s.width, s.scale_x, s);
        long first = (long)image * s.height;
        __global const real *upper = x + (first + rows.low) * s.width * s.channels;
        __global const real *lower = x + (first + rows.high) * s.width * s.channels;
        int left = columns.low * s.channels + c, right = columns.high * s.channels + c;
        V value = load(upper + left, count);
        if (s.linear) {
            V top = (1 - columns.share) * value + columns.share * load(upper + right, count);
            V bottom = (1 - columns.share) * load(lower + left, count)
                + columns.share * load(lower + right, count);
            value = (1 - rows.share) * top + rows.share * bottom;
        }
        store(y + (long)pixel * s.channels + c, value, count);
    }
}

KERNEL void resize_gradient(
    __global const real *dy, __global real *dx, resize_shape s, real beta)
{
    int blocks = CHANNEL_BLOCKS(s);
    FOR_ITEMS(item, s.batch * s.height * s.width * blocks) {
        int pixel = item / blocks, c = item % blocks * LANES, count = s.channels - c;
        int ix = pixel % s.width, iy = pixel / s.width % s.height;
        int image = pixel / s.width / s.height;
        int2 rows = readers(iy, s.height, s.out_height, s.scale_y, s);
        int2 columns = readers(ix, s.width, s.out_width, s.scale_x, s);
        V sum = K(0);
        for (int oy = rows.x; oy < rows.y; oy++) {
            real up = weight(iy, taps(oy, s.height, s.scale_y, s));
            if (up == 0)
                continue;
            for (int ox = columns.x; ox < columns.y; ox++) {
                real across = weight(ix, taps(ox, s.width, s.scale_x, s));
                if (across == 0)
                    continue;
                long at = (((long)image * s.out_height + oy) * s.out_width + ox) * s.channels + c;
                sum += up * across * load(dy + at, count);
            }
        }
        accumulate(dx + (long)pixel * s.channels + c, sum, beta, count);
    }
}
