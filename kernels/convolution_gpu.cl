// Convolution with one group and its gradients on GPUs (formulas: Ops/Convolution.cs): products
// whose operands are gathered from where they lie (operand_gpu.cl). With more than one slice of the
// depth the result is [slice] of partial sums, which reduce_sum_columns adds in their order.

#if PRODUCT == 1
// y (pixels x filters) = patches (pixels x taps * channels) times w.
GROUPED void convolution_gpu(
    __global const real *x, __global const real *w, __global const real *bias, __global real *y,
    conv_shape s, int has_bias, int slices, int slice_depth)
{
    TILE_MEMORY;
    patch_side left = forward_patches(x, &s);
    group_place at = place_of_group(left.pixels, s.filters, slices, GROUP_M, GROUP_N);
    matrix_side right = {w, s.filters, s.filters, 0};
    int first = at.slice * slice_depth, last = min(left.elements, first + slice_depth);
    accumulators sum =
        group_product(&left, &right, at.m0, at.n0, first, last, tile_memory);
    result_side to = {y + (long)at.slice * left.pixels * s.filters, bias, left.pixels, s.filters,
        has_bias && at.slice == 0, 0};
    store_product(&to, at.m0, at.n0, &sum);
}
#endif

#if PRODUCT == 2
// dx (a phase's pixels x channels) = patches of dy (pixels x taps * filters) times turned weights.
// Phases differ in size: groups are launched for the largest.
GROUPED void convolution_input_gradient_gpu(
    __global const real *dy, __global const real *w, __global real *dx, conv_shape s, real beta,
    int slices, int slice_depth)
{
    TILE_MEMORY;
    int most = s.batch * ((s.height - 1) / s.stride_y + 1) * ((s.width - 1) / s.stride_x + 1);
    group_place at = place_of_group(most, s.channels, slices, GROUP_M, GROUP_N);
    phase vertical = phase_of(at.outer / s.stride_x, s.height, s.kernel_y, s.stride_y, s.pad_top,
        s.dilation_y);
    phase horizontal = phase_of(at.outer % s.stride_x, s.width, s.kernel_x, s.stride_x,
        s.pad_left, s.dilation_x);
    patch_side left = gradient_patches(dy, &s, vertical, horizontal);
    if (at.m0 >= left.pixels)
        return;
    weight_side right = turned_weights(w, &s, &left, vertical, horizontal);
    int first = min(at.slice * slice_depth, left.elements);
    int last = min(left.elements, first + slice_depth);
    accumulators sum =
        group_product(&left, &right, at.m0, at.n0, first, last, tile_memory);
    result_side to = {dx + (long)at.slice * s.batch * s.height * s.width * s.channels, dy,
        left.pixels, s.channels, 0, beta, vertical.pixels, horizontal.pixels, s.height, s.width,
        at.outer / s.stride_x, at.outer % s.stride_x, s.stride_y, s.stride_x};
    store_product(&to, at.m0, at.n0, &sum);
}
#endif

#if PRODUCT == 3
// dw (elements x filters) = turned patches (elements x pixels) times dy (pixels x filters).
GROUPED void convolution_weight_gradient_gpu(
    __global const real *x, __global const real *dy, __global real *dw, conv_shape s, real beta,
    int slices, int slice_depth)
{
    TILE_MEMORY;
    patch_side left = forward_patches(x, &s);
    group_place at = place_of_group(left.elements, s.filters, slices, GROUP_M, GROUP_N);
    matrix_side right = {dy, s.filters, s.filters, 0};
    int first = at.slice * slice_depth, last = min(left.pixels, first + slice_depth);
    accumulators sum =
        group_product(&left, &right, at.m0, at.n0, first, last, tile_memory);
    result_side to = {dw + (long)at.slice * left.elements * s.filters, dy, left.elements,
        s.filters, 0, beta};
    store_product(&to, at.m0, at.n0, &sum);
}
#endif
