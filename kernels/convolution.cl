// Two-dimensional convolution over channels-last data and its gradients (formulas and shapes:
// Ops/Convolution.cs). General kernels, right for any groups, stride, dilation and padding: one item
// for each pixel and LANES channels of the result.

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
