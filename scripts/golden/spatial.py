"""Reference cases of products, convolutions, pooling and resizing in one to three dimensions."""
import torch
import torch.nn.functional as F


def write(folder, differentiate, pick, small):
    """pick(low, high) is a random whole number, both ends included."""
    convolutions(folder, differentiate, pick, small)
    volumes(folder, differentiate, pick, small)
    pools(folder, differentiate, pick)
    resizing(folder, differentiate, pick, small)


def convolution(differentiate, folder, case, function, x, w, filters, **args):
    differentiate(folder, "linear_conv", case, args,
                  lambda x, w, b: function(x, w, b, **args),
                  {"x": torch.randn(x), "w": 0.3 * torch.randn(w), "b": torch.randn(filters)})


def convolutions(folder, differentiate, pick, small):
    def add(case, function, x, w, filters, **args):
        convolution(differentiate, folder, case, function, x, w, filters, **args)

    m, k, n = pick(1, 9), pick(1, 40), pick(1, 40)
    add("linear", F.linear, (m, k), (n, k), n)
    heads = pick(1, 3)
    differentiate(folder, "linear_conv", "matmul_batched", {}, torch.matmul,
                  {"a": torch.randn(2, heads, m, k), "b": torch.randn(2, heads, k, n)})
    c, f = pick(1, 5), pick(1, 6)
    h, w = pick(7, 12), pick(7, 12)
    add("conv2d_same", F.conv2d, (2, c, h, w), (f, c, 3, 3), f, padding=1)
    add("conv2d_strided", F.conv2d, (1, c, h, w), (f, c, 3, 2), f, stride=[2, 3], padding=[1, 0])
    add("conv2d_dilated", F.conv2d, (1, c, h, w), (f, c, 3, 3), f, dilation=2, padding=2)
    add("conv2d_grouped", F.conv2d, (1, 2 * c, h, w), (2 * f, c, 3, 3), 2 * f, groups=2)
    add("conv2d_depthwise", F.conv2d, (1, c + 1, h, w), (c + 1, 1, 3, 3), c + 1,
        groups=c + 1, padding=1)
    wide = 16 * c + pick(1, 15)
    if not small:
        add("conv2d_depthwise_wide", F.conv2d, (1, wide, h, 5), (wide, 1, 3, 3), wide,
            groups=wide, padding=1, stride=pick(1, 2))
        add("conv2d_wide", F.conv2d, (2, wide, h, w), (wide + 3, wide, 3, 3), wide + 3,
            padding=pick(0, 2))
        add("conv2d_wide_strided", F.conv2d, (2, wide, h, w), (wide + 3, wide, 3, 3), wide + 3,
            padding=1, stride=2)
    add("conv2d_1x1", F.conv2d, (2, c, 3, 4), (f, c, 1, 1), f)
    add("conv1d", F.conv1d, (2, c, w), (f, c, 3), f, stride=2, padding=1)
    add("conv1d_grouped", F.conv1d, (1, 2 * c, w), (2 * f, c, 2), 2 * f, groups=2, dilation=2)
    add("conv_transpose2d", F.conv_transpose2d, (1, c, 4, 5), (c, f, 3, 3), f,
        stride=2, padding=1, output_padding=1)
    add("conv_transpose2d_grouped", F.conv_transpose2d, (1, 2 * c, 3, 4), (2 * c, f, 2, 3), 2 * f,
        stride=2, groups=2)
    add("conv_transpose2d_dilated", F.conv_transpose2d, (1, c, 3, 4), (c, f, 3, 2), f,
        stride=[1, 3], dilation=[2, 1], padding=[1, 0])
    add("conv_transpose1d", F.conv_transpose1d, (2, c, 5), (c, f, 3), f, stride=pick(1, 3),
        padding=1)


def volumes(folder, differentiate, pick, small):
    def add(case, x, w, filters, **args):
        convolution(differentiate, folder, case, F.conv3d, x, w, filters, **args)

    c, f, d = pick(1, 3), pick(1, 4), pick(3, 6)
    h, w = (5, 5) if small else (pick(5, 8), pick(5, 8))
    add("conv3d", (1, c, d, h, w), (f, c, 3, 3, 3), f, padding=1)
    if small:
        return
    add("conv3d_strided", (2, c, d, h, w), (f, c, 3, 2, 3), f, stride=[pick(1, 3), 2, 1],
        padding=[1, 0, 1])
    add("conv3d_dilated", (1, c, d + 2, h, w), (f, c, 2, 3, 2), f, dilation=[pick(1, 3), 2, 1],
        padding=[pick(0, 3), 1, 0])
    add("conv3d_grouped", (1, 3 * c, d, h, w), (3 * f, c, 2, 3, 3), 3 * f, groups=3,
        stride=2, padding=1)
    add("conv3d_depthwise", (1, c + 1, d, h, w), (c + 1, 1, 3, 3, 3), c + 1, groups=c + 1)
    add("conv3d_flat", (1, c, d, h, w), (f, c, 1, 3, 3), f, stride=[2, 1, 1])


def pools(folder, differentiate, pick):
    c, h, w, d = pick(1, 4), pick(6, 11), pick(6, 11), pick(4, 6)

    def add(case, function, x, values=None, **args):
        named = dict(args)
        kernel = named.pop("kernel")
        differentiate(folder, "pool_resize", case, args,
                      lambda x: function(x, kernel, **named),
                      {"x": torch.randn(x) if values is None else values})

    def unpool(x, kernel, stride, padding=0):
        y, places = F.max_pool2d(x, kernel, stride, padding, return_indices=True)
        return F.max_unpool2d(y, places, kernel, stride, padding, output_size=x.shape[2:])

    add("max_pool2d", F.max_pool2d, (2, c, h, w), kernel=2, stride=2)
    add("max_pool2d_padded", F.max_pool2d, (1, c, h, w), kernel=3, stride=2, padding=1)
    # Few values make ties: their gradient goes to the first.
    add("max_pool2d_ties", F.max_pool2d, None, kernel=3, stride=1,
        values=torch.randint(2, (1, c, h, w)).float())
    add("max_pool3d_ties", F.max_pool3d, None, kernel=[2, 3, 2], stride=[1, 2, 1], padding=[1, 0, 1],
        values=torch.randint(2, (1, c, d, 5, 4)).float())
    add("max_pool3d", F.max_pool3d, (2, c, d, 4, 5), kernel=2, stride=2)
    add("max_pool1d", F.max_pool1d, (2, c, w), kernel=3, stride=2)
    add("max_unpool2d", unpool, (2, c, h, w), kernel=2, stride=2)
    add("max_unpool2d_gaps", unpool, (1, c, h, w), kernel=[2, 3], stride=3, padding=[0, 1])
    add("avg_pool2d", F.avg_pool2d, (1, c, h, w), kernel=[3, 2], stride=2)
    add("avg_pool2d_nopad", F.avg_pool2d, (1, c, h, w), kernel=3, stride=2, padding=1,
        count_include_pad=False)
    add("avg_pool1d", F.avg_pool1d, (2, c, w), kernel=3, stride=2, padding=1)
    add("avg_pool3d", F.avg_pool3d, (1, c, d, 5, 4), kernel=[2, 3, 2], stride=2, padding=1)
    add("avg_pool3d_nopad", F.avg_pool3d, (1, c, d, 5, 4), kernel=3, stride=[1, 2, 2], padding=1,
        count_include_pad=False)
    for case, function, x in (
            ("global_avg_pool2d", F.adaptive_avg_pool2d, (2, c, h, w)),
            ("global_max_pool1d", F.adaptive_max_pool1d, (2, c, w)),
            ("global_max_pool2d", F.adaptive_max_pool2d, (2, c, h, w)),
            ("global_avg_pool3d", F.adaptive_avg_pool3d, (1, c, d, 3, 4)),
            ("global_max_pool3d", F.adaptive_max_pool3d, (1, c, d, 3, 4))):
        differentiate(folder, "pool_resize", case, {}, lambda x, f=function: f(x, 1),
                      {"x": torch.randn(x)})


def resizing(folder, differentiate, pick, small):
    def add(case, mode, x, scale=None, size=None, align_corners=None):
        args = {"scale": scale, "size": size, "align_corners": align_corners}
        differentiate(folder, "pool_resize", case,
                      {k: v for k, v in args.items() if v is not None},
                      lambda x: F.interpolate(
                          x, size=size, scale_factor=scale, mode=mode,
                          align_corners=align_corners), {"x": torch.randn(x)})

    c, h, w = pick(1, 4), pick(2, 6), pick(2, 6)
    add("upsample_nearest", "nearest", (1, c, h, w), scale=pick(2, 4))
    add("upsample_bilinear", "bilinear", (1, c, h, w), scale=pick(2, 4), align_corners=False)
    add("upsample_bilinear_aligned", "bilinear", (1, c, h, w), size=[2 * h - 1, w + 3],
        align_corners=True)
    add("upsample_linear", "linear", (2, c, w), scale=2)
    r = pick(2, 3)
    shuffles = (("pixel_shuffle", F.pixel_shuffle, (1, c * r * r, h, w)),
                ("pixel_unshuffle", F.pixel_unshuffle, (1, c, h * r, w * r)))
    for case, function, x in shuffles:
        differentiate(folder, "pool_resize", case, {"factor": r}, lambda x, f=function: f(x, r),
                      {"x": torch.randn(x)})
    if small:
        return
    # Sizes that the factor does not divide, and smaller ones.
    size = [pick(1, 17), pick(1, 17)]
    add("upsample_nearest_size", "nearest", (1, c, h, w), size=size)
    add("upsample_bilinear_size", "bilinear", (2, c, h, w), size=size, align_corners=False)
    uneven = [1 + pick(1, 30) / 10, 0.5 + pick(1, 30) / 10]
    # At once or twice the size, PyTorch's forward pass and its gradient differ in their scale.
    if all(int(n * by) not in (n, 2 * n) for n, by in zip((h, w), uneven)):
        add("upsample_nearest_uneven", "nearest", (1, c, h, w), scale=uneven)
    add("upsample_bilinear_uneven", "bilinear", (1, c, h, w), scale=uneven, align_corners=False)
    add("upsample_nearest_series", "nearest", (2, c, w), scale=1.7)
    add("upsample_nearest_volume", "nearest", (1, c, 3, h, w), scale=[2, 1, 1.5])
    add("upsample_trilinear", "trilinear", (1, c, 3, h, w), size=[pick(1, 9), *size])
